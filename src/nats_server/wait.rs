//! How long the owner of a nats-server waits, and what wakes it up.

use std::convert::Infallible;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// How long a server may take to end by itself before it is killed.
pub(super) const STOP_WITHIN: Duration = Duration::from_secs(20);
/// How often we look whether the child is ready, or still there.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Sleeps, but wakes up when the child is no longer wanted, and says so.
pub(super) fn stop_asked_within(orders: &mpsc::Receiver<Infallible>, pause: Duration) -> bool {
    match orders.recv_timeout(pause) {
        Err(RecvTimeoutError::Timeout) => false,
        Err(RecvTimeoutError::Disconnected) => true,
    }
}
