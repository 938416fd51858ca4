//! The verb `record_access`.

use super::Verb;
use crate::text::{Label, Note};
use crate::words::TicketState;

mirror! {
    /// Somebody is about to read personal texts outside of the answers to queries.
    pub struct RecordAccess {
        /// Who will read them; default: the actor.
        pub viewer: Option<Label>,
        /// Which texts.
        pub scope: Note,
        /// What for.
        pub purpose: Note,
    }
}

impl Verb for RecordAccess {
    const STATES: &'static [TicketState] = &[];
}

mirror! {
    /// Personal texts were given to somebody. Recorded before they were.
    pub struct AccessRecorded {
        /// Who reads them; a pseudonym.
        pub viewer: String,
        /// Which texts.
        pub scope: String,
        /// What for.
        pub purpose: String,
    }
}
