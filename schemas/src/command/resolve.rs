//! The verb `resolve`.

use super::verb::IN_WORK;
use super::{Verb, limits};
use crate::codec::check::{at_most, size};
use crate::event::{Change, Meaning, Personal};
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::{ConfirmedBy, ResolutionCode, TicketState};

mirror! {
    /// It is solved.
    pub struct Resolve {
        /// The outcome of the problem.
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

mirror! {
    /// The ticket was resolved.
    pub struct TicketResolved {
        /// Identifier of the resolver.
        pub by: String,
        /// Code.
        pub code: ResolutionCode,
        /// Summary.
        pub summary: Personal,
        /// Steps.
        pub steps: Vec<String>,
        /// Root cause.
        pub root_cause: Option<String>,
        /// Confirmed by.
        pub confirmed_by: ConfirmedBy,
        /// Override reason.
        pub override_reason: Option<String>,
        /// From 1, one more at each resolution of the ticket.
        pub resolution_no: u32,
    }
}

personal_texts!(TicketResolved { SUMMARY: summary });

impl Meaning for TicketResolved {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("by", Some(&self.by))?;
        size::bytes("summary", size::plain(&self.summary), Note::BYTES)?;
        size::steps(&self.steps)?;
        size::note("root_cause", self.root_cause.as_deref())?;
        size::note("override_reason", self.override_reason.as_deref())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn enters(&self) -> Option<TicketState> {
        Some(TicketState::Resolved)
    }
}
