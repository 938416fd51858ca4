//! The verb `cancel`.

use super::Verb;
use super::verb::IN_WORK;
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
