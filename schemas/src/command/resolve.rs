//! The verb `resolve`.

use super::verb::IN_WORK;
use super::{Verb, limits};
use crate::codec::check::at_most;
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::{ResolutionCode, TicketState};

mirror! {
    /// It is solved.
    pub struct Resolve {
        /// What it turned out to be.
        pub code: ResolutionCode,
        /// What was done.
        pub summary: Note,
        /// Step by step.
        pub steps: Vec<Note>,
        /// Root cause.
        pub root_cause: Option<Note>,
        /// Why a guard was overridden.
        pub override_reason: Option<Note>,
    }
}

impl Verb for Resolve {
    const STATES: &'static [TicketState] = IN_WORK;

    fn check(&self) -> Result<(), FieldError> {
        at_most("steps", self.steps.len(), limits::STEPS)
    }
}
