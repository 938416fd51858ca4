//! The verb `set_category`.

use guichet_schemas::command::{Command, SetCategory};
use guichet_schemas::event::CategoryChanged;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for SetCategory {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let to = self.category.as_ref().map(|c| c.as_str().to_owned());
        if to == ticket.category {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(CategoryChanged { from: ticket.category.clone(), to })])
    }
}

impl Fold for CategoryChanged {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.category.clone_from(&self.to);
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.from.clone_from(&ticket.category);
    }

    fn repeats(&self, ticket: &Ticket) -> usize {
        ticket.category.as_ref().map_or(0, String::len)
    }
}
