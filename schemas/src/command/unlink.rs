//! The verb `unlink`.

use super::Verb;
use super::link::by_hand;
use crate::event::{Change, Meaning};
use crate::ids::TicketId;
use crate::rejection::FieldError;
use crate::words::{LinkKind, TicketState};

mirror! {
    /// Untie the ticket from another one.
    pub struct Unlink {
        /// The other ticket.
        pub other: TicketId,
        /// How it was tied.
        pub kind: LinkKind,
    }
}

impl Verb for Unlink {
    const STATES: &'static [TicketState] = TicketState::ALL;

    fn check(&self) -> Result<(), FieldError> {
        by_hand(self.kind)
    }
}

mirror! {
    /// The ticket is no longer tied to another in this way.
    pub struct TicketsUnlinked {
        /// That ticket.
        pub other: TicketId,
        /// Its number.
        pub other_number: u64,
        /// How it was tied.
        pub kind: LinkKind,
        /// The tie was read from the other ticket.
        pub from_other: bool,
    }
}

personal_texts!(TicketsUnlinked {});

impl Meaning for TicketsUnlinked {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Link {
            other: self.other,
            number: self.other_number,
            kind: self.kind,
            from_other: self.from_other,
            comes: false,
        });
    }
}
