//! The verb `set_restriction`.

use super::verb::UNTIL_CLOSED;
use super::{Name, Verb, limits};
use crate::codec::check::{at_most, size};
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::{Label, Note};
use crate::words::TicketState;

mirror! {
    /// Say which groups alone see it.
    pub struct SetRestriction {
        /// None: everybody sees it again.
        pub restricted_to: Vec<Label>,
        /// Why.
        pub reason: Note,
    }
}

impl Verb for SetRestriction {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        at_most("restricted_to", self.restricted_to.len(), limits::RESTRICTED_TO)
    }

    fn names(&self) -> Vec<Name<'_>> {
        self.restricted_to.iter().map(|group| Name::Group("restricted_to", group)).collect()
    }
}

mirror! {
    /// Other groups see the ticket.
    pub struct RestrictionChanged {
        /// Before; none: everybody saw it.
        pub from: Vec<String>,
        /// From now on; none: everybody sees it.
        pub to: Vec<String>,
        /// Why.
        pub reason: String,
    }
}

personal_texts!(RestrictionChanged {});

impl Meaning for RestrictionChanged {
    fn sizes(&self) -> Result<(), FieldError> {
        size::labels("to", &self.to, limits::RESTRICTED_TO)?;
        size::note("reason", Some(&self.reason))
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Restriction { from: &self.from, to: &self.to });
    }

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }
}
