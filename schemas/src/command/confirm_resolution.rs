//! The verb `confirm_resolution`.

use super::Verb;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::wire;
use crate::words::TicketState;

/// States of a ticket of which the requester can say that it is solved, or that it is not.
pub(crate) const ANSWERABLE: &[TicketState] =
    &[TicketState::Open, TicketState::Pending, TicketState::Hold, TicketState::Resolved];

/// The requester says that it is solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmResolution;
message!(ConfirmResolution, wire::ConfirmResolution, |_w| Ok(Self), |_v| wire::ConfirmResolution {});

impl Verb for ConfirmResolution {
    const STATES: &'static [TicketState] = ANSWERABLE;
}

mirror! {
    /// The requester says that it is solved.
    pub struct ResolutionConfirmed {
        /// Identifier of the requester.
        pub by: String,
    }
}

personal_texts!(ResolutionConfirmed {});

impl Meaning for ResolutionConfirmed {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("by", Some(&self.by))
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
