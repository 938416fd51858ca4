//! The verb `set_type`.

use guichet_schemas::command::{Command, SetType};
use guichet_schemas::event::TypeChanged;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TicketType;

use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for SetType {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        Ok(ticket.turns_into(self.r#type).into_iter().collect())
    }
}

impl Ticket {
    /// It turns out to be of another type; `None`: it is of that one already.
    pub(super) fn turns_into(&self, to: TicketType) -> Option<Draft> {
        (to != self.r#type).then(|| Draft::of(TypeChanged { from: self.r#type, to }))
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
