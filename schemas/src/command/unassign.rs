//! The verb `unassign`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
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
