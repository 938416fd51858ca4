//! Where commands are handed in, and where the answers go.

use crossbeam_channel::{Receiver, Sender, TrySendError};
use guichet_schemas::codec::{Outcome, Request};
use guichet_schemas::rejection::Rejection;

/// Takes the answer of a command, once it may be told.
pub type Responder = Box<dyn FnOnce(Outcome) + Send>;

/// Commands that wait for the decider; more are told `busy`.
const QUEUE: usize = 8192;
/// Of those, the ones that who waits may hand in: a short queue, so that turns taken before it are still turns behind it.
const SHORT: usize = 256;
/// Whoever need not wait goes in up to here: behind a short queue that is full there is still room for another.
const AT_ONCE: usize = 2 * SHORT;
/// How soon to come back when the queue is full.
const BUSY_RETRY_MS: u64 = 50;

#[derive(Clone)]
pub struct CommandInlet {
    queue: Sender<Queued>,
    /// One entry for each command of a [`CommandInlet::hand_in`] that waits.
    slots: (Sender<()>, Receiver<()>),
}

/// A command that waits for the decider.
pub(super) struct Queued {
    pub(super) request: Request,
    pub(super) responder: Responder,
    slot: Option<Slot>,
}

impl Queued {
    /// Takes a command out of the queue and frees its place.
    pub(super) fn taken(self) -> (Request, Responder) {
        drop(self.slot);
        (self.request, self.responder)
    }
}

/// A place in the short queue.
struct Slot(Receiver<()>);

impl Drop for Slot {
    fn drop(&mut self) {
        // Whoever made it put one in.
        self.0.try_recv().ok();
    }
}

impl std::fmt::Debug for CommandInlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CommandInlet({} waiting)", self.queue.len())
    }
}

impl CommandInlet {
    pub(super) fn new() -> (Self, Receiver<Queued>) {
        let (queue, commands) = crossbeam_channel::bounded(QUEUE);
        (Self { queue, slots: crossbeam_channel::bounded(SHORT) }, commands)
    }

    /// Few enough wait that another may come at once.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.len() < AT_ONCE
    }

    /// Queues a command, once few enough wait; until then, waits. For threads of their own. The responder is called
    /// exactly once.
    pub fn hand_in(&self, request: Request, responder: Responder) {
        // Both ends are here: it can only be full.
        let slot = self.slots.0.send(()).ok().map(|()| Slot(self.slots.1.clone()));
        self.put(Queued { request, responder, slot });
    }

    /// Queues a command. The responder is called exactly once, here when there is no room.
    pub fn submit(&self, request: Request, responder: Responder) {
        self.put(Queued { request, responder, slot: None });
    }

    fn put(&self, queued: Queued) {
        match self.queue.try_send(queued) {
            Ok(()) => {}
            Err(TrySendError::Full(Queued { responder, .. })) => {
                responder(Err(Rejection::Busy {
                    reason: "the command queue is full",
                    retry_after_ms: BUSY_RETRY_MS,
                }));
            }
            Err(TrySendError::Disconnected(Queued { responder, .. })) => responder(Err(stopped())),
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
