//! How the clocks of a ticket stand at an instant.

use guichet_config::HoursKind;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::SlaMetric;

use crate::clock::{Clock, End};
use crate::rulebook::{Rulebook, Rules};
use crate::ticket::Ticket;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs.
    Running,
    /// It stands still.
    Paused,
    /// Ended in time.
    Met,
    /// Ended, not in time.
    Breached,
    /// Ended, not in time, and it does not count.
    Voided,
    /// Ended without an outcome.
    Cancelled,
}

/// A clock at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockView {
    pub metric: SlaMetric,
    pub instance: u32,
    pub standing: Standing,
    /// The policy that promises it.
    pub policy: String,
    pub policy_version: u32,
    /// One more at each change of the target, from 1.
    pub revision: u32,
    /// How long it may take, seconds.
    pub target_s: u32,
    pub hours: HoursKind,
    /// The calendar of business hours.
    pub calendar: Option<String>,
    pub started_at: Timestamp,
    /// When it is due; `None` while it stands still and after its end.
    pub due_at: Option<Timestamp>,
    /// Whole seconds used.
    pub consumed_s: i64,
    pub breached_at: Option<Timestamp>,
    /// The breach does not count.
    pub voided: bool,
    pub ended_at: Option<Timestamp>,
    /// Shares of the target that were announced, percent.
    pub warned_pct: Vec<u32>,
    /// Stretches in which it ran: from, to, whole seconds that count.
    pub runs: Vec<Run>,
}

/// A stretch in which a clock ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end; `None`: not yet.
    pub to: Option<Timestamp>,
    /// Whole seconds of it that count.
    pub counted_s: i64,
}

impl Ticket {
    /// The clocks as they are at an instant up to which everything is done: [`Ticket::advance`] first. Running ones
    /// first, the first due first.
    #[must_use]
    pub fn clocks(&self, at: Timestamp, book: &Rulebook) -> Vec<ClockView> {
        let mut views: Vec<_> = self.each_clock().map(|clock| view(clock, at.0, self.rules(book))).collect();
        let last = Timestamp(i64::MAX);
        views.sort_by_key(|view| {
            (view.ended_at.is_some(), view.due_at.unwrap_or(last), view.metric, view.instance)
        });
        views
    }

    /// When the first of its running clocks is due, under what holds at an instant, or under what takes hold later,
    /// whichever is sooner; `None`: none runs.
    #[must_use]
    pub fn next_due(&self, book: &Rulebook, now: Timestamp) -> Option<Timestamp> {
        let planned = self.planned(book);
        if planned.is_empty() {
            return self.first_due(book);
        }
        let (mut ahead, mut facts) = (self.clone(), Vec::new());
        ahead.advance(now.max(self.time()), book, &mut facts);
        let first = ahead.first_due(book);
        let later = planned.into_iter().filter_map(|(at, _)| {
            ahead.advance(Timestamp(at), book, &mut facts);
            ahead.first_due(book)
        });
        first.into_iter().chain(later).min()
    }

    fn first_due(&self, book: &Rulebook) -> Option<Timestamp> {
        let rules = self.rules(book);
        self.each_clock()
            // Whether a promise that no import tells of was kept is not known: it is not due any more.
            .filter(|clock| clock.is_open() && clock.untold(rules).is_none())
            .filter_map(|clock| clock.known_due)
            .min()
            .map(Timestamp)
    }
}

fn view(clock: &Clock, at: i64, rules: Rules<'_>) -> ClockView {
    let standing = match (clock.ended, clock.is_breached(), clock.voided) {
        (None, _, _) if clock.is_running() => Standing::Running,
        (None, _, _) => Standing::Paused,
        (Some(ended), _, _) if matches!(ended.how, End::Cancelled | End::Withdrawn) => Standing::Cancelled,
        (Some(_), false, _) => Standing::Met,
        (Some(_), true, false) => Standing::Breached,
        (Some(_), true, true) => Standing::Voided,
    };
    let over = clock.runs.iter().map(|(from, to)| (*from, Some(*to)));
    let runs = over.chain(clock.running_since.map(|since| (since, None))).map(|(from, to)| Run {
        from: Timestamp(from),
        to: to.map(Timestamp),
        counted_s: clock.counted(from, to.unwrap_or(at), rules) / 1000,
    });
    ClockView {
        metric: clock.metric,
        instance: clock.instance,
        standing,
        policy: clock.terms.policy.clone(),
        policy_version: clock.terms.policy_version,
        revision: clock.revision,
        target_s: clock.terms.target_s,
        hours: clock.terms.hours,
        calendar: clock.terms.calendar.clone(),
        started_at: Timestamp(clock.started),
        due_at: clock.shown_due(rules).filter(|_| clock.is_open()),
        consumed_s: clock.consumed_s(at, rules),
        breached_at: clock.breached_at.map(Timestamp),
        voided: clock.voided,
        ended_at: clock.ended.map(|ended| Timestamp(ended.at)),
        warned_pct: clock.warned.clone(),
        runs: runs.collect(),
    }
}
