//! The verb `record_access`.

use super::{Verb, limits};
use crate::codec::check::at_most;
use crate::ids::TicketId;
use crate::rejection::FieldError;
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
        /// A restricted ticket that the viewer may see.
        pub ticket_id: Option<TicketId>,
        /// Groups of the viewer, whose restricted tickets they see in lists.
        pub groups: Vec<Label>,
    }
}

impl Verb for RecordAccess {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        at_most("groups", self.groups.len(), limits::RESTRICTED_TO)
    }
}

impl RecordAccess {
    /// True where somebody looks at restricted tickets in answers; else texts are read outside of them.
    #[must_use]
    pub const fn is_look(&self) -> bool {
        self.ticket_id.is_some() || !self.groups.is_empty()
    }
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
        /// The restricted ticket that they look at.
        pub ticket_id: Option<TicketId>,
        /// The groups whose restricted tickets they see in lists.
        pub groups: Vec<String>,
    }
}

impl AccessRecorded {
    /// See [`RecordAccess::is_look`].
    #[must_use]
    pub const fn is_look(&self) -> bool {
        self.ticket_id.is_some() || !self.groups.is_empty()
    }
}
