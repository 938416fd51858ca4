//! The verb `suggest`. A model changes nothing by itself.

use guichet_schemas::command::{Command, Suggest, limits};
use guichet_schemas::event::ClassificationSuggested;
use guichet_schemas::ids::SuggestionId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::shared::{of_the_desk, room_for};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Suggestion, Ticket};
use crate::transition::require;

impl Decide for Suggest {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        require(ticket, &command.order)?;
        room_for(ticket, "suggestions", ticket.assistance.suggestions.len(), limits::SUGGESTIONS)?;
        Ok(vec![Draft::of(ClassificationSuggested {
            suggestion_id: SuggestionId(command.command_id.derive("suggestion")),
            kind: self.kind,
            value: self.value.as_str().to_owned(),
            score: self.score,
            model: self.model.as_str().to_owned(),
        })])
    }
}

impl Fold for ClassificationSuggested {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let suggestion = Suggestion {
            kind: self.kind.as_str().to_owned(),
            value: self.value.clone(),
            model: self.model.clone(),
            accepted: false,
        };
        ticket.assistance.suggestions.insert(self.suggestion_id, suggestion);
    }
}
