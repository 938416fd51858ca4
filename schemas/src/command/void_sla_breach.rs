//! The verb `void_sla_breach`.

use super::Verb;
use crate::codec::check::at_least_one;
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::{SlaMetric, TicketState};

mirror! {
    /// A breach does not count.
    pub struct VoidSlaBreach {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// Why.
        pub reason: Note,
    }
}

impl Verb for VoidSlaBreach {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        at_least_one("instance", self.instance)
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
