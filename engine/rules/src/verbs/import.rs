//! The verb `import`.

use guichet_schemas::command::{Command, Import};
use guichet_schemas::rejection::Rejection;

use super::Begin;
use crate::decide::{Context, Draft};
use crate::import;
use crate::state::Ticket;

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
