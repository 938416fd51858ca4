//! Something that is to happen when a ticket stays as it is for too long.

use guichet_schemas::words::TicketState;
use serde::{Deserialize, Serialize};

use crate::policy::HoursKind;
use crate::rulebook::Rulebook;

/// A rule: after so long in a state, once for each stay, or again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeRule {
    /// Its name.
    pub id: String,
    /// The state.
    pub status: String,
    /// How long, at least 1.
    pub seconds: u32,
    /// Which time counts.
    pub hours: HoursKind,
    /// The calendar of business hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Armed again when it has fired.
    #[serde(default)]
    pub repeat: bool,
}

/// What a ticket knows of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Armed {
    pub(crate) rule: String,
    pub(crate) instance: u32,
    /// Armed since then, milliseconds; `None`: not armed.
    pub(crate) since: Option<i64>,
}

impl TimeRule {
    pub(crate) fn holds_in(&self, state: TicketState) -> bool {
        self.status == state.as_str()
    }

    /// When it fires, armed at an instant.
    pub(crate) fn due(&self, since: i64, rulebook: &Rulebook) -> Option<i64> {
        let measure = rulebook.measure(self.hours, self.calendar.as_deref());
        measure.add(since, i64::from(self.seconds) * 1000)
    }
}
