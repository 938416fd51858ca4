//! The verb `cancel`.

use super::Verb;
use super::verb::IN_WORK;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::words::{CancelReason, TicketState};

mirror! {
    /// Give it up.
    pub struct Cancel {
        /// Why.
        pub reason: CancelReason,
    }
}

impl Verb for Cancel {
    const STATES: &'static [TicketState] = IN_WORK;
}

mirror! {
    /// The ticket was given up before it was resolved.
    pub struct TicketCancelled {
        /// Reason.
        pub reason: CancelReason,
    }
}

personal_texts!(TicketCancelled {});

impl Meaning for TicketCancelled {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn enters(&self) -> Option<TicketState> {
        Some(TicketState::Cancelled)
    }
}
