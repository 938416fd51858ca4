//! The verb `schedule_follow_up`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::given;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::time::Timestamp;
use crate::words::TicketState;

mirror! {
    /// Say when somebody looks whether the solution held.
    pub struct ScheduleFollowUp {
        /// The instant.
        pub at: Timestamp,
    }
}

impl Verb for ScheduleFollowUp {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        given("at", self.at)
    }
}

mirror! {
    /// Somebody will look whether the solution held.
    pub struct FollowUpScheduled {
        /// The instant.
        pub at: Timestamp,
    }
}

personal_texts!(FollowUpScheduled {});

impl Meaning for FollowUpScheduled {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
