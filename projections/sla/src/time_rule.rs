//! What a ticket knows of the time rules: which are armed, and when they fire.

use guichet_config::{TimeRule, When};
use guichet_schemas::words::TicketState;
use serde::{Deserialize, Serialize};

use crate::rulebook::Rulebook;

/// What a ticket knows of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Armed {
    pub(crate) rule: String,
    pub(crate) instance: u32,
    /// Armed since then, milliseconds; `None`: not armed.
    pub(crate) since: Option<i64>,
}

/// True where a rule is armed for tickets in this state. The other conditions are not folded yet: never armed.
pub(crate) fn holds_in(rule: &TimeRule, state: TicketState) -> bool {
    rule.when == When::TimeInStatus && rule.looks_at(state)
}

/// When a rule fires, armed at an instant.
pub(crate) fn due(rule: &TimeRule, since: i64, rulebook: &Rulebook) -> Option<i64> {
    let measure = rulebook.measure(rule.hours, rule.calendar.as_deref());
    measure.add(since, i64::from(rule.seconds) * 1000)
}
