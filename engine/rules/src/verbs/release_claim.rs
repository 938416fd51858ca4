//! The verb `release_claim`.

use guichet_schemas::command::{Command, ReleaseClaim};
use guichet_schemas::event::ClaimReleased;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, ReleaseReason};

use super::shared::held_by_another;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::permission::oversees;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for ReleaseClaim {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let Some(lease) = ticket.lease(context.now) else { return Ok(Vec::new()) };
        let kind = command.actor.kind;
        let reason = if lease.by == command.actor.id {
            ReleaseReason::Released
        } else if kind == ActorKind::System || oversees(command, context.desk) {
            ReleaseReason::Forced
        } else {
            return Err(held_by_another(ticket, lease));
        };
        Ok(vec![Draft::of(ClaimReleased { by: lease.by.clone(), reason })])
    }
}

impl Fold for ClaimReleased {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.claim = None;
    }
}
