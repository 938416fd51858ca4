//! The verb `renew_claim`.

use guichet_schemas::command::{Command, RenewClaim};
use guichet_schemas::rejection::Rejection;

use super::Decide;
use super::shared::{claimed, held_by_another, later};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for RenewClaim {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let Some(lease) = ticket.lease(context.now) else {
            return Err(Rejection::GuardFailed {
                guard: "claim",
                message: format!(
                    "{} holds no claim of ticket {}, or it has expired; claim it again",
                    command.actor.id, ticket.number
                ),
            });
        };
        if lease.by != command.actor.id {
            return Err(held_by_another(ticket, lease));
        }
        let until = later(context.now, lease.ttl_ms);
        if until == lease.until {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(claimed(command, until))])
    }
}
