//! Which tickets are left alone for now, and until when: those whose facts are on their way, those whose facts cannot be
//! recorded for now, and those whose facts are refused. A refusal is tried again after longer and longer; a ticket that is
//! refused again and again is named and set aside, and keeps back nobody else. What is said once is said again at long
//! intervals for as long as it is so.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use guichet_schemas::position::LogPosition;
use tokio::time::Instant;

use crate::projection::TicketKey;

/// How long to leave a ticket alone whose fact is unknown, or was refused for the first time.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// ... and at most, where nobody refuses it: an engine that comes back is not to be waited for.
const POSTPONED_AFTER_MAX: Duration = Duration::from_secs(2);
/// So often a ticket is postponed before anybody is told: a race for its version, or an engine that starts, passes.
const POSTPONED_TOLD: u32 = 12;
/// A standing problem is reported again this often.
const TELL_EVERY: Duration = Duration::from_mins(30);
/// ... and at most, one that is set aside: a person must look, and may change the configuration.
const AGAIN_AFTER_MAX: Duration = Duration::from_mins(10);
/// So often a ticket is refused before anybody is told: an engine whose clock is behind refuses what is early.
const REFUSALS_TOLD: u32 = 4;
/// So often a ticket is refused before it is set aside: some 50 seconds.
const REFUSALS_ASIDE: u32 = 8;
/// Tickets that are left alone at a time, some 10 MiB. Beyond, those whose turn comes soonest are looked at again.
const TICKETS_MAX: usize = 100_000;

/// Until when a ticket is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Its facts are on their way.
    Answered,
    /// The model has folded what was recorded.
    Folded(LogPosition),
    Time(Instant),
}

/// The meaning of a refusal for its ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It may pass by itself.
    Quiet,
    /// It is worth a line.
    Told,
    /// From now on it is set aside.
    Aside,
    /// It was set aside long ago, or for another reason, and still is.
    StillAside,
}

/// Refusals of a ticket one after the other.
#[derive(Debug)]
struct Refused {
    times: u32,
    last: Instant,
    told: Option<(&'static str, Instant)>,
}

#[derive(Debug, Default)]
pub(super) struct Patience {
    waiting: BTreeMap<TicketKey, Until>,
    refused: BTreeMap<TicketKey, Refused>,
    /// How often they were postponed one after the other.
    postponed: BTreeMap<TicketKey, u32>,
    /// When it was last told that tickets are postponed, by reason.
    postponed_told: BTreeMap<&'static str, Instant>,
}

impl Patience {
    /// A ticket whose facts are sent now.
    pub(super) fn sends(&mut self, key: TicketKey) {
        self.wait(key, Until::Answered);
    }

    /// A ticket whose facts were taken, or may have been. True where it was refused before.
    pub(super) fn answered(&mut self, key: TicketKey, until: Until) -> bool {
        let taken = matches!(until, Until::Folded(_));
        let was_refused = taken && self.refused.remove(&key).is_some();
        self.postponed.remove(&key);
        self.wait(key, until);
        was_refused
    }

    /// A ticket with a fact that is neither taken nor refused. True where the reason is worth a line.
    pub(super) fn postponed(&mut self, key: TicketKey, reason: &'static str, now: Instant) -> bool {
        if self.postponed.len() >= TICKETS_MAX && !self.postponed.contains_key(&key) {
            self.postponed.pop_first();
        }
        let times = self.postponed.entry(key.clone()).or_default();
        *times = times.saturating_add(1);
        let times = *times;
        self.wait(key, Until::Time(later(now, times, POSTPONED_AFTER_MAX)));
        let was_told = self.postponed_told.get(reason);
        let tells =
            times >= POSTPONED_TOLD && was_told.is_none_or(|at| now.duration_since(*at) >= TELL_EVERY);
        if tells {
            self.postponed_told.insert(reason, now);
        }
        tells
    }

    /// A ticket with a fact that is refused at an instant, or whose clocks cannot be looked at. It is set aside at once
    /// where the same fact can never be recorded, and is tried again all the same: another configuration may make
    /// another fact of it.
    pub(super) fn refused(
        &mut self,
        key: TicketKey,
        reason: &'static str,
        never: bool,
        now: Instant,
    ) -> Refusal {
        if self.refused.len() >= TICKETS_MAX && !self.refused.contains_key(&key) {
            self.refused.pop_first();
        }
        self.postponed.remove(&key);
        let one = self.refused.entry(key.clone()).or_insert(Refused { times: 0, last: now, told: None });
        let was_aside = one.times >= REFUSALS_ASIDE;
        one.times = one.times.saturating_add(1).max(if never { REFUSALS_ASIDE } else { 1 });
        one.last = now;
        let is_old = |(told, at): (&str, Instant)| told != reason || now.duration_since(at) >= TELL_EVERY;
        let refusal = match one.times {
            ..REFUSALS_TOLD => Refusal::Quiet,
            REFUSALS_ASIDE.. if !was_aside => Refusal::Aside,
            REFUSALS_ASIDE.. if one.told.is_none_or(is_old) => Refusal::StillAside,
            _ if one.told.is_none_or(is_old) => Refusal::Told,
            _ => Refusal::Quiet,
        };
        if refusal != Refusal::Quiet {
            one.told = Some((reason, now));
        }
        let until = if never {
            later(now, u32::MAX, AGAIN_AFTER_MAX)
        } else {
            later(now, one.times, AGAIN_AFTER_MAX)
        };
        self.wait(key, Until::Time(until));
        refusal
    }

