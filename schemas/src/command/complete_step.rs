//! The verb `complete_step`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::Label;
use crate::words::{StepOutcome, TicketState};

mirror! {
    /// Say what became of a step of a procedure.
    pub struct CompleteStep {
        /// Its id.
        pub step: Label,
        /// What became of it.
        pub outcome: StepOutcome,
        /// Of which procedure; default: the one that has such a step.
        pub procedure: Option<Label>,
    }
}

impl Verb for CompleteStep {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// Something became of a step.
    pub struct StepCompleted {
        /// Of which procedure.
        pub procedure: String,
        /// Its id.
        pub step: String,
        /// What became of it.
        pub outcome: StepOutcome,
    }
}

personal_texts!(StepCompleted {});

impl Meaning for StepCompleted {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("procedure", Some(&self.procedure))?;
        size::label("step", Some(&self.step))
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
