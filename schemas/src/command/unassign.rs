//! The verb `unassign`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::TicketState;

mirror! {
    /// Take the ticket from its assignee.
    pub struct Unassign {
        /// Why.
        pub reason: Note,
        /// Clear the group too.
        pub group: bool,
    }
}

impl Verb for Unassign {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// The ticket has no assignee any more.
    pub struct TicketUnassigned {
        /// From.
        pub from: String,
        /// Reason.
        pub reason: Option<String>,
    }
}

personal_texts!(TicketUnassigned {});

impl Meaning for TicketUnassigned {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("from", Some(&self.from))?;
        size::note("reason", self.reason.as_deref())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Assignee { from: Some(&self.from), to: None });
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
