//! What one connection is doing, as its own task writes it and the warden reads it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::bounds::{HEAD_WITHIN, IDLE_FOR, READS_AT_LEAST, STUCK_FOR};
use crate::meters::Closed;
use crate::source::Source;

/// Written in an instant's place where there is none.
const NEVER: u64 = u64::MAX;

/// One connection. Instants are milliseconds since it came in. Nothing here orders anything: a value that is read a
/// moment too old costs a connection a moment.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) peer: IpAddr,
    pub(super) source: Source,
    came: Instant,
    is_handling: AtomicBool,
    /// Since when no request is under way.
    waits_since: AtomicU64,
    /// When the first byte of the next request came.
    heard_at: AtomicU64,
    /// The first request is still to come.
    is_new: AtomicBool,
    /// Since when the reader takes less than there is, and how much it took since then.
    stuck_since: AtomicU64,
    stuck_bytes: AtomicU64,
    /// Asked to go.
    pub(super) is_leaving: AtomicBool,
    leave: Notify,
}

/// A request under way; its end is the end of its answer.
#[derive(Debug)]
pub(super) struct Handling(Arc<Seat>);

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.waits_since.store(self.0.now(), Relaxed);
        self.0.is_handling.store(false, Relaxed);
    }
}

impl Seat {
    pub(super) fn new(peer: IpAddr) -> Self {
        Self {
            peer,
            source: Source::of(peer),
            came: Instant::now(),
            is_handling: AtomicBool::new(false),
            waits_since: AtomicU64::new(0),
            heard_at: AtomicU64::new(NEVER),
            is_new: AtomicBool::new(true),
            stuck_since: AtomicU64::new(NEVER),
            stuck_bytes: AtomicU64::new(0),
            is_leaving: AtomicBool::new(false),
            leave: Notify::new(),
        }
    }

    fn now(&self) -> u64 {
        millis(self.came.elapsed())
    }

    /// The lines of a request are there.
    pub(super) fn begin(self: &Arc<Self>) -> Handling {
        self.is_handling.store(true, Relaxed);
        self.is_new.store(false, Relaxed);
        self.heard_at.store(NEVER, Relaxed);
        Handling(Arc::clone(self))
    }

    pub(super) fn is_handling(&self) -> bool {
        self.is_handling.load(Relaxed)
    }

    /// Bytes came.
    pub(super) fn hear(&self) {
        if !self.is_handling() && self.heard_at.load(Relaxed) == NEVER {
            self.heard_at.store(self.now(), Relaxed);
        }
    }

    /// So many bytes went out of those that there were.
    pub(super) fn wrote(&self, bytes: usize, of: usize) {
        if bytes == of {
            self.stuck_since.store(NEVER, Relaxed);
            return;
        }
        if self.stuck_since.load(Relaxed) == NEVER {
            self.stuck_bytes.store(0, Relaxed);
            self.stuck_since.store(self.now(), Relaxed);
        }
        self.stuck_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// Since when it is of no use to anybody: no request is under way, or its reader does not read.
    pub(super) fn unused_since(&self) -> Option<Instant> {
        let since = match self.stuck_since.load(Relaxed) {
            NEVER if self.is_handling() => return None,
            NEVER => self.waits_since.load(Relaxed),
            stuck => stuck,
        };
        Some(self.came + Duration::from_millis(since))
    }

    /// The deadline that it broke.
    pub(super) fn broke(&self) -> Option<Closed> {
        self.broke_by(self.now())
    }

    fn broke_by(&self, now: u64) -> Option<Closed> {
        let age = |since: u64| Duration::from_millis(now.saturating_sub(since));
        let stuck = self.stuck_since.load(Relaxed);
        if stuck != NEVER {
            let bought = Duration::from_secs(self.stuck_bytes.load(Relaxed) / READS_AT_LEAST);
            return (age(stuck) > STUCK_FOR + bought).then_some(Closed::SlowReader);
        }
        if self.is_handling() {
            return None;
        }
        match self.heard_at.load(Relaxed) {
            NEVER if self.is_new.load(Relaxed) => (age(0) > HEAD_WITHIN).then_some(Closed::SlowHead),
            NEVER => (age(self.waits_since.load(Relaxed)) > IDLE_FOR).then_some(Closed::Idle),
            heard => (age(heard) > HEAD_WITHIN).then_some(Closed::SlowHead),
        }
    }

    /// Asks it to go; `false`: it was asked before.
    pub(super) fn send_away(&self) -> bool {
        let first = !self.is_leaving.swap(true, Relaxed);
        self.leave.notify_one();
        first
    }

    /// Waits until it is asked to go.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat() -> Arc<Seat> {
        Arc::new(Seat::new(IpAddr::from([127, 0, 0, 1])))
    }

    /// The second in which it breaks a deadline, if within two minutes, and which.
    fn breaks(seat: &Seat) -> Option<(u64, Closed)> {
        // What the test did before took no second.
        (0..120).find_map(|second| Some((second, seat.broke_by(second * 1_000 + 500)?)))
    }

    #[test]
    fn each_way_to_be_slow_has_its_deadline() {
        let (silent, drips, idle, reads, works) = (seat(), seat(), seat(), seat(), seat());
        drips.hear();
        drips.hear();
        drop(idle.begin());
        let _answer = reads.begin();
        reads.wrote(10, 1_000_000);
        let _working = works.begin();
        assert_eq!(breaks(&silent), Some((10, Closed::SlowHead)));
        assert_eq!(breaks(&drips), Some((10, Closed::SlowHead)));
        assert_eq!(breaks(&idle), Some((30, Closed::Idle)));
        assert_eq!(breaks(&reads), Some((30, Closed::SlowReader)));
        assert_eq!(breaks(&works), None, "a request under way has its deadline elsewhere");
        idle.hear();
        assert_eq!(breaks(&idle), Some((10, Closed::SlowHead)), "also the second request");
    }

    #[test]
    fn a_reader_that_takes_something_has_more_time_and_one_that_took_all_is_not_slow() {
        let seat = seat();
        let answer = seat.begin();
        for _ in 0..60 {
            seat.wrote(READS_AT_LEAST as usize, 1 << 30);
        }
        assert_eq!(breaks(&seat), Some((90, Closed::SlowReader)));
        drop(answer);
        assert_eq!(breaks(&seat), Some((90, Closed::SlowReader)), "all is handed over, not all is read");
        let _next = seat.begin();
        assert!(seat.unused_since().is_some(), "it may be sent away for a newcomer");
        seat.wrote(10, 10);
        assert_eq!((breaks(&seat), seat.unused_since()), (None, None));
    }
}
