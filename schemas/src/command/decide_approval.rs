//! The verb `decide_approval`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::ids::ApprovalId;
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::{TicketState, Verdict};

mirror! {
    /// Agree or not, as one of those who were asked.
    pub struct DecideApproval {
        /// Which approval.
        pub approval_id: ApprovalId,
        /// Agree or not.
        pub verdict: Verdict,
        /// Why.
        pub reason: Option<Note>,
    }
}

impl Verb for DecideApproval {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// One of those who were asked agreed or did not.
    pub struct ApprovalDecided {
        /// Which approval.
        pub approval_id: ApprovalId,
        /// Who.
        pub by: String,
        /// Agreed or not.
        pub verdict: Verdict,
        /// Why.
        pub reason: Option<String>,
    }
}

personal_texts!(ApprovalDecided {});

impl Meaning for ApprovalDecided {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("by", Some(&self.by))?;
        size::note("reason", self.reason.as_deref())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
