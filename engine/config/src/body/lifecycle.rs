//! Guards and delays of the life of a ticket.

use guichet_rules::{AUTO_CLOSE, Action, ClosedMessage, PendingGuard, REOPEN_LIMIT_MAX};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TicketState;
use serde::{Deserialize, Serialize};

use crate::check::{Reach, There, names};
use crate::fault::Fault;
use crate::item::{Advised, Item};
use crate::policy::HoursKind;
use crate::time_rule::{TimeRule, When};
use crate::word::Word;

/// The longest that a resolved ticket waits before it is closed: 28 days.
pub const AUTO_CLOSE_MAX_S: u32 = 28 * 86_400;

/// The body of `lifecycle`. What is absent is as without configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lifecycle {
    /// Guards against pausing the clocks of a requester who has just written: an agent sets a ticket to pending without
    /// having answered.
    pub pending_guard: PendingGuard,
    /// Whoever resolves a ticket that nobody has becomes its assignee.
    pub auto_assign_on_resolve: bool,
    /// A resolved ticket is closed after so many seconds, 1 to [`AUTO_CLOSE_MAX_S`].
    pub auto_close_after_s: u32,
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
    /// What becomes of a requester's message to a closed ticket: `follow_up` (it begins a ticket that follows, or goes to the one
    /// that there is), `keep` (it stands in the history of the closed ticket) or `refuse`. Absent: `follow_up`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_message: Option<ClosedMessage>,
    /// Messages of requesters bring a ticket back so often, 0 to [`REOPEN_LIMIT_MAX`], within `reopen_limit_within_s`; what
    /// they write then waits at the resolved ticket for a person. 0: they always bring it back. Absent: 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopen_limit: Option<u32>,
    /// The seconds that `reopen_limit` looks back. Absent: a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopen_limit_within_s: Option<u32>,
    /// Whoever is asked how it was may answer for so many seconds. Absent: 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating_window_s: Option<u32>,
    /// Only the requester, or a supervisor with a reason, makes a ticket resolved.
    pub resolve_requires_confirmation: bool,
    /// An escalation names a tag.
    pub escalation_needs_tag: bool,
    /// What a bot writes to the requester ends reply clocks. Reports keep it apart from the answers of people.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bot_replies_count: bool,
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
            closed_message: None,
            reopen_limit: None,
            reopen_limit_within_s: None,
            rating_window_s: None,
            resolve_requires_confirmation: false,
            escalation_needs_tag: true,
            bot_replies_count: false,
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

impl Item for Lifecycle {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !(1..=AUTO_CLOSE_MAX_S).contains(&self.auto_close_after_s) {
            let rule = format!("is 1 to {AUTO_CLOSE_MAX_S}: a resolved ticket is closed within 28 days");
            faults.push(Fault::at("auto_close_after_s", rule));
        }
        if self.auto_close_hours == HoursKind::Business && self.auto_close_calendar.is_none() {
            faults.push(Fault::at("auto_close_calendar", "business hours need a calendar"));
        }
        if self.reopen_limit.is_some_and(|limit| limit > REOPEN_LIMIT_MAX) {
            faults
                .push(Fault::at("reopen_limit", format!("is at most {REOPEN_LIMIT_MAX}; 0: there is none")));
        }
        let windows = [
            ("reopen_window_s", self.reopen_window_s),
            ("reopen_limit_within_s", self.reopen_limit_within_s),
            ("follow_up_reopen_within_s", self.follow_up_reopen_within_s),
            ("rating_window_s", self.rating_window_s),
        ];
        for (path, window) in windows {
            if window == Some(0) {
                faults
                    .push(Fault::at(path, "is at least 1; leave it out where there is no limit of its own"));
            } else {
                faults.extend(window.and_then(|seconds| names::seconds(path, seconds)));
            }
        }
        faults
    }

    fn misfits(&self, _: &There<'_>, reach: &mut Reach<'_>) -> Vec<Fault> {
        let calendar = self.auto_close_calendar.as_deref();
        let fault = reach.fault(self.auto_close_hours, calendar, self.auto_close_after_s);
        let in_own_words = |fault: Fault| {
            let path = if fault.path == "calendar" { "auto_close_calendar" } else { "auto_close_after_s" };
            Fault::at(path, fault.rule)
        };
        fault.map(in_own_words).into_iter().collect()
    }

    fn advice(&self, _: &Advised<'_>) -> Vec<Fault> {
        let mut found = Vec::new();
        let closes = self.auto_close_after_s;
        let of_wall_clock = self.auto_close_hours == HoursKind::Calendar;
        if of_wall_clock && self.reopen_window_s.is_some_and(|window| window > closes) {
            let rule = format!("is longer than the {closes} s after which the ticket is closed");
            found.push(Fault::at("reopen_window_s", rule));
        }
        if self.closed_message == Some(ClosedMessage::Keep) {
            let rule = "keeps what a requester writes to a closed ticket where no queue shows it";
            found.push(Fault::at("closed_message", rule));
        }
        found
    }
}
