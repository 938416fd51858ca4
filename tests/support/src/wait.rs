//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until there is something to see, and fails the test if that takes too long.
pub async fn until<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begun.elapsed() < within, "waited {} s in vain: {what}", within.as_secs());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
