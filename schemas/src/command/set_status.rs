//! The verb `set_status`.

use super::verb::IN_WORK;
use super::{Name, Verb};
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::{Body, Label};
use crate::time::Timestamp;
use crate::words::{HoldReason, StatusCause, TicketState};

mirror! {
    /// Between open, pending and hold.
    pub struct SetStatus {
        /// Where to.
        pub to: TicketState,
        /// Name of a custom status in that state.
        pub custom_status: Option<Label>,
        /// Required for hold.
        pub hold_reason: Option<HoldReason>,
        /// When the wait should end.
        pub expected_until: Option<Timestamp>,
        /// A public reply that goes with it.
        pub comment: Option<Body>,
    }
}

impl Verb for SetStatus {
    const STATES: &'static [TicketState] = IN_WORK;

    fn check(&self) -> Result<(), FieldError> {
        match self.to {
            TicketState::Hold if self.hold_reason.is_none() => {
                Err(FieldError::new("hold_reason", "is required for hold"))
            }
            TicketState::Hold => Ok(()),
            TicketState::Open | TicketState::Pending if self.hold_reason.is_some() => {
                Err(FieldError::new("hold_reason", "is only for hold"))
            }
            TicketState::Open | TicketState::Pending => Ok(()),
            TicketState::New => {
                Err(FieldError::new("to", "must be open, pending or hold; no ticket goes back to new"))
            }
            TicketState::Resolved => {
                Err(FieldError::new("to", "must be open, pending or hold; to resolve, use the verb resolve"))
            }
            TicketState::Closed => {
                Err(FieldError::new("to", "must be open, pending or hold; to close, use the verb close"))
            }
            TicketState::Cancelled => {
                Err(FieldError::new("to", "must be open, pending or hold; to cancel, use the verb cancel"))
            }
        }
    }

    fn names(&self) -> Vec<Name<'_>> {
        self.custom_status.iter().map(|id| Name::Status("custom_status", id, self.to)).collect()
    }
}

mirror! {
    /// The ticket moved between new, open, pending and hold.
    pub struct StatusChanged {
        /// From.
        pub from: TicketState,
        /// To.
        pub to: TicketState,
        /// Custom status.
        pub custom_status: Option<String>,
        /// Hold reason.
        pub hold_reason: Option<HoldReason>,
        /// Expected until.
        pub expected_until: Option<Timestamp>,
        /// Cause.
        pub cause: StatusCause,
        /// It began to wait for a requester who had no answer, and the agent was warned.
        pub unanswered: bool,
    }
}

personal_texts!(StatusChanged {});

impl Meaning for StatusChanged {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("custom_status", self.custom_status.as_deref())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn enters(&self) -> Option<TicketState> {
        Some(self.to)
    }
}
