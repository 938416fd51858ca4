//! The verb `change_tags`.

use super::{Name, Verb, limits};
use crate::codec::check::{at_most, size};
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::Tag;
use crate::words::TicketState;

mirror! {
    /// Add and remove tags; at least one.
    pub struct ChangeTags {
        /// To add.
        pub add: Vec<Tag>,
        /// To remove.
        pub remove: Vec<Tag>,
    }
}

impl Verb for ChangeTags {
    const STATES: &'static [TicketState] = TicketState::ALL;

    fn check(&self) -> Result<(), FieldError> {
        if self.add.is_empty() && self.remove.is_empty() {
            return Err(FieldError::new("add", "or remove must hold a tag"));
        }
        at_most("add", self.add.len(), limits::TAGS)?;
        at_most("remove", self.remove.len(), limits::TAGS)?;
        match self.add.iter().position(|tag| self.remove.contains(tag)) {
            Some(i) => Err(FieldError::new(format!("add[{i}]"), "must not stand in remove too")),
            None => Ok(()),
        }
    }

    fn names(&self) -> Vec<Name<'_>> {
        vec![Name::Tags("add", &self.add)]
    }
}

mirror! {
    /// Tags were added or removed.
    pub struct TagsChanged {
        /// Added.
        pub added: Vec<String>,
        /// Removed.
        pub removed: Vec<String>,
    }
}

personal_texts!(TagsChanged {});

impl Meaning for TagsChanged {
    fn sizes(&self) -> Result<(), FieldError> {
        size::tags("added", &self.added)?;
        size::tags("removed", &self.removed)
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Tags { added: &self.added, removed: &self.removed });
    }
}
