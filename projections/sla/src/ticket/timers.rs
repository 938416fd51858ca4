//! What time alone does: warnings, breaches, rules that fire. And what a change does that makes them past at once.

use guichet_config::{Apply, OnReopen, OnTargetChange, TimeRule, When};
use guichet_rules::calendar::{END, HORIZON_MS};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{SlaMetric, TicketState};

use super::{Now, Ticket};
use crate::clock::{Clock, End, Ended, Next, Terms};
use crate::fact::{AlarmKey, Fact, Kind};
use crate::recorded::Recorded;
use crate::rulebook::{Change, InForce, Rulebook, Rules};
use crate::time_rule::{Armed, due, due_again, holds};
use crate::timer_name::TimerName;

/// Plans beyond this are looked at when they come nearer: no promise reaches so far.
const PLANNED_MS: i64 = HORIZON_MS + 366 * 86_400_000;

/// Rules that repeat tell so many times one by one of what they missed while nobody looked: some days, for one that
/// repeats every minute. Beyond, one fact stands for all that are left.
const REPEATS_TOLD_MAX: u32 = 5_000;
/// Whoever looks for the next alarm looks so far ahead over what is recorded; then he looks again when that is due.
const LOOK_AHEAD_MAX: u32 = 10_000;

#[derive(Debug, Clone, Copy)]
enum Whose {
    Clock(usize, Next),
    Rule(usize),
    /// A first reply that was due before the ticket was imported, and that no imported fact tells of.
    Untold,
}

impl Ticket {
    /// Everything that time does before an instant, in the order of time: what was published takes hold, timers run.
    /// What happens at the very instant of a timer comes first, so those of the instant itself are not run yet.
    pub fn advance(&mut self, to: Timestamp, book: &Rulebook, facts: &mut Vec<Fact>) {
        let to = Timestamp(to.0.min(END.0));
        // It is there already: what was published since takes hold later, not now and not never.
        if to.0 < self.time {
            return;
        }
        let mut published = self.pending(book);
        published.retain(|(at, _)| *at <= to.0);
        let mut done = self.time;
        for (at, number) in published {
            self.run_from(done, at, book, facts);
            self.take_hold(at, number, book, facts);
            done = at;
        }
        self.run_from(done, to.0, book, facts);
        self.time = to.0;
        self.seen = book.len();
    }

    /// Plans that take hold from now on, in their order: instant and number.
    fn pending(&self, book: &Rulebook) -> Vec<(i64, u32)> {
        let pending = (0..book.len()).filter_map(|number| {
            let at = book.would_hold_from(number, self.born)?;
            let is_news = number >= self.seen || at > self.time;
            // Whether another took its place is looked for last: most are long over.
            let at = is_news.then(|| book.takes_hold(number, self.born)).flatten()?;
            Some((at.max(self.time), number))
        });
        let mut pending: Vec<_> = pending.collect();
        pending.sort_unstable();
        pending
    }

    /// Everything before `from` is done.
    fn run_from(&mut self, from: i64, to: i64, book: &Rulebook, facts: &mut Vec<Fact>) {
        if to <= from {
            return;
        }
        let rules = self.rules(book);
        let mut repeats = 0_u32;
        while let Some((at, whose)) = self.next_timer(rules).filter(|(at, _)| *at < to) {
            repeats = repeats.saturating_add(u32::from(matches!(whose, Whose::Rule(_))));
            let at_once = if repeats > REPEATS_TOLD_MAX { to } else { i64::MIN };
            self.run(at, whose, at_once, rules, facts);
        }
    }

    fn take_hold(&mut self, at: i64, number: u32, book: &Rulebook, facts: &mut Vec<Fact>) {
        let before = self.in_force;
        let Some(change) = book.enforce(number, &mut self.in_force) else { return };
        let mut now = Now { at, rules: self.rules(book), facts };
        match change {
            // Who was there before keeps what it had, for good.
            Change::Policies(Apply::NewOnly) if self.begun => self.in_force.policies = before.policies,
            Change::Policies(Apply::NewOnly | Apply::OpenClocks) => self.match_again(&mut now),
            Change::TimeRules => self.time_rules_published(before, &mut now),
            Change::Calendar(name) => self.calendar_published(name, &mut now),
        }
        self.remember_due(book);
    }

