//! Where commands are handed in, and where the answers go.

use crossbeam_channel::{Receiver, Sender, TrySendError};
use guichet_schemas::codec::{Outcome, Request};
use guichet_schemas::rejection::Rejection;

/// Takes the answer of a command, once it may be told.
pub type Responder = Box<dyn FnOnce(Outcome) + Send>;

/// Commands that wait for the decider; more are told `busy`.
const QUEUE: usize = 8192;
/// How soon to come back when the queue is full.
const BUSY_RETRY_MS: u64 = 50;

/// Where commands are handed in.
#[derive(Clone)]
pub struct Desk {
    queue: Sender<(Request, Responder)>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Desk({} waiting)", self.queue.len())
    }
}

impl Desk {
    pub(super) fn new() -> (Self, Receiver<(Request, Responder)>) {
        let (queue, commands) = crossbeam_channel::bounded(QUEUE);
        (Self { queue }, commands)
    }

    /// Queues a command. The responder is called exactly once, here when there is no room.
    pub fn submit(&self, request: Request, responder: Responder) {
        match self.queue.try_send((request, responder)) {
            Ok(()) => {}
            Err(TrySendError::Full((_, responder))) => {
                responder(Err(Rejection::Busy {
                    reason: "the command queue is full",
                    retry_after_ms: BUSY_RETRY_MS,
                }));
            }
            Err(TrySendError::Disconnected((_, responder))) => responder(Err(stopped())),
        }
    }
}

/// The answer to who comes too late.
pub(super) fn stopped() -> Rejection {
    Rejection::Unavailable {
        reason: "the engine is stopping or halted; ask again when it runs".to_owned(),
        as_of_position: None,
    }
}
