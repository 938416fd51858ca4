//! Guards and delays of the life of a ticket.

use guichet_rules::{AUTO_CLOSE, Action, PendingGuard};
use guichet_schemas::words::TicketState;
use serde::{Deserialize, Serialize};

use crate::policy::HoursKind;
use crate::time_rule::{TimeRule, When};
use crate::word::Word;

/// The longest that a resolved ticket waits before it is closed: 28 days.
pub const AUTO_CLOSE_MAX_S: u32 = 28 * 86_400;

/// The body of `lifecycle`. What is absent is as without configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lifecycle {
    /// What is said to an agent who sets a ticket to pending without having answered its requester.
    pub pending_guard: PendingGuard,
    /// Whoever resolves a ticket that nobody has becomes its assignee.
    pub auto_assign_on_resolve: bool,
    /// A resolved ticket is closed after so many seconds, 1 to [`AUTO_CLOSE_MAX_S`].
    pub auto_close_after_s: u32,
    /// Which seconds those are.
    pub auto_close_hours: HoursKind,
    /// The calendar of business hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_close_calendar: Option<String>,
    /// A resolved ticket may be reopened for so many seconds; absent: until it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopen_window_s: Option<u32>,
    /// A supervisor may reopen a closed ticket for so many seconds; absent: never, a follow-up is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_up_reopen_within_s: Option<u32>,
    /// Only the requester, or a supervisor with a reason, makes a ticket resolved.
    pub resolve_requires_confirmation: bool,
    /// An escalation names a tag.
    pub escalation_needs_tag: bool,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            pending_guard: PendingGuard::Off,
            auto_assign_on_resolve: true,
            auto_close_after_s: 4 * 86_400,
            auto_close_hours: HoursKind::Calendar,
            auto_close_calendar: None,
            reopen_window_s: None,
            follow_up_reopen_within_s: None,
            resolve_requires_confirmation: false,
            escalation_needs_tag: true,
        }
    }
}

impl Lifecycle {
    /// The rule that closes what has been resolved for long enough.
    #[must_use]
    pub fn auto_close(&self) -> TimeRule {
        TimeRule {
            id: AUTO_CLOSE.to_owned(),
            when: When::TimeInStatus,
            status: Some(Word(TicketState::Resolved)),
            states: Vec::new(),
            seconds: self.auto_close_after_s,
            hours: self.auto_close_hours,
            calendar: self.auto_close_calendar.clone(),
            repeat: false,
            actions: vec![Action::Close {}],
        }
    }
}
