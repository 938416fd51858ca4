//! The verb `reopen`.

use guichet_schemas::command::{Command, Reopen};
use guichet_schemas::event::TicketReopened;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, TicketState};

use super::shared::{in_time, reopened};
use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::permission::oversees;
use crate::state::{Phase, Ticket};
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
            // Somebody asks for it: the limit of reopenings is about messages, which programs write too.
            TicketState::Resolved => {
                in_time(ticket, context)?;
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

impl Fold for TicketReopened {
    fn fold(&self, ticket: &mut Ticket, at: Timestamp) {
        ticket.end(Phase::Open);
        if self.by_kind == ActorKind::Requester {
            ticket.note_reopening(at);
        }
    }

    fn complete(&mut self, ticket: &Ticket, replayed: &Replayed<'_>) {
        let last = ticket.last_resolution.as_ref();
        self.resolution_no = ticket.resolutions();
        self.resolver_of_last = last.map(|r| r.by.clone());
        self.since_resolved_ms = last.map_or(0, |r| replayed.at.max(ticket.last_occurred_at).since(r.at));
    }

    fn repeats(&self, ticket: &Ticket) -> usize {
        ticket.last_resolution.as_ref().map_or(0, |resolution| resolution.by.len())
    }
}

/// A closed ticket is opened again by supervisors only, and only where the desk allows it.
fn may_be_opened_again(t: &Ticket, command: &Command, context: &Context<'_>) -> bool {
    let within = context.desk.life().reopen_closed_ms;
    command.actor.kind == ActorKind::Supervisor
        && oversees(command, context.desk)
        && t.last_resolution.is_some()
        && within.is_some_and(|within| context.now.since(t.state_since) <= within)
}
