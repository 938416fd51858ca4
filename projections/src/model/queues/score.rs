//! What should be taken next: the weighted score of the order `priority`. Every weight stands here.
//!
//! | input | value | weight |
//! |---|---|---|
//! | `priority` | 0 low, 1 normal, 2 high, 3 urgent | 100 |
//! | `due` | 0 not due within three days, or never; 1 due now; 2 three days overdue or more; linear between | 200 |
//! | `age` | days since the creation, at most 30 | 5 |
//!
//! So a normal ticket that is due now stands like an urgent one without a date, and nothing starves: a month of
//! waiting is worth one and a half steps of priority. Same inputs and same instant, same score.

use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{Score, ScoreInput};
use guichet_schemas::words::Priority;

use super::Waiting;

/// Points of a step of priority.
const PRIORITY_WEIGHT: f64 = 100.0;
/// Points of being due now.
const DUE_WEIGHT: f64 = 200.0;
/// From so long before the due instant on it counts, and until so long after it counts more.
const DUE_HORIZON_MS: f64 = 3.0 * DAY_MS;
/// Points of a day of waiting.
const AGE_WEIGHT: f64 = 5.0;
const AGE_DAYS_MAX: f64 = 30.0;
const DAY_MS: f64 = 86_400_000.0;

/// The score of a ticket at an instant, with what it is made of.
pub(crate) fn score(waiting: &Waiting, now: Timestamp) -> Score {
    let inputs = inputs(waiting, now);
    let points = inputs.iter().map(|(_, value, weight)| value * weight).sum();
    let input = |(name, value, weight): (&str, f64, f64)| ScoreInput {
        name: name.to_owned(),
        value,
        weight,
        points: value * weight,
    };
    Score { points, inputs: inputs.map(input).into() }
}

/// The same without the words: for the order.
pub(crate) fn points(waiting: &Waiting, now: Timestamp) -> f64 {
    inputs(waiting, now).iter().map(|(_, value, weight)| value * weight).sum()
}

fn inputs(waiting: &Waiting, now: Timestamp) -> [(&'static str, f64, f64); 3] {
    let Waiting { row, due_at, .. } = waiting;
    let priority = match row.priority() {
        Some(Priority::Low) | None => 0.0,
        Some(Priority::Normal) => 1.0,
        Some(Priority::High) => 2.0,
        Some(Priority::Urgent) => 3.0,
    };
    let due = due_at.map_or(0.0, |due| {
        let left = due.saturating_sub(now.0) as f64;
        (1.0 - left / DUE_HORIZON_MS).clamp(0.0, 2.0)
    });
    let age = (now.since(Timestamp(row.created_at)) as f64 / DAY_MS).min(AGE_DAYS_MAX);
    [("priority", priority, PRIORITY_WEIGHT), ("due", due, DUE_WEIGHT), ("age", age, AGE_WEIGHT)]
}
