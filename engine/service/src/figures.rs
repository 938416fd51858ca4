//! What an endpoint counts, for STATS. Fixed words only: discovery shows them to everybody.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// Counters of one endpoint, shared by its requests.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    answered: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
    nanoseconds: AtomicU64,
    last_error: Mutex<Option<(u16, &'static str)>>,
}

impl Figures {
    /// An answer left after so much time.
    pub(crate) fn answered(&self, after: Duration) {
        self.answered.fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// The answer was a refusal; it counts as answered too.
    pub(crate) fn refused(&self, number: u16, word: &'static str) {
        self.refused.fetch_add(1, Relaxed);
        // Nothing can panic while the lock is held, and the value would be whole all the same.
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, word));
    }

    /// A request came whose answer would have gone to no inbox.
    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, Relaxed);
    }

    /// As STATS shows them, without the name of the endpoint. Times are in nanoseconds.
    pub(crate) fn show(&self) -> Value {
        let (answered, nanoseconds) = (self.answered.load(Relaxed), self.nanoseconds.load(Relaxed));
        let last_error = *self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        json!({
            "num_requests": answered,
            "num_errors": self.refused.load(Relaxed),
            "last_error": last_error.map_or_else(String::new, |(number, word)| format!("{number}:{word}")),
            "processing_time": nanoseconds,
            "average_processing_time": nanoseconds.checked_div(answered).unwrap_or(0),
            "data": {"dropped": self.dropped.load(Relaxed)},
        })
    }
}
