//! The verb `link`.

use super::Verb;
use crate::event::{Change, Meaning};
use crate::ids::TicketId;
use crate::rejection::FieldError;
use crate::words::{LinkKind, TicketState};

mirror! {
    /// Tie the ticket to another one.
    pub struct Link {
        /// The other ticket.
        pub other: TicketId,
        /// How.
        pub kind: LinkKind,
    }
}

impl Verb for Link {
    const STATES: &'static [TicketState] = TicketState::ALL;

    fn check(&self) -> Result<(), FieldError> {
        by_hand(self.kind)
    }
}

/// A follow-up is known by the ticket that it follows: nobody makes one of a ticket that is there.
pub(crate) fn by_hand(kind: LinkKind) -> Result<(), FieldError> {
    if kind == LinkKind::FollowUp {
        return Err(FieldError::new("kind", "must be another than follow_up, which create_follow_up makes"));
    }
    Ok(())
}

mirror! {
    /// The ticket is tied to another from here on.
    pub struct TicketsLinked {
        /// That ticket.
        pub other: TicketId,
        /// Its number.
        pub other_number: u64,
        /// How it is tied.
        pub kind: LinkKind,
        /// The tie was made at the other ticket, and is read from there.
        pub from_other: bool,
    }
}

personal_texts!(TicketsLinked {});

impl Meaning for TicketsLinked {
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
            comes: true,
        });
    }
}