    fn wait(&mut self, key: TicketKey, until: Until) {
        self.waiting.insert(key, until);
        if self.waiting.len() > TICKETS_MAX {
            let time = |until: &Until| if let Until::Time(at) = until { Some(*at) } else { None };
            let soonest = self.waiting.iter().filter_map(|(key, until)| Some((time(until)?, key)));
            if let Some(key) = soonest.min().map(|(_, key)| key.clone()) {
                self.waiting.remove(&key);
            }
        }
    }

    /// Lets go of tickets whose time has come, and forgets refusals that did not come again. True where it forgot any.
    pub(super) fn release(&mut self, position: u64, now: Instant) -> bool {
        self.waiting.retain(|_, until| match until {
            Until::Answered => true,
            Until::Folded(recorded) => recorded.get() > position,
            Until::Time(at) => *at > now,
        });
        let before = self.refused.len();
        // Who is still refused was tried again meanwhile.
        self.refused.retain(|_, one| now.duration_since(one.last) < AGAIN_AFTER_MAX.saturating_mul(2));
        self.refused.len() < before
    }

    /// All that are left alone.
    pub(super) fn left_alone(&self) -> BTreeSet<TicketKey> {
        self.waiting.keys().cloned().collect()
    }

    pub(super) fn aside(&self) -> usize {
        self.refused.values().filter(|one| one.times >= REFUSALS_ASIDE).count()
    }
}

/// When to try again what did not go so often: after twice as long each time, up to a bound.
fn later(now: Instant, times: u32, at_most: Duration) -> Instant {
    let doubled = AGAIN_AFTER.saturating_mul(1_u32.checked_shl(times.min(31)).unwrap_or(u32::MAX) / 2);
    now.checked_add(doubled.min(at_most)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHY: &str = "guard_failed";

    #[test]
    fn who_is_refused_again_and_again_waits_longer_is_named_once_and_set_aside() {
        let (mut patience, mut now) = (Patience::default(), Instant::now());
        let key: TicketKey = b"acme\0ticket".to_vec();
        let (mut told, mut tries) = (Vec::new(), 0_u32);
        let begun = now;
        while now.duration_since(begun) < Duration::from_hours(1) {
            patience.release(0, now);
            if patience.left_alone().is_empty() {
                tries += 1;
                told.push(patience.refused(key.clone(), WHY, false, now));
            }
            now += Duration::from_millis(100);
        }
        assert!(tries < 30, "{tries} tries within an hour");
        let count = |of: Refusal| told.iter().filter(|one| **one == of).count();
        assert_eq!([Refusal::Told, Refusal::Aside, Refusal::StillAside].map(count), [1, 1, 1]);
        assert_eq!(patience.aside(), 1);
        // Something of it is recorded after all.
        assert!(patience.answered(key.clone(), Until::Folded(LogPosition::new(7).unwrap())));
        assert_eq!((patience.aside(), patience.left_alone().len()), (0, 1));
        patience.release(7, now);
        assert!(patience.left_alone().is_empty());
        assert_eq!(patience.refused(key, WHY, false, now), Refusal::Quiet);
    }

    #[test]
    fn what_can_never_be_recorded_is_set_aside_at_once_and_another_reason_is_told() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        let key: TicketKey = b"acme\0ticket".to_vec();
        assert_eq!(patience.refused(key.clone(), "malformed", true, now), Refusal::Aside);
        assert_eq!(patience.aside(), 1);
        assert_eq!(patience.refused(key.clone(), "malformed", true, now), Refusal::Quiet);
        assert_eq!(patience.refused(key.clone(), "unsupported", true, now), Refusal::StillAside);
        patience.release(0, now + AGAIN_AFTER_MAX - Duration::from_millis(1));
        assert_eq!(patience.left_alone().len(), 1);
        patience.release(0, now + AGAIN_AFTER_MAX);
        assert!(patience.left_alone().is_empty(), "another configuration may make another fact of it");
    }

    #[test]
    fn an_engine_that_is_away_is_asked_more_and_more_rarely_and_named_at_intervals() {
        let (mut patience, begun) = (Patience::default(), Instant::now());
        let (mut now, mut tries, mut told) = (begun, 0_u32, 0_u32);
        while now.duration_since(begun) < Duration::from_hours(1) {
            patience.release(0, now);
            for key in [b"acme\0one".to_vec(), b"acme\0two".to_vec()] {
                if !patience.left_alone().contains(&key) {
                    tries += 1;
                    told += u32::from(patience.postponed(key, "no_answer", now));
                }
            }
            now += Duration::from_millis(100);
        }
        assert_eq!(told, 2, "once for both, and once more after half an hour");
        assert!(tries <= 2 * 1_810, "{tries} tries within an hour");
        assert_eq!(patience.aside(), 0, "nobody refused anything");
    }

    #[test]
    fn what_is_not_refused_again_is_forgotten() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        for _ in 0..REFUSALS_ASIDE {
            patience.refused(b"acme\0ticket".to_vec(), WHY, false, now);
        }
        assert_eq!((patience.release(0, now), patience.aside()), (false, 1));
        // Its alarm went away without our doing.
        assert_eq!((patience.release(0, now + Duration::from_mins(20)), patience.aside()), (true, 0));
    }

    #[test]
    fn however_many_are_refused_so_many_are_kept_and_no_more() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        for n in 0..TICKETS_MAX + 10 {
            let key: TicketKey = n.to_be_bytes().to_vec();
            patience.refused(key.clone(), WHY, false, now);
            patience.postponed(key, WHY, now);
        }
        let kept = [patience.waiting.len(), patience.refused.len(), patience.postponed.len()];
        assert_eq!(kept, [TICKETS_MAX; 3]);
    }
}
