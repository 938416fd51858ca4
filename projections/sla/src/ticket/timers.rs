//! What time alone does: warnings, breaches, rules that fire. And what a change does that makes them past at once.

use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TicketState;

use super::{Now, Ticket};
use crate::clock::{Clock, Next};
use crate::fact::{Fact, Kind};
use crate::rulebook::Rulebook;
use crate::time_rule::{Armed, due, holds_in};
use crate::timer_name::TimerName;

/// Whose timer is next.
#[derive(Debug, Clone, Copy)]
enum Whose {
    Clock(usize, Next),
    Rule(usize),
}

impl Ticket {
    /// Runs every timer before an instant, in the order of time. The instant itself is not over yet.
    pub fn advance(&mut self, to: Timestamp, rulebook: &Rulebook, facts: &mut Vec<Fact>) {
        while let Some((at, whose)) = self.next_timer(rulebook).filter(|(at, _)| *at < to.0) {
            self.run(at, whose, rulebook, facts);
        }
    }

    /// When its next timer is due; `None`: nothing will happen to it by itself.
    #[must_use]
    pub fn due(&self, rulebook: &Rulebook) -> Option<Timestamp> {
        self.next_timer(rulebook).map(|(at, _)| Timestamp(at))
    }

    fn next_timer(&self, rulebook: &Rulebook) -> Option<(i64, Whose)> {
        let clocks = self.clocks.iter().enumerate().filter_map(|(index, clock)| {
            let next = clock.next(rulebook)?;
            Some((next.at(), Whose::Clock(index, next)))
        });
        let rules = self.rules.iter().enumerate().filter_map(|(index, armed)| {
            let rule = rulebook.time_rules.iter().find(|rule| rule.id == armed.rule)?;
            Some((due(rule, armed.since?, rulebook)?, Whose::Rule(index)))
        });
        clocks.chain(rules).min_by_key(|(at, _)| *at)
    }

    fn run(&mut self, at: i64, whose: Whose, rulebook: &Rulebook, facts: &mut Vec<Fact>) {
        let mut now = Now { at, rulebook, facts };
        match whose {
            Whose::Clock(index, next) => {
                if let Some(clock) = self.clocks.get_mut(index) {
                    clock.strike(next, &mut now);
                }
            }
            Whose::Rule(index) => {
                let Some(armed) = self.rules.get_mut(index) else { return };
                armed.since = None;
                now.tell_rule(armed, Kind::Fired { rule: armed.rule.clone() });
                self.arm_again(index, &mut now);
            }
        }
    }

    /// Arms every rule whose state this is.
    pub(super) fn arm(&mut self, now: &mut Now<'_, '_>) {
        for rule in now.rulebook.time_rules.iter().filter(|rule| holds_in(rule, self.state)) {
            let index = self.rules.iter().position(|armed| armed.rule == rule.id).unwrap_or_else(|| {
                self.rules.push(Armed { rule: rule.id.clone(), instance: 0, since: None });
                self.rules.len() - 1
            });
            if let Some(armed) = self.rules.get_mut(index).filter(|armed| armed.since.is_none()) {
                armed.instance += 1;
                armed.since = Some(now.at);
                let due_at = due(rule, now.at, now.rulebook).map(Timestamp);
                now.tell_rule(armed, Kind::Armed { due_at });
            }
        }
    }

    fn arm_again(&mut self, index: usize, now: &mut Now<'_, '_>) {
        let Some(armed) = self.rules.get_mut(index) else { return };
        let rule = now.rulebook.time_rules.iter().find(|rule| rule.id == armed.rule);
        if let Some(rule) = rule.filter(|rule| rule.repeat && holds_in(rule, self.state)) {
            armed.instance += 1;
            armed.since = Some(now.at);
            now.tell_rule(armed, Kind::Armed { due_at: due(rule, now.at, now.rulebook).map(Timestamp) });
        }
    }

    /// Disarms every rule whose state this is not.
    pub(super) fn disarm(&mut self, reason: &'static str, now: &mut Now<'_, '_>) {
        for armed in self.rules.iter_mut().filter(|armed| armed.since.is_some()) {
            let rule = now.rulebook.time_rules.iter().find(|rule| rule.id == armed.rule);
            if !rule.is_some_and(|rule| holds_in(rule, self.state)) {
                armed.since = None;
                now.tell_rule(armed, Kind::Disarmed { reason });
            }
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
            let due_at = clock.shown_due(now.rulebook);
            if due_before != due_at && clock.is_running() && !clock.breached {
                now.tell(clock, Kind::Rescheduled { due_before, due_at, cause: cause.clone() });
                clock.jump(now);
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
            now.tell(self, Kind::Paused { consumed_s: self.consumed_s(now.at, now.rulebook) });
        } else {
            self.resume(now.at);
            let (consumed_s, due_at) = (self.consumed_s(now.at, now.rulebook), self.shown_due(now.rulebook));
            now.tell(self, Kind::Resumed { consumed_s, due_at, after_reopen: false });
            self.jump(now);
        }
    }

    fn strike(&mut self, next: Next, now: &mut Now<'_, '_>) {
        match next {
            Next::Warning { pct, .. } => {
                self.warned.push(pct);
                now.tell(self, Kind::Warned { pct, due_at: self.shown_due(now.rulebook), immediate: false });
            }
            Next::Breach { at } => self.breach(at, false, now),
        }
    }

    fn breach(&mut self, due: i64, immediate: bool, now: &mut Now<'_, '_>) {
        self.breached = true;
        now.tell(
            self,
            Kind::Breached {
                due_at: Timestamp(due),
                consumed_s: self.consumed_s(now.at, now.rulebook),
                policy: self.terms.policy.clone(),
                policy_version: self.terms.policy_version,
                immediate,
            },
        );
    }

    /// After a change that may have moved what is due into the past: a promise is broken now, not before it was made.
    /// Of several thresholds that are past at once, the highest is announced.
    pub(super) fn jump(&mut self, now: &mut Now<'_, '_>) {
        if !self.is_running() {
            return;
        }
        let past: Vec<u32> = (self.terms.warn_pct.iter().copied())
            .filter(|pct| !self.warned.contains(pct))
            .filter(|pct| self.warns_at(*pct, now.rulebook).is_some_and(|at| at < now.at))
            .collect();
        if let Some(highest) = past.last().copied() {
            self.warned.extend(past);
            let due_at = self.shown_due(now.rulebook);
            now.tell(self, Kind::Warned { pct: highest, due_at, immediate: true });
        }
        if !self.breached
            && let Some(due) = self.due(now.rulebook).filter(|due| *due < now.at)
        {
            self.breach(due, true, now);
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
