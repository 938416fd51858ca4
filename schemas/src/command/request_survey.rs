//! The verb `request_survey`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::ids::SurveyId;
use crate::rejection::FieldError;
use crate::text::Label;
use crate::time::Timestamp;
use crate::words::{SurveyKind, TicketState};

mirror! {
    /// Ask somebody how it was.
    pub struct RequestSurvey {
        /// What is asked for.
        pub kind: SurveyKind,
        /// Whom; none: the requester of the ticket.
        pub to: Option<Label>,
    }
}

impl Verb for RequestSurvey {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// Somebody was asked how it was.
    pub struct SurveyRequested {
        /// The token by which it is answered.
        pub survey_id: SurveyId,
        /// What is asked for.
        pub kind: SurveyKind,
        /// Identifier of whoever is asked.
        pub to: String,
        /// Until when an answer counts.
        pub expires: Timestamp,
    }
}

personal_texts!(SurveyRequested {});

impl Meaning for SurveyRequested {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("to", Some(&self.to))
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
