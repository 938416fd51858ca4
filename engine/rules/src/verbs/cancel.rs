//! The verb `cancel`.

use guichet_schemas::command::{Cancel, Command};
use guichet_schemas::event::TicketCancelled;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TicketState;

use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Phase, Ticket};
use crate::transition::require;

impl Decide for Cancel {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        if ticket.state() == TicketState::Cancelled {
            return Ok(Vec::new());
        }
        require(ticket, &command.order)?;
        Ok(vec![Draft::of(TicketCancelled { reason: self.reason })])
    }
}

impl Fold for TicketCancelled {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.end(Phase::Cancelled);
    }
}
