//! Promises: what their clocks found, and what time rules did.

use crate::time::Timestamp;
use crate::words::SlaMetric;

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

mirror! {
    /// A supervisor says that a breach does not count. The breach stays.
    pub struct SlaBreachVoided {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// Why.
        pub reason: String,
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
