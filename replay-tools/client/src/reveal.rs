//! Personal texts outside of answers: given only once the desk has recorded who reads them, which, and what for.

use std::time::Duration;

use guichet_key_client::{Opener, of_record};
use guichet_schemas::command::{Entity, RecordAccess};
use guichet_schemas::event::Actor;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::Partition;
use guichet_schemas::wire;
use guichet_schemas::wire::command_reply::Outcome;
use uuid::Uuid;

use super::{Client, ClientError};

/// How long the desk may take to record an access.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens personal texts. There is one only where the desk has recorded the access.
#[derive(Clone)]
pub struct Revealing {
    opener: Opener,
    /// The position of what was recorded.
    pub position: u64,
}

impl std::fmt::Debug for Revealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revealing").field("position", &self.position).finish_non_exhaustive()
    }
}

impl Client {
    /// Has an access recorded, then gives what opens the texts.
    ///
    /// # Errors
    /// The desk refuses, by name, or does not answer: then nothing is opened.
    pub async fn reveal(
        &self,
        access: RecordAccess,
        actor: Actor,
        command_id: Uuid,
    ) -> Result<Revealing, ClientError> {
        let command = wire::Command {
            command_id: command_id.as_bytes().to_vec(),
            actor: actor.to_wire(),
            data: access.to_wire().map(wire::command::Data::RecordAccess),
            ..wire::Command::default()
        };
        let reply = self.command_patiently(Entity::Desk, RecordAccess::VERB, command, PATIENCE).await?;
        match reply.outcome {
            Some(Outcome::Accepted(accepted)) => Ok(Revealing {
                opener: Opener::new(self.nats(), Partition::default()),
                position: accepted.position,
            }),
            Some(Outcome::Error(error)) => {
                Err(ClientError::Refused { code: error.code, message: error.message })
            }
            None => Err(self.strange("the answer to record_access".to_owned(), &"it has no outcome")),
        }
    }
}

impl Revealing {
    /// Opens the texts of a record. What does not open stays sealed.
    pub async fn open(&self, record: &mut wire::Record) {
        let tenant = record.tenant.clone();
        self.opener.open(&tenant, of_record(record)).await;
    }
}
