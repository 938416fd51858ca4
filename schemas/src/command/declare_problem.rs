//! The verb `declare_problem`.

use super::merge::distinct;
use super::verb::UNTIL_CLOSED;
use super::{Verb, limits};
use crate::codec::check::{at_most, size};
use crate::event::{Change, Meaning, Personal};
use crate::ids::TicketId;
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::{ProblemTrigger, TicketState};

mirror! {
    /// Say that this ticket is the problem behind others, and how to live with it meanwhile.
    pub struct DeclareProblem {
        /// The incidents that it causes.
        pub tickets: Vec<TicketId>,
        /// What helps until it is solved.
        pub workaround: Option<Note>,
    }
}

impl Verb for DeclareProblem {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        if self.tickets.is_empty() && self.workaround.is_none() {
            return Err(FieldError::new(
                "tickets",
                "must name at least one ticket, unless there is a workaround",
            ));
        }
        at_most("tickets", self.tickets.len(), limits::INCIDENTS)?;
        distinct("tickets", &self.tickets)
    }
}

mirror! {
    /// The ticket is the problem behind others.
    pub struct ProblemDeclared {
        /// Incidents that are tied to it by this event.
        pub tickets: Vec<TicketId>,
        /// Who found it.
        pub trigger: ProblemTrigger,
    }
}

personal_texts!(ProblemDeclared {});

impl Meaning for ProblemDeclared {
    fn sizes(&self) -> Result<(), FieldError> {
        at_most("tickets", self.tickets.len(), limits::INCIDENTS)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

mirror! {
    /// Somebody said how to live with a problem until it is solved.
    pub struct WorkaroundPublished {
        /// What helps.
        pub text: Personal,
    }
}

personal_texts!(WorkaroundPublished { TEXT: text });

impl Meaning for WorkaroundPublished {
    fn sizes(&self) -> Result<(), FieldError> {
        size::bytes("text", size::plain(&self.text), Note::BYTES)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