    /// The first instant from here on at which time alone does something that others must know and do not: a warning,
    /// a breach, a rule that fires. Counts what is planned. `None`: nothing will happen to it by itself.
    #[must_use]
    pub fn next_alarm(&self, book: &Rulebook, recorded: &Recorded) -> Option<Timestamp> {
        let mut pending = self.planned(book);
        let news = |ticket: &Self, whose| ticket.alarm(whose).is_some_and(|key| !recorded.contains(&key));
        if pending.is_empty() {
            let (at, whose) = self.next_timer(self.rules(book))?;
            if news(self, whose) {
                return Some(Timestamp(at));
            }
        }
        let (mut ahead, mut facts) = (self.clone(), Vec::new());
        pending.reverse();
        // Each step uses up a publication or a fact that is recorded, and a fact comes once.
        for _ in 0..LOOK_AHEAD_MAX {
            let timer = ahead.next_timer(ahead.rules(book));
            match (timer, pending.last().copied()) {
                (Some((at, whose)), next) if next.is_none_or(|(next, _)| at < next) => {
                    if news(&ahead, whose) {
                        return Some(Timestamp(at));
                    }
                    ahead.run(at, whose, i64::MIN, ahead.rules(book), &mut facts);
                    facts.clear();
                }
                (_, Some((at, number))) => {
                    pending.pop();
                    facts.clear();
                    ahead.take_hold(at, number, book, &mut facts);
                    if facts.iter().any(|fact| fact.alarm().is_some_and(|key| !recorded.contains(&key))) {
                        return Some(Timestamp(at));
                    }
                }
                (_, None) => return None,
            }
        }
        ahead.next_timer(ahead.rules(book)).map(|(at, _)| Timestamp(at))
    }

    /// True where something takes hold from now on, or was published since its last event.
    #[must_use]
    pub fn is_behind(&self, book: &Rulebook) -> bool {
        !self.planned(book).is_empty()
    }

    /// Plans that take hold from now on, as far ahead as a promise can reach.
    pub(crate) fn planned(&self, book: &Rulebook) -> Vec<(i64, u32)> {
        let horizon = self.time.saturating_add(PLANNED_MS);
        let mut planned = self.pending(book);
        planned.retain(|(at, _)| *at <= horizon);
        planned
    }

    fn alarm(&self, whose: Whose) -> Option<AlarmKey> {
        match whose {
            Whose::Clock(index, next) => {
                let clock = self.clocks.get(index)?;
                let pct = match next {
                    Next::Warning { pct, .. } => Some(pct),
                    Next::Breach { .. } => None,
                };
                Some(AlarmKey { of: TimerName::Clock(clock.metric), instance: clock.instance, pct })
            }
            Whose::Rule(index) => {
                let armed = self.rules.get(index)?;
                let of = TimerName::Rule(armed.rule.clone());
                Some(AlarmKey { of, instance: armed.instance, pct: None })
            }
            Whose::Untold => None,
        }
    }

    fn next_timer(&self, rules: Rules<'_>) -> Option<(i64, Whose)> {
        let clocks = self.clocks.iter().enumerate().filter_map(|(index, clock)| {
            if let Some(until) = clock.untold(rules) {
                return Some((until, Whose::Untold));
            }
            let next = clock.next(rules)?;
            Some((next.at(), Whose::Clock(index, next)))
        });
        let armed = self.rules.iter().enumerate().filter_map(|(index, armed)| {
            let rule = rules.time_rule(&armed.rule)?;
            Some((due(rule, armed.since?, rules)?.max(armed.not_before), Whose::Rule(index)))
        });
        clocks.chain(armed).min_by_key(|(at, _)| *at)
    }

    /// Runs a timer. A rule that repeats is done at once with whatever it would tell before an instant.
    fn run(&mut self, at: i64, whose: Whose, at_once: i64, rules: Rules<'_>, facts: &mut Vec<Fact>) {
        let mut now = Now { at, rules, facts };
        match whose {
            Whose::Clock(index, next) => {
                if let Some(clock) = self.clocks.get_mut(index) {
                    clock.strike(next, &mut now);
                }
            }
            Whose::Rule(index) => self.fire(index, at_once, &mut now),
            Whose::Untold => self.forget_first_reply(&mut now),
        }
    }

