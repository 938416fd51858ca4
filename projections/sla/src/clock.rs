//! One clock: the stretches in which it ran, and what follows from them. Nothing is added up while it runs, so a
//! target, a calendar or the hours may change and all of it is counted again, exactly.

use guichet_config::{HoursKind, OnReopen, Promise};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{SlaMetric, TicketState};
use serde::{Deserialize, Serialize};

use crate::fact::Outcome;
use crate::metric_number;
use crate::rulebook::{Measure, Rules};

/// A clock that was started, and may have ended. Times are milliseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clock {
    #[serde(with = "metric_number")]
    pub(crate) metric: SlaMetric,
    pub(crate) instance: u32,
    pub(crate) terms: Terms,
    pub(crate) revision: u32,
    /// The policy's rule for a reopening, as of the last match.
    pub(crate) on_reopen: OnReopen,
    pub(crate) started: i64,
    /// Stretches that are over.
    pub(crate) runs: Vec<(i64, i64)>,
    pub(crate) running_since: Option<i64>,
    /// Thresholds that were announced.
    pub(crate) warned: Vec<u32>,
    pub(crate) breached_at: Option<i64>,
    pub(crate) voided: bool,
    pub(crate) ended: Option<Ended>,
    /// When it was due as last known: a calendar that changes does not tell what it said before.
    pub(crate) known_due: Option<i64>,
    /// Until this instant, the event that would end the clock may have happened without the desk being told: for a
    /// first reply, everything before the ticket was imported. A due instant up to then breaks nothing by itself.
    pub(crate) untold_until: Option<i64>,
    /// A change made it late at this instant, which is not told either: a promise is never broken before it was made.
    pub(crate) late_since: Option<i64>,
}

/// The terms of a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub(crate) policy: String,
    pub(crate) policy_version: u32,
    pub(crate) target_s: u32,
    pub(crate) hours: HoursKind,
    pub(crate) calendar: Option<String>,
    pub(crate) warn_pct: Vec<u32>,
    pauses_in: Option<Vec<String>>,
}

/// How a clock came to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) at: i64,
    pub(crate) how: End,
}

/// Whether there is a way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// For good, with an outcome.
    Fulfilled,
    /// By a resolve, with an outcome: a reopen may resume it.
    Resolved,
    /// For good, without an outcome.
    Cancelled,
    /// Nothing promises it any more, and it would still be owed: a promise that comes back resumes it.
    Withdrawn,
}

/// The next thing that time does to a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Warning { at: i64, pct: u32 },
    Breach { at: i64 },
}

impl Next {
    pub(crate) const fn at(self) -> i64 {
        match self {
            Self::Warning { at, .. } | Self::Breach { at } => at,
        }
    }
}

impl Terms {
    pub(crate) fn of(promise: Promise<'_>) -> Self {
        let (policy, target) = (promise.policy, promise.target);
        let mut warn_pct = target.warn_pct.clone();
        warn_pct.sort_unstable();
        warn_pct.dedup();
        Self {
            policy: policy.id.clone(),
            policy_version: policy.version.unwrap_or_default(),
            target_s: target.seconds,
            hours: target.hours,
            calendar: (target.hours == HoursKind::Business).then(|| target.calendar.clone()).flatten(),
            warn_pct,
            pauses_in: (target.pauses_in.as_ref())
                .map(|states| states.iter().map(|state| state.0.as_str().to_owned()).collect()),
        }
    }

    fn measure<'a>(&self, rules: Rules<'a>) -> Measure<'a> {
        rules.measure(self.hours, self.calendar.as_deref())
    }

    pub(crate) fn pauses_in(&self, metric: SlaMetric, state: TicketState) -> bool {
        match &self.pauses_in {
            Some(states) => states.iter().any(|named| named == state.as_str()),
            None => pauses_in(metric).contains(&state),
        }
    }

    const fn target_ms(&self) -> i64 {
        (self.target_s as i64).saturating_mul(1000)
    }
}

/// States in which a clock stands still unless its target names others.
const fn pauses_in(metric: SlaMetric) -> &'static [TicketState] {
    match metric {
        SlaMetric::RequesterWait | SlaMetric::PausableUpdate => &[TicketState::Pending],
        SlaMetric::AgentWork => &[TicketState::Pending, TicketState::Hold],
        SlaMetric::FirstReply
        | SlaMetric::NextReply
        | SlaMetric::Assignment
        | SlaMetric::PeriodicUpdate
        | SlaMetric::Resolution
        | SlaMetric::TierTime => &[],
    }
}

