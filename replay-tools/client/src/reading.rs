//! A desk as an auditor sees it: everything to read, nothing to append.

use guichet_proof::{SignedCheckpoint, TileId};
use guichet_schemas::position::Partition;
use guichet_schemas::wire;

use super::{Client, ClientError, EventStream, Tiles};

/// A connection that only reads: log, tree and stream. It sends no command, and neither has nor gives away anything that
/// could.
///
/// ```compile_fail
/// # use guichet_client::Reading;
/// # use guichet_schemas::command::Entity;
/// # use guichet_schemas::wire;
/// async fn append(desk: Reading) {
///     let _ = desk.command(Entity::New, "create", wire::Command::default()).await;
/// }
/// ```
///
/// ```
/// # use guichet_client::Reading;
/// # use guichet_schemas::position::Partition;
/// async fn read(desk: Reading) {
///     let _ = desk.log(Partition::default(), 1).await;
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Reading(Client);

impl Client {
    /// Gives up everything but reading.
    #[must_use]
    pub const fn reading(self) -> Reading {
        Reading(self)
    }
}

impl Reading {
    /// Records from a position on, as many as one answer holds.
    ///
    /// # Errors
    /// No engine answers.
    pub async fn log(&self, partition: Partition, from: u64) -> Result<wire::LogBatch, ClientError> {
        self.0.log(partition, from).await
    }

    /// The newest checkpoint, its signature unchecked.
    ///
    /// # Errors
    /// No engine answers, or it keeps no tree.
    pub async fn checkpoint(&self, partition: Partition) -> Result<SignedCheckpoint, ClientError> {
        self.0.checkpoint(partition).await
    }

    /// Tiles of the tree; those that it has not so wide are left out.
    ///
    /// # Errors
    /// No engine answers.
    pub async fn tiles(&self, partition: Partition, tiles: &[TileId]) -> Result<Tiles, ClientError> {
        self.0.tiles(partition, tiles).await
    }

    /// The stream of a partition.
    ///
    /// # Errors
    /// There is none, or JetStream does not answer.
    pub async fn events(&self, partition: Partition) -> Result<EventStream, ClientError> {
        self.0.events(partition).await
    }

    /// Where the desk is, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        self.0.server.to_string()
    }
}
