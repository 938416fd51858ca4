//! The verb `reopen`.

use guichet_schemas::command::{Command, Reopen};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{ActorKind, TicketState};

use super::Decide;
use super::shared::{may_come_back, reopened};
use crate::decide::{Context, Draft};
use crate::state::Ticket;
use crate::transition::require;

impl Decide for Reopen {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        match ticket.state() {
            // Asking twice is not a mistake: the ticket is already where the caller wants it.
            TicketState::New | TicketState::Open | TicketState::Pending | TicketState::Hold => Ok(Vec::new()),
            TicketState::Resolved if !may_come_back(ticket, context) => Err(Rejection::GuardFailed {
                guard: "reopen_window",
                message: format!(
                    "ticket {} was resolved too long ago to be reopened; create a follow-up",
                    ticket.number
                ),
            }),
            TicketState::Resolved => {
                Ok(vec![Draft::of(reopened(ticket, Some(self.reason.as_str().to_owned()), command, context))])
            }
            TicketState::Closed if may_be_opened_again(ticket, command, context) => {
                Ok(vec![Draft::of(reopened(ticket, Some(self.reason.as_str().to_owned()), command, context))])
            }
            TicketState::Closed | TicketState::Cancelled => {
                require(ticket, &command.order).map(|()| Vec::new())
            }
        }
    }
}

/// A closed ticket is opened again by supervisors only, and only where the desk allows it.
fn may_be_opened_again(t: &Ticket, command: &Command, context: &Context<'_>) -> bool {
    let within = context.desk.life().reopen_closed_ms;
    command.actor.kind == ActorKind::Supervisor
        && t.last_resolution.is_some()
        && within.is_some_and(|within| context.now.since(t.state_since) <= within)
}
