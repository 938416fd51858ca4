//! The verb `reopen`.

use super::Verb;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::{ActorKind, TicketState};

mirror! {
    /// It is not solved after all.
    pub struct Reopen {
        /// Why.
        pub reason: Note,
    }
}

impl Verb for Reopen {
    const STATES: &'static [TicketState] = &[TicketState::Resolved];
}

mirror! {
    /// A resolved (imported: or closed) ticket is open again.
    pub struct TicketReopened {
        /// By kind.
        pub by_kind: ActorKind,
        /// Reason.
        pub reason: Option<String>,
        /// The resolution that did not hold.
        pub resolution_no: u32,
        /// Resolver of last.
        pub resolver_of_last: Option<String>,
        /// Since resolved ms.
        pub since_resolved_ms: u64,
        /// Follow up.
        pub follow_up: bool,
    }
}

personal_texts!(TicketReopened {});

impl Meaning for TicketReopened {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("resolver_of_last", self.resolver_of_last.as_deref())?;
        size::note("reason", self.reason.as_deref())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn enters(&self) -> Option<TicketState> {
        Some(TicketState::Open)
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
