//! The verb `release_claim`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::wire;
use crate::words::{ReleaseReason, TicketState};

/// Let others work on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseClaim;
message!(ReleaseClaim, wire::ReleaseClaim, |_w| Ok(Self), |_v| wire::ReleaseClaim {});

impl Verb for ReleaseClaim {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// Nobody works on it alone any more.
    pub struct ClaimReleased {
        /// Identifier of whoever held it.
        pub by: String,
        /// Why.
        pub reason: ReleaseReason,
    }
}

personal_texts!(ClaimReleased {});

impl Meaning for ClaimReleased {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("by", Some(&self.by))
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Claim(None));
    }
}
