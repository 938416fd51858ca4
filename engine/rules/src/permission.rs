//! Who counts as a person of the desk.

use guichet_schemas::words::ActorKind;

/// True for the people whose public words are an answer of the desk.
pub(crate) const fn is_human_agent(kind: ActorKind) -> bool {
    match kind {
        ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin => true,
        ActorKind::Requester | ActorKind::Bot | ActorKind::Service | ActorKind::System => false,
    }
}

/// True for whoever may set aside what others hold, and override guards with a reason.
pub(crate) const fn supervises(kind: ActorKind) -> bool {
    matches!(kind, ActorKind::Supervisor | ActorKind::Admin)
}
