//! The verb `attach_procedure`.

use super::verb::UNTIL_CLOSED;
use super::{Verb, limits};
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::Label;
use crate::words::TicketState;

mirror! {
    /// Work on it by a procedure.
    pub struct AttachProcedure {
        /// Its id.
        pub procedure: Label,
    }
}

impl Verb for AttachProcedure {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// It is worked on by a procedure.
    pub struct ProcedureAttached {
        /// Its id.
        pub procedure: String,
        /// Of the configuration.
        pub version: u32,
        /// The ids of its steps, in their order.
        pub steps: Vec<String>,
        /// Those that must be done before the ticket is resolved.
        pub mandatory: Vec<String>,
    }
}

personal_texts!(ProcedureAttached {});

impl Meaning for ProcedureAttached {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("procedure", Some(&self.procedure))?;
        size::labels("steps", &self.steps, limits::STEPS)?;
        size::labels("mandatory", &self.mandatory, limits::STEPS)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
