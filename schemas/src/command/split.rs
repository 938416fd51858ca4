//! The verb `split`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::event::{Change, Meaning};
use crate::ids::{CommentId, TicketId};
use crate::rejection::FieldError;
use crate::text::Subject;
use crate::words::{LinkKind, TicketState};

mirror! {
    /// Begin another ticket with what was said from a comment on.
    pub struct Split {
        /// That comment; it becomes the first words of the other ticket.
        pub from_comment: CommentId,
        /// What the other ticket is about.
        pub subject: Subject,
    }
}

impl Verb for Split {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// Another ticket began with a part of what was said in this one. Stands in the history of the ticket that goes on too.
    pub struct TicketSplit {
        /// The other ticket.
        pub new_ticket: TicketId,
        /// Its number.
        pub new_number: u64,
        /// The comment that became its first words.
        pub from_comment: CommentId,
        /// How many comments it began with, that one included.
        pub comment_count: u32,
    }
}

personal_texts!(TicketSplit {});

impl Meaning for TicketSplit {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Link {
            other: self.new_ticket,
            number: self.new_number,
            kind: LinkKind::Relates,
            from_other: true,
            comes: true,
        });
    }
}
