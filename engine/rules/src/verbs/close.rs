//! The verb `close`.

use guichet_schemas::command::{Close, Command};
use guichet_schemas::event::TicketClosed;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{CloseReason, TicketState};

use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Phase, Ticket};
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

impl Fold for TicketClosed {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.end(Phase::Closed);
    }
}
