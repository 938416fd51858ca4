//! The verb `request_survey`.

use guichet_schemas::command::{Command, RequestSurvey};
use guichet_schemas::event::SurveyRequested;
use guichet_schemas::ids::SurveyId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::shared::later;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{SURVEYS_MAX, Ticket};
use crate::transition::require;

impl Decide for RequestSurvey {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let to = self.to.as_ref().map_or(ticket.requester.as_str(), |to| to.as_str());
        // Whoever has not answered yet is not asked twice.
        let waits = ticket.surveys.iter().any(|survey| {
            survey.kind == self.kind
                && survey.to == to
                && survey.answer.is_none()
                && !survey.is_over(context.now)
        });
        if waits {
            return Ok(Vec::new());
        }
        if ticket.surveys.len() >= SURVEYS_MAX {
            return Err(Rejection::GuardFailed {
                guard: "surveys",
                message: format!("ticket {} has had {SURVEYS_MAX} surveys, the most", ticket.number),
            });
        }
        Ok(vec![Draft::of(SurveyRequested {
            survey_id: SurveyId(command.command_id.derive("survey")),
            kind: self.kind,
            to: to.to_owned(),
            expires: later(context.now, context.desk.life().rating_window_ms),
        })])
    }
}

impl Fold for SurveyRequested {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.note_survey(self);
    }
}
