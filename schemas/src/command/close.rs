//! The verb `close`.

use super::Verb;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::wire;
use crate::words::{CloseReason, TicketState};

/// End a resolved ticket: there is nothing more to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close;
message!(Close, wire::Close, |_w| Ok(Self), |_v| wire::Close {});

impl Verb for Close {
    const STATES: &'static [TicketState] = &[TicketState::Resolved];
}

mirror! {
    /// The ticket is over.
    pub struct TicketClosed {
        /// Reason.
        pub reason: CloseReason,
        /// Auto.
        pub auto: bool,
    }
}

personal_texts!(TicketClosed {});

impl Meaning for TicketClosed {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn enters(&self) -> Option<TicketState> {
        Some(TicketState::Closed)
    }
}
