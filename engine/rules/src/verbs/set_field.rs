//! The verb `set_field`.

use guichet_schemas::command::{Command, SetField, limits};
use guichet_schemas::event::FieldChanged;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for SetField {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let from = ticket.fields.get(&self.field);
        if from == self.value.as_ref() {
            return Ok(Vec::new());
        }
        let changed = FieldChanged { field: self.field.clone(), from: from.cloned(), to: self.value.clone() };
        let mut after = ticket.clone();
        changed.fold(&mut after, ticket.last_occurred_at);
        let bounds = [
            (after.fields.len(), ticket.fields.len(), limits::FIELDS, "fields"),
            (after.field_bytes(), ticket.field_bytes(), limits::FIELDS_BYTES, "bytes of fields"),
        ];
        // A ticket of an older log may have more: it keeps that, and gets nothing beside.
        match bounds.into_iter().find(|(after, before, most, _)| after > most && after > before) {
            Some((_, _, most, what)) => {
                let rule = format!("must leave the ticket with at most {most} {what}");
                Err(FieldError::new("data.value", rule).into())
            }
            None => Ok(vec![Draft::of(changed)]),
        }
    }
}

impl Fold for FieldChanged {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        match &self.to {
            Some(value) => drop(ticket.fields.insert(self.field.clone(), value.clone())),
            None => drop(ticket.fields.remove(&self.field)),
        }
    }
}