impl Clock {
    pub(crate) fn start(metric: SlaMetric, instance: u32, promise: Promise<'_>, at: i64) -> Self {
        Self {
            metric,
            instance,
            terms: Terms::of(promise),
            revision: 1,
            on_reopen: promise.policy.on_reopen,
            started: at,
            runs: Vec::new(),
            running_since: Some(at),
            warned: Vec::new(),
            breached_at: None,
            voided: false,
            ended: None,
            known_due: None,
            untold_until: None,
            late_since: None,
        }
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// True where a promise that comes back resumes it.
    pub(crate) const fn is_withdrawn(&self) -> bool {
        matches!(self.ended, Some(Ended { how: End::Withdrawn, .. }))
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.running_since.is_some()
    }

    pub(crate) const fn is_breached(&self) -> bool {
        self.breached_at.is_some()
    }

    /// Consumed time at an instant, milliseconds.
    pub(crate) fn consumed(&self, at: i64, rules: Rules<'_>) -> i64 {
        let measure = self.terms.measure(rules);
        let now = self.running_since.map(|since| measure.elapsed(since, at));
        let over = self.runs.iter().map(|(from, to)| measure.elapsed(*from, *to));
        over.chain(now).fold(0, i64::saturating_add)
    }

    /// Consumed time at an instant, whole seconds.
    pub(crate) fn consumed_s(&self, at: i64, rules: Rules<'_>) -> i64 {
        self.consumed(at, rules) / 1000
    }

    /// When it is due; `None` while it stands still, unless it was due before.
    pub(crate) fn due(&self, rules: Rules<'_>) -> Option<i64> {
        self.reaches(self.terms.target_ms(), rules)
    }

    /// When it is due, for people: nothing while it stands still.
    pub(crate) fn shown_due(&self, rules: Rules<'_>) -> Option<Timestamp> {
        self.running_since.and_then(|_| self.due(rules)).map(Timestamp)
    }

    /// The earliest instant at which so much was, or will be, consumed.
    fn reaches(&self, consumed_ms: i64, rules: Rules<'_>) -> Option<i64> {
        let measure = self.terms.measure(rules);
        let mut rest = consumed_ms;
        for (from, to) in &self.runs {
            let passed = measure.elapsed(*from, *to);
            // What is used up when it pauses is reached there, not when it goes on.
            if rest <= passed {
                return measure.add(*from, rest);
            }
            rest = rest.saturating_sub(passed);
        }
        self.running_since.and_then(|since| measure.add(since, rest))
    }

    /// The next effect of time on the clock. Only a running clock is touched by time.
    pub(crate) fn next(&self, rules: Rules<'_>) -> Option<Next> {
        if !self.is_open() || !self.is_running() || self.untold(rules).is_some() {
            return None;
        }
        let warning = self.to_warn().next();
        let warning = warning.and_then(|pct| Some(Next::Warning { at: self.warns_at(pct, rules)?, pct }));
        // Less than the target is used up before all of it.
        if let Some(Next::Warning { pct: ..100, .. }) = warning {
            return warning;
        }
        let breach = (!self.is_breached()).then(|| self.due(rules)).flatten().map(|at| Next::Breach { at });
        match (warning, breach) {
            (Some(warning), Some(breach)) if breach.at() < warning.at() => Some(breach),
            (Some(warning), _) => Some(warning),
            (None, breach) => breach,
        }
    }

    /// Where nobody can say whether it was kept: the instant from which on the desk is told of what happens.
    pub(crate) fn untold(&self, rules: Rules<'_>) -> Option<i64> {
        let until = self.untold_until.filter(|_| self.is_open() && self.is_running())?;
        self.due(rules).is_some_and(|due| due <= until).then_some(until)
    }

    /// The shares of the target that are still to be announced, in the order in which they are reached. All of it is
    /// announced by the breach, and after a breach only what lies beyond the target is.
    pub(crate) fn to_warn(&self) -> impl Iterator<Item = u32> {
        let least = if self.is_breached() { 101 } else { 0 };
        let left = self.terms.warn_pct.iter().copied();
        left.filter(move |pct| *pct != 100 && *pct >= least && !self.warned.contains(pct))
    }

    /// The instant at which whole seconds of that share of the target are consumed.
    pub(crate) fn warns_at(&self, pct: u32, rules: Rules<'_>) -> Option<i64> {
        // At most 2^64 / 100: two numbers of 32 bits.
        let seconds = u64::from(self.terms.target_s).saturating_mul(u64::from(pct)) / 100;
        self.reaches(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000), rules)
    }

    pub(crate) fn pause(&mut self, at: i64) {
        if let Some(since) = self.running_since.take() {
            self.runs.push((since, at));
        }
    }

    /// From now on only what comes counts.
    pub(crate) fn forget_consumed(&mut self, at: i64) {
        self.runs.clear();
        self.warned.clear();
        if let Some(since) = &mut self.running_since {
            *since = at;
        }
    }

    /// Comes to rest.
    pub(crate) fn end(&mut self, at: i64, how: End) {
        self.pause(at);
        self.ended = Some(Ended { at, how });
    }

    /// A promise that comes back finds it no more.
    pub(crate) fn lapse(&mut self) {
        if let Some(ended) = self.ended.as_mut().filter(|ended| ended.how == End::Withdrawn) {
            ended.how = End::Cancelled;
        }
    }

    /// Milliseconds between two instants that count.
    pub(crate) fn counted(&self, from: i64, to: i64, rules: Rules<'_>) -> i64 {
        self.terms.measure(rules).elapsed(from, to)
    }

    pub(crate) const fn outcome(&self) -> Outcome {
        match (self.is_breached(), self.voided) {
            (false, _) => Outcome::Met,
            (true, false) => Outcome::Breached,
            (true, true) => Outcome::Voided,
        }
    }
}
