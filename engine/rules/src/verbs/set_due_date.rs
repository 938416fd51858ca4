//! The verb `set_due_date`.

use guichet_schemas::command::{Command, SetDueDate};
use guichet_schemas::event::DueDateSet;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for SetDueDate {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        if self.at == ticket.due_at {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(DueDateSet { at: self.at, reason: Some(self.reason.as_str().to_owned()) })])
    }
}

impl Fold for DueDateSet {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.due_at = self.at;
    }
}
