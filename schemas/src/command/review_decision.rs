//! The verb `review_decision`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning, Personal};
use crate::ids::EventId;
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::{TicketState, Verdict};

mirror! {
    /// Say whether what somebody did on the ticket was right.
    pub struct ReviewDecision {
        /// The event that they caused.
        pub event_id: EventId,
        /// Right or not.
        pub verdict: Verdict,
        /// What they can learn from it.
        pub note: Option<Note>,
    }
}

impl Verb for ReviewDecision {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    /// Only the desk sees it.
    fn is_internal(&self) -> bool {
        true
    }
}

mirror! {
    /// Somebody looked at what another did.
    pub struct DecisionReviewed {
        /// The event.
        pub event_id: EventId,
        /// Who caused it.
        pub of: String,
        /// Right or not.
        pub verdict: Verdict,
        /// What they can learn from it.
        pub note: Option<Personal>,
    }
}

personal_texts!(DecisionReviewed { NOTE: note });

impl Meaning for DecisionReviewed {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("of", Some(&self.of))?;
        size::note("note", self.note.as_ref().map(size::plain))
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
