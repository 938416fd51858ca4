//! The verb `import`.

use guichet_schemas::command::{Command, Import};
use guichet_schemas::event::TicketImported;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::{Begin, Fold};
use crate::decide::Context;
use crate::draft::Draft;
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
