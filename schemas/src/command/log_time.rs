//! The verb `log_time`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::{at_least_one, seconds};
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::words::{TicketState, TimeKind};

mirror! {
    /// Say how long one has worked on it.
    pub struct LogTime {
        /// For how long, at most a day.
        pub seconds: u32,
        /// On what; none: work.
        pub kind: Option<TimeKind>,
    }
}

impl Verb for LogTime {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        at_least_one("seconds", self.seconds)?;
        seconds("seconds", self.seconds)
    }
}

mirror! {
    /// The actor has worked on it.
    pub struct TimeLogged {
        /// For how long.
        pub seconds: u32,
        /// On what.
        pub kind: TimeKind,
    }
}

personal_texts!(TimeLogged {});

impl Meaning for TimeLogged {
    fn sizes(&self) -> Result<(), FieldError> {
        seconds("seconds", self.seconds)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
