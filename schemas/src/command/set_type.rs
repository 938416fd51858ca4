//! The verb `set_type`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::words::{TicketState, TicketType};

mirror! {
    /// Change the kind of request.
    pub struct SetType {
        /// The type from now on.
        pub r#type: TicketType,
    }
}

impl Verb for SetType {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// The kind of request changed.
    pub struct TypeChanged {
        /// From.
        pub from: TicketType,
        /// To.
        pub to: TicketType,
    }
}

personal_texts!(TypeChanged {});

impl Meaning for TypeChanged {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Type { from: self.from, to: self.to });
    }
}
