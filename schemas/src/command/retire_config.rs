//! The verb `retire_config`.

use super::Verb;
use crate::text::Label;
use crate::time::Timestamp;
use crate::words::TicketState;

mirror! {
    /// End what was configured.
    pub struct RetireConfig {
        /// Which kind of thing.
        pub kind: Label,
        /// Which of its kind; default: the only one.
        pub id: Option<Label>,
        /// From when on it does not hold; default: now.
        pub effective_from: Option<Timestamp>,
    }
}

impl Verb for RetireConfig {
    const STATES: &'static [TicketState] = &[];
}

mirror! {
    /// A configured item holds no longer.
    pub struct ConfigRetired {
        /// Its kind.
        pub kind: String,
        /// Which of its kind.
        pub id: String,
        /// Of this kind and id; from 1, no gaps.
        pub version: u64,
        /// From when on it does not hold.
        pub effective_from: Timestamp,
    }
}
