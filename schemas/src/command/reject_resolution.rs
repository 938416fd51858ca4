//! The verb `reject_resolution`.

use super::Verb;
use super::confirm_resolution::ANSWERABLE;
use crate::codec::check::size;
use crate::event::{Change, Meaning, Personal};
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::TicketState;

mirror! {
    /// The requester says that it is not solved.
    pub struct RejectResolution {
        /// Why.
        pub reason: Note,
    }
}

impl Verb for RejectResolution {
    const STATES: &'static [TicketState] = ANSWERABLE;
}

mirror! {
    /// The requester says that it is not solved.
    pub struct ResolutionRejected {
        /// Why, in the words of the requester.
        pub reason: Personal,
    }
}

personal_texts!(ResolutionRejected { REASON: reason });

impl Meaning for ResolutionRejected {
    fn sizes(&self) -> Result<(), FieldError> {
        size::bytes("reason", size::plain(&self.reason), Note::BYTES)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
