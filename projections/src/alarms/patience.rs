//! Which tickets are left alone for now, and until when: those whose facts are on their way, and those whose facts are
//! refused. A refusal is tried again after longer and longer; who is refused again and again is named and set aside,
//! and keeps back nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use guichet_schemas::position::LogPosition;
use tokio::time::Instant;

use crate::projection::TicketKey;

/// How long to leave a ticket alone whose fact is unknown, or was refused for the first time.
pub(super) const AGAIN_AFTER: Duration = Duration::from_millis(200);
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

/// What a refusal means for its ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It may pass by itself.
    Quiet,
    /// It is worth a line.
    Told,
    /// From now on it is set aside.
    Aside,
}

/// Whom to leave alone.
#[derive(Debug, Default)]
pub(super) struct Patience {
    waiting: BTreeMap<TicketKey, Until>,
    /// How often they were refused one after the other, and when last.
    refused: BTreeMap<TicketKey, (u32, Instant)>,
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
        self.wait(key, until);
        was_refused
    }

    /// A ticket with a fact that is refused at an instant, or whose clocks cannot be looked at.
    pub(super) fn refused(&mut self, key: TicketKey, now: Instant) -> Refusal {
        if self.refused.len() >= TICKETS_MAX && !self.refused.contains_key(&key) {
            self.refused.pop_first();
        }
        let (times, last) = self.refused.entry(key.clone()).or_insert((0, now));
        (*times, *last) = (times.saturating_add(1), now);
        let times = *times;
        let doubled = AGAIN_AFTER.saturating_mul(1_u32.checked_shl(times.min(31)).unwrap_or(u32::MAX) / 2);
        let pause = doubled.min(AGAIN_AFTER_MAX);
        self.wait(key, Until::Time(now.checked_add(pause).unwrap_or(now)));
        match times {
            REFUSALS_TOLD => Refusal::Told,
            REFUSALS_ASIDE => Refusal::Aside,
            _ => Refusal::Quiet,
        }
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
        self.refused.retain(|_, (_, last)| now.duration_since(*last) < AGAIN_AFTER_MAX.saturating_mul(2));
        self.refused.len() < before
    }

    /// All that are left alone.
    pub(super) fn left_alone(&self) -> BTreeSet<TicketKey> {
        self.waiting.keys().cloned().collect()
    }

    /// How many are set aside.
    pub(super) fn aside(&self) -> usize {
        self.refused.values().filter(|(times, _)| *times >= REFUSALS_ASIDE).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                told.push(patience.refused(key.clone(), now));
            }
            now += Duration::from_millis(100);
        }
        assert!(tries < 30, "{tries} tries within an hour");
        let count = |of: Refusal| told.iter().filter(|one| **one == of).count();
        assert_eq!([Refusal::Told, Refusal::Aside].map(count), [1, 1]);
        assert_eq!(patience.aside(), 1);
        // Something of it is recorded after all.
        assert!(patience.answered(key.clone(), Until::Folded(LogPosition::new(7).unwrap())));
        assert_eq!((patience.aside(), patience.left_alone().len()), (0, 1));
        patience.release(7, now);
        assert!(patience.left_alone().is_empty());
        assert_eq!(patience.refused(key, now), Refusal::Quiet);
    }

    #[test]
    fn what_is_not_refused_again_is_forgotten() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        for _ in 0..REFUSALS_ASIDE {
            patience.refused(b"acme\0ticket".to_vec(), now);
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
            patience.refused(key, now);
        }
        assert_eq!((patience.waiting.len(), patience.refused.len()), (TICKETS_MAX, TICKETS_MAX));
    }
}
