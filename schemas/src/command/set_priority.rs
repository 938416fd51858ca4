//! The verb `set_priority`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::{Impact, Priority, StatusCause, TicketState, Urgency};

mirror! {
    /// Change priority, urgency or impact; at least one.
    pub struct SetPriority {
        /// How soon it hurts.
        pub urgency: Option<Urgency>,
        /// How much it hurts.
        pub impact: Option<Impact>,
        /// Order of work.
        pub priority: Option<Priority>,
        /// Why.
        pub reason: Option<Note>,
    }
}

impl Verb for SetPriority {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        if self.priority.is_none() && self.urgency.is_none() && self.impact.is_none() {
            return Err(FieldError::new("priority", "or urgency or impact is required"));
        }
        Ok(())
    }
}

mirror! {
    /// Priority, urgency or impact changed.
    pub struct PriorityChanged {
        /// From.
        pub from: Priority,
        /// To.
        pub to: Priority,
        /// Urgency.
        pub urgency: Option<Urgency>,
        /// Impact.
        pub impact: Option<Impact>,
        /// Cause.
        pub cause: StatusCause,
        /// Reason.
        pub reason: Option<String>,
    }
}

personal_texts!(PriorityChanged {});

impl Meaning for PriorityChanged {
    fn sizes(&self) -> Result<(), FieldError> {
        size::note("reason", self.reason.as_deref())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Priority { from: self.from, to: self.to });
        tell(Change::Urgency(self.urgency));
        tell(Change::Impact(self.impact));
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
