//! The verb `set_priority`.

use guichet_schemas::command::{Command, SetPriority};
use guichet_schemas::event::PriorityChanged;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::StatusCause;

use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for SetPriority {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let (priority, urgency, impact) = (
            self.priority.unwrap_or(ticket.priority),
            self.urgency.or(ticket.urgency),
            self.impact.or(ticket.impact),
        );
        if (priority, urgency, impact) == (ticket.priority, ticket.urgency, ticket.impact) {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(PriorityChanged {
            from: ticket.priority,
            to: priority,
            urgency,
            impact,
            cause: StatusCause::Command,
            reason: self.reason.as_ref().map(|r| r.as_str().to_owned()),
        })])
    }
}

impl Fold for PriorityChanged {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.priority = self.to;
        ticket.urgency = self.urgency;
        ticket.impact = self.impact;
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.from = ticket.priority;
    }
}
