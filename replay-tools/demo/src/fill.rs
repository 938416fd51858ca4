//! Fills a desk with the made-up history, and then works on a few tickets live.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use guichet_schemas::command::{Entity, Import};
use guichet_schemas::event::Actor;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire;
use guichet_schemas::wire::command_reply::Outcome;
use guichet_schemas::words::ActorKind;

use super::{Plan, history, live};
use guichet_client::{Client, ClientError};

/// Commands on their way at once.
const WINDOW: usize = 64;

/// The work done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filled {
    /// Histories imported, now or before.
    pub tickets: u64,
    /// Commands sent through the ordinary verbs.
    pub commands: u64,
    /// Of both, those that had been done before.
    pub found: u64,
    /// Events of both.
    pub events: u64,
    /// Newest position among the answers. Ask a read model with it as `min_position`.
    pub position: u64,
}

/// Sends everything, and waits for every answer. `on_progress` is called after each.
///
/// # Errors
/// No engine answered within `patience`, or the desk refuses a command: then it is not an empty one, or not
/// one of this demo.
pub async fn fill(
    client: &Client,
    plan: Plan,
    patience: Duration,
    mut on_progress: impl FnMut(&Filled),
) -> Result<Filled, ClientError> {
    let mut filled = Filled::default();
    let imports = history(plan).map(|import| {
        let command = pack(client, import);
        client.command_patiently(Entity::New, Import::VERB, command, patience)
    });
    // In order, so that older tickets have lower numbers.
    let mut answers = stream::iter(imports).buffered(WINDOW);
    while let Some(answer) = answers.next().await {
        filled.take(answer?)?;
        filled.tickets += 1;
        on_progress(&filled);
    }
    for command in live(plan.seed) {
        let answer = client.command_patiently(command.entity, command.verb, command.command, patience).await;
        filled.take(answer?)?;
        filled.commands += 1;
        on_progress(&filled);
    }
    Ok(filled)
}

fn pack(client: &Client, import: Import) -> wire::Command {
    let command_id = guichet_import::command_id(client.tenant(), client.caller(), &import);
    wire::Command {
        command_id: command_id.to_wire(),
        actor: Actor { kind: ActorKind::Service, id: "demo".to_owned(), on_behalf_of: None }.to_wire(),
        data: import.to_wire().map(wire::command::Data::Import),
        ..wire::Command::default()
    }
}

impl Filled {
    fn take(&mut self, reply: wire::CommandReply) -> Result<(), ClientError> {
        let accepted = accepted(reply)?;
        // An import that is here already, under the facts of an earlier day, writes nothing.
        self.found += u64::from(accepted.replayed || accepted.events.is_empty());
        self.events += accepted.events.len() as u64;
        self.position = self.position.max(accepted.position);
        Ok(())
    }
}

pub(super) fn accepted(reply: wire::CommandReply) -> Result<wire::Accepted, ClientError> {
    match reply.outcome {
        Some(Outcome::Accepted(accepted)) => Ok(accepted),
        Some(Outcome::Error(error)) => Err(ClientError::Refused { code: error.code, message: error.message }),
        None => Err(ClientError::Refused {
            code: "malformed".to_owned(),
            message: "the engine gave no outcome".to_owned(),
        }),
    }
}
