//! The verb `record_sla_warning`.

use super::Verb;
use crate::codec::check::{at_least_one, given};
use crate::rejection::FieldError;
use crate::time::Timestamp;
use crate::words::{SlaMetric, TicketState};

mirror! {
    /// A clock reached a share of its target.
    pub struct RecordSlaWarning {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// Share of the target, percent.
        pub pct: u32,
        /// When it was reached.
        pub at: Timestamp,
        /// When the target runs out.
        pub due_at: Option<Timestamp>,
        /// A change jumped over the threshold.
        pub immediate: bool,
        /// Configuration under which it was found.
        pub config_version: Option<u64>,
    }
}

impl Verb for RecordSlaWarning {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        at_least_one("instance", self.instance)?;
        at_least_one("pct", self.pct)?;
        given("at", self.at)
    }
}

mirror! {
    /// A clock reached a share of its target. Occurred at the instant that the fold found.
    pub struct SlaWarned {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// Share of the target, percent; beyond 100: after the breach.
        pub pct: u32,
        /// When the target runs out.
        pub due_at: Option<Timestamp>,
        /// A change jumped over the threshold.
        pub immediate: bool,
    }
}
