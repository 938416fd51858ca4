//! The verb `set_participants`.

use super::verb::UNTIL_CLOSED;
use super::{Verb, limits};
use crate::codec::check::{at_most, size};
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::Label;
use crate::words::TicketState;

mirror! {
    /// Add and remove people who read along and may comment; at least one.
    pub struct SetParticipants {
        /// To add.
        pub add: Vec<Label>,
        /// To remove.
        pub remove: Vec<Label>,
    }
}

impl Verb for SetParticipants {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        if self.add.is_empty() && self.remove.is_empty() {
            return Err(FieldError::new("add", "or remove must hold somebody"));
        }
        at_most("add", self.add.len(), limits::PARTICIPANTS)?;
        at_most("remove", self.remove.len(), limits::PARTICIPANTS)?;
        match self.add.iter().position(|id| self.remove.contains(id)) {
            Some(i) => Err(FieldError::new(format!("add[{i}]"), "must not stand in remove too")),
            None => Ok(()),
        }
    }
}

mirror! {
    /// Other people read along.
    pub struct ParticipantsChanged {
        /// Who came.
        pub added: Vec<String>,
        /// Who went.
        pub removed: Vec<String>,
    }
}

personal_texts!(ParticipantsChanged {});

impl Meaning for ParticipantsChanged {
    fn sizes(&self) -> Result<(), FieldError> {
        size::labels("added", &self.added, limits::PARTICIPANTS)?;
        size::labels("removed", &self.removed, limits::PARTICIPANTS)
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Participants { added: &self.added, removed: &self.removed });
    }
}
