//! Configures the made-up desk: its groups, its opening hours and its promises.

use std::time::Duration;

use guichet_config::Draft;
use guichet_schemas::command::Entity;
use guichet_schemas::event::Actor;
use guichet_schemas::ids::CommandId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire;
use guichet_schemas::words::ActorKind;
use uuid::Uuid;

use super::SOURCE;
use super::fill::accepted;
use guichet_client::{Client, ClientError};
use guichet_replay_tools::config::{is_configured_by_others, publication};

const DESK: &str = include_str!("desk.toml");

/// Publishes what the made-up desk promises, and says whether it did: a desk that somebody else has configured stays
/// as it is. The client is one that may configure.
///
/// # Errors
/// No engine answered within `patience`, or it refuses.
pub async fn configure(client: &Client, patience: Duration) -> Result<bool, ClientError> {
    if is_configured_by_others(client, SOURCE).await? {
        return Ok(false);
    }
    for draft in drafts() {
        let command = command(&draft);
        accepted(client.command_patiently(Entity::Config, "publish_config", command, patience).await?)?;
    }
    Ok(true)
}

/// In the order in which they refer to each other.
///
/// # Panics
/// Never: the file is part of the program, and a test reads it.
pub(super) fn drafts() -> Vec<Draft> {
    guichet_config::read_toml(DESK).expect("the demo's configuration can be read")
}

/// Nothing in it depends on the time: sent again, it is answered as the first time.
fn command(draft: &Draft) -> wire::Command {
    let name = format!("guichet:demo:config:{}:{}:{}", draft.kind, draft.id, draft.body);
    wire::Command {
        command_id: CommandId(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())).to_wire(),
        actor: Actor { kind: ActorKind::Admin, id: SOURCE.to_owned(), on_behalf_of: None }.to_wire(),
        data: Some(wire::command::Data::PublishConfig(publication(draft))),
        ..wire::Command::default()
    }
}
