//! The verb `set_type`.

use guichet_schemas::command::{Command, SetType};
use guichet_schemas::event::TypeChanged;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold, Replayed};
use crate::decide::{Context, Draft};
use crate::state::Ticket;
use crate::transition::require;

impl Decide for SetType {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        if self.r#type == ticket.r#type {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(TypeChanged { from: ticket.r#type, to: self.r#type })])
    }
}

impl Fold for TypeChanged {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.r#type = self.to;
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.from = ticket.r#type;
    }
}