    /// An imported reply came: it was the first, and says whether the promise was kept.
    pub(super) fn tell_first_reply(&mut self, now: &mut Now<'_, '_>) {
        for clock in self.clocks.iter_mut().filter(|clock| clock.untold_until.is_some()) {
            clock.untold_until = None;
            if let Some(at) = clock.late_since.take() {
                clock.jump(&mut Now { at, rules: now.rules, facts: now.facts });
            }
            while let Some(next) = clock.next(now.rules).filter(|next| next.at() < now.at) {
                clock.strike(next, &mut Now { at: next.at(), rules: now.rules, facts: now.facts });
            }
        }
    }

    /// No fact of the import is a first reply, and it was due before: whether there was one is not known.
    pub(super) fn forget_first_reply(&mut self, now: &mut Now<'_, '_>) {
        let rules = now.rules;
        let is_late = |clock: &&mut Clock| {
            let until = clock.untold(rules);
            until.is_some_and(|until| until <= now.at || clock.due(rules).is_some_and(|due| due < now.at))
        };
        let mut is_forgotten = false;
        for clock in self.clocks.iter_mut().filter(is_late) {
            clock.cancel(End::Cancelled, "not_imported", &mut Now { at: now.at, rules, facts: now.facts });
            is_forgotten = true;
        }
        self.answered_once |= is_forgotten;
    }

    /// Arms every rule whose condition is true.
    pub(super) fn arm(&mut self, now: &mut Now<'_, '_>) {
        // What came resolved is for its source to close.
        let auto_close = now.rules.auto_close().filter(|_| !self.state_imported);
        let (state, stands) = (self.state, self.stands());
        let rules = now.rules.time_rules().iter().chain(auto_close);
        for rule in rules.filter(|rule| holds(rule, state, stands)) {
            let index = self.rules.iter().position(|armed| armed.rule == rule.id).unwrap_or_else(|| {
                self.rules.push(Armed::never(&rule.id));
                self.rules.len().saturating_sub(1)
            });
            if let Some(armed) =
                self.rules.get_mut(index).filter(|armed| armed.since.is_none() && !armed.fired)
            {
                armed.instance = armed.instance.saturating_add(1);
                armed.stay = armed.instance;
                armed.since = Some(now.at);
                armed.not_before = now.at;
                let due_at = due(rule, now.at, now.rules).map(Timestamp);
                now.tell_rule(armed, Kind::Armed { due_at });
            }
        }
    }

    /// A rule fires, and is armed again if it repeats. What it would have told while the ticket lived elsewhere, one
    /// fact tells.
    fn fire(&mut self, index: usize, at_once: i64, now: &mut Now<'_, '_>) {
        let (state, stands) = (self.state, self.stands());
        let came = self.import.map_or(i64::MIN, |import| import.at);
        let Some(armed) = self.rules.get_mut(index) else { return };
        let rule = now.rules.time_rule(&armed.rule);
        let again = rule.filter(|rule| rule.repeat && holds(rule, state, stands));
        let (skipped, last) =
            again.map_or((0, now.at), |rule| due_again(rule, now.at, came.max(at_once), now.rules));
        armed.since = None;
        armed.fired = true;
        now.tell_rule(armed, Kind::Fired { rule: armed.rule.clone(), skipped });
        if let Some(rule) = again {
            armed.instance = armed.instance.saturating_add(skipped).saturating_add(1);
            armed.since = Some(last);
            armed.fired = false;
            now.tell_rule(armed, Kind::Armed { due_at: due(rule, last, now.rules).map(Timestamp) });
        }
    }

    /// Disarms every rule whose condition is not true any more.
    pub(super) fn disarm(&mut self, reason: &'static str, now: &mut Now<'_, '_>) {
        let (state, stands) = (self.state, self.stands());
        self.disarm_where(|rule| !rule.is_some_and(|rule| holds(rule, state, stands)), reason, now);
    }

