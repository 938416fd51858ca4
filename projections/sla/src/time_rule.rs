//! What a ticket knows of the time rules: which are armed, and when they fire.

use guichet_config::{TimeRule, When};
use guichet_schemas::words::TicketState;
use serde::{Deserialize, Serialize};

use crate::rulebook::Rules;

/// The state of a rule for a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Armed {
    pub(crate) rule: String,
    pub(crate) instance: u32,
    /// The instance with which its condition became true; later ones repeat it.
    pub(crate) stay: u32,
    /// Armed since then, milliseconds; `None`: not armed.
    pub(crate) since: Option<i64>,
    /// It fires then at the earliest: no rule acts before it was published.
    pub(crate) not_before: i64,
    /// It fired, and its condition has not been false since.
    pub(crate) fired: bool,
}

impl Armed {
    pub(crate) fn never(rule: &str) -> Self {
        Self { rule: rule.to_owned(), instance: 0, stay: 1, since: None, not_before: i64::MIN, fired: false }
    }
}

/// What of a ticket may last beside its state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stands {
    /// Somebody has it.
    pub(crate) assigned: bool,
    /// A resolution is proposed, and the requester has said nothing since.
    pub(crate) proposed: bool,
}

/// True where a rule is armed for a ticket in this state.
pub(crate) fn holds(rule: &TimeRule, state: TicketState, stands: Stands) -> bool {
    let lasts = match rule.when {
        // What ends a silence begins the next one.
        When::TimeInStatus | When::NoUpdate => true,
        When::UnassignedAge => !stands.assigned,
        When::AwaitingConfirmation => stands.proposed,
    };
    lasts && rule.looks_at(state)
}

/// When a rule fires, armed at an instant.
pub(crate) fn due(rule: &TimeRule, since: i64, rules: Rules<'_>) -> Option<i64> {
    rules.measure(rule.hours, rule.calendar.as_deref()).add(since, period_ms(rule))
}

/// So many further times a rule that repeats is due before an instant, and when it is the last of them. However far
/// away that is: a division, not a step for each.
pub(crate) fn due_again(rule: &TimeRule, fired: i64, before: i64, rules: Rules<'_>) -> (u32, i64) {
    let measure = rules.measure(rule.hours, rule.calendar.as_deref());
    let period = period_ms(rule);
    let most = measure.elapsed(fired, before).checked_div(period).unwrap_or(0);
    // What is due at the very instant is not before it.
    for times in [most, most.saturating_sub(1)] {
        let last = measure.add_until(fired, period.saturating_mul(times), before);
        if let Some(last) = last.filter(|last| *last < before && times > 0) {
            return (u32::try_from(times).unwrap_or(u32::MAX), last);
        }
    }
    (0, fired)
}

/// Time never stands still, whatever a log holds.
fn period_ms(rule: &TimeRule) -> i64 {
    i64::from(rule.seconds.max(1)).saturating_mul(1000)
}
