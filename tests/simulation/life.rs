//! Whether a process still runs. What it does between its crash and the moment when the run notices is heard by nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One life of a process, from a start to a crash.
#[derive(Debug, Clone)]
pub(crate) struct Life(Arc<AtomicBool>);

impl Life {
    pub(crate) fn begin() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub(crate) fn goes_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn end(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