    /// True where a rule that fired may act: what it waited for has lasted ever since, and it did not fire before the
    /// ticket came here. What is found late, or in a history that is imported, is only recorded.
    #[must_use]
    pub fn still_holds(&self, fired: &Fact) -> bool {
        let TimerName::Rule(rule) = &fired.of else { return false };
        let lasts = |armed: &Armed| (armed.since.is_some() || armed.fired) && armed.stay <= fired.instance;
        let came_before = self.import.is_none_or(|import| import.at < fired.at.0);
        came_before && self.rules.iter().any(|armed| armed.rule == *rule && lasts(armed))
    }

    /// Something happened to it: a silence ends, and the next one begins.
    pub(super) fn updated(&mut self, now: &mut Now<'_, '_>) {
        self.disarm_where(|rule| rule.is_some_and(|rule| rule.when == When::NoUpdate), "updated", now);
        if self.begun {
            self.arm(now);
        }
    }

    fn disarm_where(
        &mut self,
        ends: impl Fn(Option<&TimeRule>) -> bool,
        reason: &'static str,
        now: &mut Now<'_, '_>,
    ) {
        for armed in &mut self.rules {
            if !ends(now.rules.time_rule(&armed.rule)) {
                continue;
            }
            // The condition is false: when it becomes true again, it begins again.
            armed.fired = false;
            if armed.since.take().is_some() {
                now.tell_rule(armed, Kind::Disarmed { reason: reason.into() });
            }
        }
    }

    /// A rule that is other than before counts as if it had always been so, but fires from now on only.
    fn time_rules_published(&mut self, before: InForce, now: &mut Now<'_, '_>) {
        let before = Rules { book: now.rules.book, in_force: before };
        for armed in &mut self.rules {
            if before.time_rule(&armed.rule) != now.rules.time_rule(&armed.rule) {
                armed.not_before = now.at;
            }
        }
        self.disarm("rules_published", now);
        if self.begun {
            self.arm(now);
        }
    }

    /// Tells where a calendar that has other hours now moves what is due.
    pub(super) fn calendar_published(&mut self, name: &str, now: &mut Now<'_, '_>) {
        let cause = format!("calendar:{name}");
        for clock in self.clocks.iter_mut().filter(|clock| clock.is_open()) {
            if clock.terms.calendar.as_deref() != Some(name) {
                continue;
            }
            let due_before = clock.known_due.map(Timestamp);
            let due_at = clock.shown_due(now.rules);
            if due_before != due_at && clock.is_running() {
                now.tell(clock, Kind::Rescheduled { due_before, due_at, cause: cause.clone() });
            }
            // Hours that are there after all may have moved a threshold into the past.
            clock.jump(now);
        }
        for armed in &mut self.rules {
            if now.rules.time_rule(&armed.rule).is_some_and(|rule| rule.calendar.as_deref() == Some(name)) {
                armed.not_before = now.at;
            }
        }
    }
}

impl Clock {
    /// Stands still or goes on, as its terms say of this state.
    pub(super) fn follow(&mut self, state: TicketState, now: &mut Now<'_, '_>) {
        let stands = self.terms.pauses_in(self.metric, state);
        if stands != self.is_running() {
            return;
        }
        if stands {
            self.pause(now.at);
            now.tell(self, Kind::Paused { consumed_s: self.consumed_s(now.at, now.rules) });
        } else {
            self.resume(now.at, false, now);
            self.jump(now);
        }
    }

    /// Goes on as if it had run since an instant.
    fn resume(&mut self, since: i64, after_reopen: bool, now: &mut Now<'_, '_>) {
        self.running_since = Some(since);
        let (consumed_s, due_at) = (self.consumed_s(now.at, now.rules), self.shown_due(now.rules));
        now.tell(self, Kind::Resumed { consumed_s, due_at, after_reopen });
    }

    /// Goes on after it had ended; at once it stands still again where its terms say so of this state.
    pub(super) fn go_on(
        &mut self,
        since: i64,
        after_reopen: bool,
        state: TicketState,
        now: &mut Now<'_, '_>,
    ) {
        self.resume(since, after_reopen, now);
        self.follow(state, now);
    }

