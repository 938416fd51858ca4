//! The verb `record_sla_breach`.

use super::Verb;
use crate::codec::check::{at_least_one, given};
use crate::rejection::FieldError;
use crate::text::Label;
use crate::time::Timestamp;
use crate::words::{SlaMetric, TicketState};

mirror! {
    /// A promise was broken.
    pub struct RecordSlaBreach {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// When it was broken.
        pub at: Timestamp,
        /// Under which policy.
        pub policy: Label,
        /// Its version.
        pub policy_version: u32,
        /// When it was due.
        pub due_at: Timestamp,
        /// Whole seconds of the hours that count.
        pub consumed_s: Option<u64>,
        /// It was past due when it was found, because of a change.
        pub immediate: bool,
        /// Configuration under which it was found.
        pub config_version: Option<u64>,
    }
}

impl Verb for RecordSlaBreach {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        at_least_one("instance", self.instance)?;
        at_least_one("policy_version", self.policy_version)?;
        given("at", self.at)?;
        given("due_at", self.due_at)
    }
}

mirror! {
    /// A promise was broken. Once per clock, whatever happens. Occurred at the instant that the fold found.
    pub struct SlaBreached {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// Under which policy.
        pub policy: String,
        /// Its version.
        pub policy_version: u32,
        /// When it was due.
        pub due_at: Timestamp,
        /// Whole seconds of the hours that count.
        pub consumed_s: u64,
        /// It was past due when it was found, because of a change.
        pub immediate: bool,
        /// From the breach to its record.
        pub detected_late_ms: u64,
    }
}
