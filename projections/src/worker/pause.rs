//! Why the worker does not read on, and how long it waits.

use std::time::Duration;

use crate::lineage::Halt;

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The end of one attempt to follow the stream.
#[derive(Debug)]
pub(super) enum Pause {
    /// We were asked to stop.
    Stopped,
    /// A person must look.
    Halted(Halt),
    /// Try again; the reason, for those who ask.
    Interrupted(String),
}

/// Waits that double, so that a broker that is away is not hammered, and one that is back is soon noticed.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST_WAIT)
    }
}

impl Backoff {
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(LONGEST_WAIT);
        wait
    }
}
