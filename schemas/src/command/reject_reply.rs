//! The verb `reject_reply`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::ids::DraftId;
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::TicketState;

mirror! {
    /// Do not let a reply go out.
    pub struct RejectReply {
        /// Which one.
        pub draft_id: DraftId,
        /// What is wrong with it.
        pub reason: Note,
    }
}

impl Verb for RejectReply {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    /// Only the desk sees it.
    fn is_internal(&self) -> bool {
        true
    }
}

mirror! {
    /// A reply does not go out.
    pub struct ReplyRejected {
        /// Which one.
        pub draft_id: DraftId,
        /// What is wrong with it.
        pub reason: String,
    }
}

personal_texts!(ReplyRejected {});

impl Meaning for ReplyRejected {
    fn sizes(&self) -> Result<(), FieldError> {
        size::note("reason", Some(&self.reason))
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }
}
