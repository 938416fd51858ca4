//! Who counts as a person of the desk.

use guichet_schemas::words::ActorKind;

/// True for the people whose public words are an answer of the desk.
pub(crate) const fn is_human_agent(kind: ActorKind) -> bool {
    match kind {
        ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin => true,
        ActorKind::Requester | ActorKind::Bot | ActorKind::Service | ActorKind::System => false,
    }
}
