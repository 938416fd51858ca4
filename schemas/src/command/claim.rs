//! The verb `claim`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::time::Timestamp;
use crate::words::TicketState;

/// The longest lease: an hour.
pub(crate) const TTL_MAX_S: u32 = 3_600;

mirror! {
    /// Work on it alone for a while: a lease, which ends by itself.
    pub struct Claim {
        /// For so many seconds.
        pub ttl_s: u32,
        /// Take it from whoever holds it; supervisors only.
        pub force: bool,
    }
}

impl Verb for Claim {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        if (1..=TTL_MAX_S).contains(&self.ttl_s) {
            return Ok(());
        }
        Err(FieldError::new("ttl_s", format!("must be 1 to {TTL_MAX_S}")))
    }
}

mirror! {
    /// Somebody works on it alone until an instant, and no event says that the instant has come.
    pub struct TicketClaimed {
        /// Identifier of the holder.
        pub by: String,
        /// Until when.
        pub until: Timestamp,
    }
}

personal_texts!(TicketClaimed {});

impl Meaning for TicketClaimed {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("by", Some(&self.by))
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Claim(Some((&self.by, self.until))));
    }
}
