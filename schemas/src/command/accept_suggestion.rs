//! The verb `accept_suggestion`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::ids::SuggestionId;
use crate::rejection::FieldError;
use crate::text::CategoryPath;
use crate::words::{SuggestionKind, TicketState};

mirror! {
    /// Take over what a model suggested.
    pub struct AcceptSuggestion {
        /// Which suggestion.
        pub suggestion_id: SuggestionId,
    }
}

impl Verb for AcceptSuggestion {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// Somebody took a suggestion over; what it changes stands beside.
    pub struct SuggestionAccepted {
        /// Which suggestion.
        pub suggestion_id: SuggestionId,
        /// Of what.
        pub kind: SuggestionKind,
        /// Which value.
        pub value: String,
    }
}

personal_texts!(SuggestionAccepted {});

impl Meaning for SuggestionAccepted {
    fn sizes(&self) -> Result<(), FieldError> {
        size::characters("value", &self.value, CategoryPath::CHARACTERS)
    }

    /// What it changes is an event of its own.
    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