    /// Since when it counts as running when its ticket is reopened; `None`: it does not go on.
    pub(super) const fn goes_on_since(&self, ended: Ended, now: i64) -> Option<i64> {
        match (ended.how, self.on_reopen) {
            (End::Withdrawn, _) => Some(now),
            (End::Fulfilled | End::Cancelled, _) => None,
            (End::Resolved, _) if !matches!(self.metric, SlaMetric::Resolution) => Some(now),
            (End::Resolved, OnReopen::ResumeExcludingResolved) => Some(now),
            (End::Resolved, OnReopen::ResumeIncludingResolved) => Some(ended.at),
            (End::Resolved, OnReopen::Restart | OnReopen::FirstOnly) => None,
        }
    }

    /// Is promised otherwise.
    pub(super) fn change(&mut self, terms: Terms, mode: OnTargetChange, now: &mut Now<'_, '_>) {
        self.terms = terms;
        self.revision = self.revision.saturating_add(1);
        if mode == OnTargetChange::Prospective {
            self.forget_consumed(now.at);
        }
        now.tell(
            self,
            Kind::TargetChanged {
                policy: self.terms.policy.clone(),
                policy_version: self.terms.policy_version,
                target_s: self.terms.target_s,
                revision: self.revision,
                mode,
                consumed_s: self.consumed_s(now.at, now.rules),
                due_at: self.shown_due(now.rules),
            },
        );
    }

    /// Comes to rest without an outcome, if it has not before.
    pub(super) fn cancel(&mut self, how: End, reason: &'static str, now: &mut Now<'_, '_>) {
        if self.is_open() {
            let consumed_s = self.consumed_s(now.at, now.rules);
            self.end(now.at, how);
            now.tell(self, Kind::Cancelled { reason: reason.into(), consumed_s });
        }
    }

    fn strike(&mut self, next: Next, now: &mut Now<'_, '_>) {
        match next {
            Next::Warning { pct, .. } => {
                self.warned.push(pct);
                now.tell(self, Kind::Warned { pct, due_at: self.shown_due(now.rules), immediate: false });
            }
            Next::Breach { at } => self.breach(at, false, now),
        }
    }

    fn breach(&mut self, due: i64, immediate: bool, now: &mut Now<'_, '_>) {
        self.breached_at = Some(now.at);
        now.tell(
            self,
            Kind::Breached {
                due_at: Timestamp(due),
                consumed_s: self.consumed_s(now.at, now.rules),
                policy: self.terms.policy.clone(),
                policy_version: self.terms.policy_version,
                immediate,
            },
        );
    }

    /// After a change that may have moved what is due into the past: a promise is broken now, not before it was made.
    /// Of several thresholds that are past at once, the highest is announced; none that the breach makes idle.
    pub(super) fn jump(&mut self, now: &mut Now<'_, '_>) {
        if !self.is_running() {
            return;
        }
        if self.untold(now.rules).is_some() {
            self.late_since = self.due(now.rules).filter(|due| *due < now.at).map(|_| now.at);
            return;
        }
        let due = (!self.is_breached()).then(|| self.due(now.rules)).flatten();
        if let Some(due) = due.filter(|due| *due < now.at) {
            self.breach(due, true, now);
        }
        // What is due this very instant is about to be broken: the breach says it.
        let least = if due.is_some_and(|due| due <= now.at) { 101 } else { 0 };
        let is_past = |pct: &u32| self.warns_at(*pct, now.rules).is_some_and(|at| at < now.at);
        let past: Vec<u32> = self.to_warn().filter(|pct| *pct >= least).take_while(is_past).collect();
        if let Some(highest) = past.last().copied() {
            self.warned.extend(past);
            let due_at = self.shown_due(now.rules);
            now.tell(self, Kind::Warned { pct: highest, due_at, immediate: true });
        }
    }
}

impl Now<'_, '_> {
    fn tell_rule(&mut self, armed: &Armed, kind: Kind) {
        self.facts.push(Fact {
            at: Timestamp(self.at),
            of: TimerName::Rule(armed.rule.clone()),
            instance: armed.instance,
            kind,
        });
    }
}

#[cfg(test)]
#[path = "timers_tests.rs"]
mod tests;
