//! Which targets a desk would have kept: how long the promises took that have ended.

use std::collections::BTreeMap;

use guichet_schemas::time::Timestamp;
use guichet_sla::{ClockView, Standing};
use serde::Serialize;

/// Metric, priority and group.
type Kind = (String, Option<String>, Option<String>);

/// How long the promises of one kind took.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Feasible {
    metric: String,
    /// Priority of the ticket at the end.
    priority: Option<String>,
    /// Group of the ticket at the end.
    group: Option<String>,
    /// Promises that ended in time or not.
    ended: u64,
    /// Promises that still run; how long they will take is not known, so they are left out.
    open: u64,
    /// Those that ended in time.
    kept: u64,
    /// The shortest target, in seconds of the hours that count, that the share asked for would have kept (nearest rank).
    feasible_s: Option<i64>,
}

/// Gathers how long promises took.
#[derive(Debug, Default)]
pub(super) struct Taken(BTreeMap<Kind, Kept>);

#[derive(Debug, Default)]
struct Kept {
    seconds: Vec<i64>,
    kept: u64,
    open: u64,
}

impl Taken {
    /// Takes a clock that began within a span.
    pub(super) fn take(
        &mut self,
        clock: &ClockView,
        (priority, group): (Option<String>, Option<String>),
        (from, to): (Option<Timestamp>, Timestamp),
    ) {
        if from.is_some_and(|from| clock.started_at < from) || clock.started_at >= to {
            return;
        }
        let kept = self.0.entry((clock.metric.as_str().to_owned(), priority, group)).or_default();
        match clock.standing {
            Standing::Running | Standing::Paused => kept.open += 1,
            // It is not over: only the promise is broken.
            Standing::Breached | Standing::Met if clock.ended_at.is_none() => kept.open += 1,
            Standing::Met => {
                kept.kept += 1;
                kept.seconds.push(clock.consumed_s);
            }
            Standing::Breached => kept.seconds.push(clock.consumed_s),
            Standing::Voided | Standing::Cancelled => {}
        }
    }

    /// The rows for a share in percent, from 1 to 100.
    pub(super) fn rows(self, percent: u32) -> Vec<Feasible> {
        let rows = self.0.into_iter().map(|((metric, priority, group), Kept { mut seconds, kept, open })| {
            seconds.sort_unstable();
            let ended = seconds.len() as u64;
            // Nearest rank: the least value that so many percent do not exceed.
            let rank = (ended * u64::from(percent)).div_ceil(100);
            let feasible_s = rank.checked_sub(1).and_then(|n| seconds.get(usize::try_from(n).ok()?)).copied();
            Feasible { metric, priority, group, ended, open, kept, feasible_s }
        });
        rows.collect()
    }
}

impl Feasible {
    /// The cells of a table, in the order of [`HEADER`].
    pub(super) fn cells(&self) -> Vec<String> {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        vec![
            self.metric.clone(),
            or_dash(&self.priority),
            or_dash(&self.group),
            self.ended.to_string(),
            self.open.to_string(),
            self.kept.to_string(),
            self.feasible_s.map_or_else(|| "-".to_owned(), |seconds| seconds.to_string()),
        ]
    }
}

/// Heads of [`Feasible::cells`], but for the last, which names the share.
pub(super) const HEADER: [&str; 6] = ["METRIC", "PRIORITY", "GROUP", "ENDED", "OPEN", "KEPT"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feasible_target_is_the_least_that_the_share_does_not_exceed() {
        let kept = |seconds: &[i64]| {
            let taken = Kept { seconds: seconds.to_vec(), kept: 0, open: 0 };
            Taken([(("resolution".to_owned(), None, None), taken)].into())
        };
        let at = |seconds: &[i64], percent| kept(seconds).rows(percent)[0].feasible_s;
        let twenty: Vec<i64> = (1..=20).rev().collect();
        assert_eq!(at(&twenty, 95), Some(19));
        assert_eq!(at(&twenty, 100), Some(20));
        assert_eq!(at(&twenty, 1), Some(1));
        assert_eq!(at(&[7], 50), Some(7));
        assert_eq!(at(&[], 95), None);
    }
}
