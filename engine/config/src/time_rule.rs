//! Something that is to happen when a ticket stays as it is for too long.

use guichet_rules::Action;
use guichet_schemas::words::TicketState;
use serde::{Deserialize, Serialize};

use crate::policy::HoursKind;
use crate::word::Word;

/// A rule: after so long of a condition, once for each time that it becomes true, or again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeRule {
    /// Its name.
    pub id: String,
    /// The condition.
    #[serde(default, skip_serializing_if = "When::is_default")]
    pub when: When,
    /// In this state only; [`When::TimeInStatus`] needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Word<TicketState>>,
    /// In these states only, instead of `status`. Neither: every state in which work is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<Word<TicketState>>,
    pub seconds: u32,
    pub hours: HoursKind,
    /// The calendar of business hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Armed again when it has fired.
    #[serde(default)]
    pub repeat: bool,
    /// Actions when it fires, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The ticket stays in a state.
    #[default]
    TimeInStatus,
    /// Nobody writes and nothing is changed.
    NoUpdate,
    /// Nobody has it.
    UnassignedAge,
    /// A resolution was proposed, and the requester has said nothing since.
    AwaitingConfirmation,
}

impl When {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl TimeRule {
    /// True where its condition looks at tickets in this state.
    #[must_use]
    pub fn looks_at(&self, state: TicketState) -> bool {
        match (self.status, self.states.as_slice()) {
            (None, []) => self.when != When::TimeInStatus && !state.is_done(),
            (status, states) => status == Some(Word(state)) || states.iter().any(|listed| listed.0 == state),
        }
    }
}
