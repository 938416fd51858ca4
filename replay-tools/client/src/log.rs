//! The log and its tree as the engine keeps them: record bytes, checkpoint, tiles.

use std::collections::HashMap;
use std::convert::Infallible;

use guichet_proof::{SignedCheckpoint, TileId, TileSource};
use guichet_schemas::position::Partition;
use guichet_schemas::{subject, wire};
use prost::Message as _;

use super::{Client, ClientError};

/// Records asked for at a time; the answer ends earlier at the size that NATS carries.
const RECORDS: u32 = 10_000;
/// Tiles in one request: as many as the engine answers.
const TILES: usize = 64;

/// Tiles that were fetched. Nothing about them is checked: proofs made of them are.
#[derive(Debug, Default)]
pub struct Tiles(HashMap<TileId, Vec<u8>>);

impl TileSource for Tiles {
    type Error = Infallible;

    fn read(&self, tile: TileId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(&tile).cloned())
    }
}

impl Client {
    /// Records from a position on, as many as one answer holds.
    ///
    /// # Errors
    /// No engine answers.
    pub async fn log(&self, partition: Partition, from: u64) -> Result<wire::LogBatch, ClientError> {
        let request = wire::LogRequest { from, max_events: RECORDS, max_bytes: 0 };
        let body = request.encode_to_vec().into();
        let payload = self.serve(subject::log(partition), body).await?;
        wire::LogBatch::decode(payload).map_err(|e| self.strange("the answer of the log".to_owned(), &e))
    }

    /// The bytes of one record; none beyond the head.
    ///
    /// # Errors
    /// No engine answers.
    pub async fn record(&self, partition: Partition, position: u64) -> Result<Option<Vec<u8>>, ClientError> {
        let request = wire::LogRequest { from: position, max_events: 1, max_bytes: 1 };
        let body = request.encode_to_vec().into();
        let payload = self.serve(subject::log(partition), body).await?;
        let batch = wire::LogBatch::decode(payload)
            .map_err(|e| self.strange("the answer of the log".to_owned(), &e))?;
        Ok(batch.records.into_iter().next())
    }

    /// The newest checkpoint, its signature unchecked.
    ///
    /// # Errors
    /// No engine answers, or it keeps no tree.
    pub async fn checkpoint(&self, partition: Partition) -> Result<SignedCheckpoint, ClientError> {
        let batch = self.tile_batch(partition, &[]).await?;
        SignedCheckpoint::read(&batch.checkpoint)
            .map_err(|e| self.strange("the checkpoint of the log".to_owned(), &e))
    }

    /// Tiles of the tree; those that it has not so wide are left out.
    ///
    /// # Errors
    /// No engine answers.
    pub async fn tiles(&self, partition: Partition, tiles: &[TileId]) -> Result<Tiles, ClientError> {
        let mut fetched = Tiles::default();
        for asked in tiles.chunks(TILES) {
            let batch = self.tile_batch(partition, asked).await?;
            let there = asked.iter().zip(batch.tiles).filter(|(tile, hashes)| hashes.len() == tile.bytes());
            fetched.0.extend(there.map(|(tile, hashes)| (*tile, hashes)));
        }
        Ok(fetched)
    }

    async fn tile_batch(
        &self,
        partition: Partition,
        tiles: &[TileId],
    ) -> Result<wire::TileBatch, ClientError> {
        let one = |t: &TileId| wire::Tile { level: t.level.into(), index: t.index, width: t.width };
        let body = wire::TileRequest { tiles: tiles.iter().map(one).collect() }.encode_to_vec().into();
        let payload = self.serve(subject::tile(partition), body).await?;
        wire::TileBatch::decode(payload).map_err(|e| self.strange("the answer of the tree".to_owned(), &e))
    }
}
