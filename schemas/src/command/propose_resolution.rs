//! The verb `propose_resolution`.

use super::{Verb, limits};
use crate::codec::check::{at_most, size};
use crate::event::{Change, Meaning, Personal};
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::{ActorKind, ResolutionCode, TicketState};

/// States of a ticket for which somebody can say what would solve it.
pub(crate) const PROPOSABLE: &[TicketState] = &[TicketState::Open, TicketState::Pending, TicketState::Hold];

mirror! {
    /// Say what would solve it.
    pub struct ProposeResolution {
        /// What it turned out to be.
        pub code: ResolutionCode,
        /// What was done.
        pub summary: Note,
        /// Step by step.
        pub steps: Vec<Note>,
        /// Root cause.
        pub root_cause: Option<Note>,
    }
}

impl Verb for ProposeResolution {
    const STATES: &'static [TicketState] = PROPOSABLE;

    fn check(&self) -> Result<(), FieldError> {
        at_most("steps", self.steps.len(), limits::STEPS)
    }
}

mirror! {
    /// Somebody says what would solve it; whoever asked for help decides.
    pub struct ResolutionProposed {
        /// Identifier of whoever proposes: the resolver, if it is confirmed.
        pub by: String,
        /// What that is.
        pub by_kind: ActorKind,
        /// Code.
        pub code: ResolutionCode,
        /// Summary.
        pub summary: Personal,
        /// Steps.
        pub steps: Vec<String>,
        /// Root cause.
        pub root_cause: Option<String>,
    }
}

personal_texts!(ResolutionProposed { SUMMARY: summary });

impl Meaning for ResolutionProposed {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("by", Some(&self.by))?;
        size::bytes("summary", size::plain(&self.summary), Note::BYTES)?;
        size::steps(&self.steps)?;
        size::note("root_cause", self.root_cause.as_deref())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
