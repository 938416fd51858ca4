//! The verb `claim`.

use guichet_schemas::command::{Claim, Command};
use guichet_schemas::event::{ClaimReleased, TicketClaimed};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::ReleaseReason;

use super::shared::{claimed, held_by_another, later, may_get, of_the_desk};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::permission::oversees;
use crate::state::{Lease, Ticket};
use crate::transition::require;

impl Decide for Claim {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        if self.force && !oversees(command, context.desk) {
            return Err(Rejection::Forbidden(format!(
                "only a supervisor takes a claim by force; the actor is of kind {}",
                command.actor.kind
            )));
        }
        require(ticket, &command.order)?;
        may_get(&command.actor.id, (None, ticket.tier), command, None, context)?;
        let until = later(context.now, u64::from(self.ttl_s).saturating_mul(1_000));
        let Some(lease) = &ticket.claim else { return Ok(vec![Draft::of(claimed(command, until))]) };
        let is_own = lease.by == command.actor.id;
        let is_live = lease.is_live(context.now);
        if is_live && is_own && lease.until == until {
            return Ok(Vec::new());
        }
        if is_live && !is_own && !self.force {
            return Err(held_by_another(ticket, lease));
        }
        // Nothing said so when it expired: whoever comes next does.
        let reason = if is_live { ReleaseReason::Forced } else { ReleaseReason::Expired };
        let ends = !is_live || !is_own;
        let ended = ends.then(|| Draft::of(ClaimReleased { by: lease.by.clone(), reason }));
        Ok(ended.into_iter().chain([Draft::of(claimed(command, until))]).collect())
    }
}

impl Fold for TicketClaimed {
    fn fold(&self, ticket: &mut Ticket, at: Timestamp) {
        ticket.claim = Some(Lease { by: self.by.clone(), until: self.until, ttl_ms: self.until.since(at) });
    }
}
