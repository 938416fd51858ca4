//! The verb `reopen`.

use super::Verb;
use crate::text::Note;
use crate::words::TicketState;

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
