//! The verb `set_priority`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::{Impact, Priority, TicketState, Urgency};

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
