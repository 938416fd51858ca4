//! The verb `import`.

use guichet_schemas::command::{Command, Import};
use guichet_schemas::event::{FieldChanged, TicketImported};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::{Begin, Fold};
use crate::decide::{Context, Draft};
use crate::import;
use crate::state::{ImportMark, ImportProgress, Ticket};

impl Begin for Import {
    fn begin(
        &self,
        ticket: Option<&Ticket>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        import::decide(ticket, self, command, context)
    }
}

impl Fold for TicketImported {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let mark = self.facts.zip(self.digest).map(|(facts, digest)| ImportMark { facts, digest });
        ticket.import = Some(ImportProgress { done: self.part, parts: self.parts, mark });
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
