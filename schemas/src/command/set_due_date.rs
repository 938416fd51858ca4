//! The verb `set_due_date`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::Note;
use crate::time::Timestamp;
use crate::words::TicketState;

mirror! {
    /// Say by when it is to be done; none: no longer by any instant.
    pub struct SetDueDate {
        /// The instant.
        pub at: Option<Timestamp>,
        /// Why.
        pub reason: Note,
    }
}

impl Verb for SetDueDate {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// Somebody said by when it is to be done, or that it no longer is by any instant.
    pub struct DueDateSet {
        /// The instant from now on.
        pub at: Option<Timestamp>,
        /// Reason.
        pub reason: Option<String>,
    }
}

personal_texts!(DueDateSet {});

impl Meaning for DueDateSet {
    fn sizes(&self) -> Result<(), FieldError> {
        size::note("reason", self.reason.as_deref())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::DueAt(self.at));
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
