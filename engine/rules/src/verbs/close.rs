//! The verb `close`.

use guichet_schemas::command::{Close, Command};
use guichet_schemas::event::TicketClosed;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{CloseReason, TicketState};

use super::Decide;
use crate::decide::{Context, Draft};
use crate::state::Ticket;
use crate::transition::require;

impl Decide for Close {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        if ticket.state() == TicketState::Closed {
            return Ok(Vec::new());
        }
        require(ticket, &command.order)?;
        Ok(vec![Draft::of(TicketClosed { reason: CloseReason::Resolved, auto: false })])
    }
}
