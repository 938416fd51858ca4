//! What the rules know of the surveys of a ticket.

use guichet_schemas::event::{NpsRecorded, SurveyRequested, TicketRated};
use guichet_schemas::ids::SurveyId;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{RatingScale, SurveyKind};
use serde::{Deserialize, Serialize};

use super::Ticket;

/// The most surveys that a ticket knows.
pub const SURVEYS_MAX: usize = 50;

/// Somebody was asked how it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// The token.
    pub id: SurveyId,
    /// What was asked for.
    pub kind: SurveyKind,
    /// Who was asked.
    pub to: String,
    /// Until when an answer counts.
    pub expires: Timestamp,
    /// The newest answer; of the kind `nps`, whose answers name no survey, on no scale.
    pub answer: Option<(Option<RatingScale>, u32)>,
}

impl Survey {
    /// Whether an answer comes too late.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires
    }
}

impl Ticket {
    pub(crate) fn survey(&self, token: SurveyId) -> Option<&Survey> {
        self.surveys.iter().find(|survey| survey.id == token)
    }

    pub(crate) fn note_survey(&mut self, e: &SurveyRequested) {
        if self.surveys.len() >= SURVEYS_MAX {
            self.surveys.remove(0);
        }
        self.surveys.push(Survey {
            id: e.survey_id,
            kind: e.kind,
            to: e.to.clone(),
            expires: e.expires,
            answer: None,
        });
    }

    pub(crate) fn note_rating(&mut self, e: &TicketRated) {
        let of = |survey: &&mut Survey| Some(survey.id) == e.survey_id;
        if let Some(survey) = self.surveys.iter_mut().find(of) {
            survey.answer = Some((Some(e.scale), e.score));
        }
    }

    /// It answers the oldest survey that waits for such an answer.
    pub(crate) fn note_nps(&mut self, e: &NpsRecorded) {
        let waits = |survey: &&mut Survey| survey.kind == SurveyKind::Nps && survey.answer.is_none();
        if let Some(survey) = self.surveys.iter_mut().find(waits) {
            survey.answer = Some((None, e.score));
        }
    }
}
