//! Who may speak for whom. Without configuration a caller has all roles except admin and auditor and speaks
//! for every kind of actor except admin and system.

use guichet_schemas::command::Command;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::ActorKind;

/// Refuses an actor for whom the caller may not speak.
pub(crate) fn require(command: &Command) -> Result<(), Rejection> {
    match command.actor.kind {
        ActorKind::Admin | ActorKind::System => Err(Rejection::Forbidden(format!(
            "caller {} may not speak for actors of kind {}; the configuration kind callers can allow it",
            command.caller, command.actor.kind
        ))),
        ActorKind::Requester
        | ActorKind::Agent
        | ActorKind::LightAgent
        | ActorKind::Supervisor
        | ActorKind::Bot
        | ActorKind::Service => Ok(()),
    }
}

/// True for the people whose public words are an answer of the desk.
pub(crate) const fn is_human_agent(kind: ActorKind) -> bool {
    match kind {
        ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin => true,
        ActorKind::Requester | ActorKind::Bot | ActorKind::Service | ActorKind::System => false,
    }
}
