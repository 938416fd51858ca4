//! The verb `fire_time_rule`.

use super::Verb;
use crate::codec::check::{at_least_one, given};
use crate::rejection::FieldError;
use crate::text::Label;
use crate::time::Timestamp;
use crate::words::TicketState;

mirror! {
    /// A ticket stayed as it is for too long.
    pub struct FireTimeRule {
        /// Id of the rule.
        pub rule: Label,
        /// How often it was armed, from 1.
        pub instance: u32,
        /// When it was due.
        pub due_at: Timestamp,
        /// Configuration under which it was found.
        pub config_version: Option<u64>,
        /// The condition of the rule still lasts at the expected version.
        pub holds: bool,
        /// Of a rule that repeats: so many further times it was due in the past, all of which this fact stands for.
        pub skipped: Option<u32>,
    }
}

impl Verb for FireTimeRule {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        at_least_one("instance", self.instance)?;
        given("due_at", self.due_at)
    }
}

mirror! {
    /// A ticket stayed as it is for so long that a rule acts. Occurred when it was due.
    pub struct TimeRuleFired {
        /// Its id.
        pub rule: String,
        /// Version of the configuration that holds the rule.
        pub version: u64,
        /// How often it was armed, from 1.
        pub instance: u32,
        /// When it was due.
        pub due_at: Timestamp,
        /// Names of its actions.
        pub actions: Vec<String>,
        /// Its condition did not hold any more when it was recorded: nothing was done.
        pub suppressed: bool,
        /// Of a rule that repeats: so many further times it was due in the past, all of which this fact stands for.
        pub skipped: Option<u32>,
    }
}
