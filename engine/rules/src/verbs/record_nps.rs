//! The verb `record_nps`.

use guichet_schemas::command::{Command, RecordNps};
use guichet_schemas::event::NpsRecorded;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::shared::asked;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for RecordNps {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        let was_asked = ticket.surveys.iter().any(|survey| survey.to == command.actor.id);
        asked(command, Some(if was_asked { &command.actor.id } else { &ticket.requester }))?;
        require(ticket, &command.order)?;
        Ok(vec![Draft::of(NpsRecorded { score: self.score })])
    }
}

impl Fold for NpsRecorded {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.note_nps(self);
    }
}
