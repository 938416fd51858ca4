//! What one fsync covers: records, stored outcomes, and the answers that wait for it.

use std::collections::HashMap;

use guichet_schemas::codec::Outcome;
use guichet_schemas::event::ExternalRef;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, TenantId, TicketId};
use guichet_schemas::position::LogPosition;
use guichet_schemas::rejection::Rejection;

use super::derived::Derived;
use super::disk::Rows;
use super::inlet::Responder;
use super::outcome;
use super::told::{Recorded, Told};

/// Caps of a batch: what queues up behind a slow disk is committed in pieces of this size.
pub(super) const EVENTS_MAX: usize = 4096;
/// Cap in bytes of records.
pub(super) const BYTES_MAX: usize = 4 << 20;

/// A batch on its way to the disk: rows of the kind that the disk takes.
#[derive(Default)]
pub(super) struct Batch<R> {
    /// Records, and outcomes that stand nowhere else.
    pub(super) synced: R,
    /// Hashes of the records, in their order: the leaves of the tree.
    pub(super) leaves: Vec<Hash>,
    pub(super) derived: Vec<Derived>,
    /// Folded tickets that crossed a hundred events: key and value.
    pub(super) snapshots: Vec<(Vec<u8>, Vec<u8>)>,
    /// Waiting callers, in the order of the commands.
    pub(super) waiting: Vec<(Responder, Answer)>,
    /// The events that the answers name.
    pub(super) recorded: Vec<Recorded>,
    /// Newest position of the log once this is on disk.
    pub(super) head: Option<LogPosition>,
    pub(super) bytes: usize,
    /// So many answers of commands that wrote no event are kept once this is on disk; 0: as many as before.
    pub(super) answers: u64,
    /// So many keys, counted from the start of the engine, must be on disk before this.
    pub(super) keys: u64,
}

/// The answer of a waiting caller once the batch is on disk.
pub(super) enum Answer {
    /// This came of it. The committer, which has more time than the decider, makes the answer of it.
    Told(Told),
    /// The answer as it is: a refusal, a dry run, or one that was given before.
    Ready(Outcome),
}

impl<R: Rows> Batch<R> {
    pub(super) fn is_full(&self) -> bool {
        self.derived.len() >= EVENTS_MAX || self.bytes >= BYTES_MAX || self.waiting.len() >= EVENTS_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.derived.is_empty()
    }

    /// The batch is on disk: everybody may know.
    pub(super) fn answer(&mut self) {
        for (responder, answer) in self.waiting.drain(..) {
            responder(match answer {
                Answer::Told(told) => Ok(outcome::accepted(&told, told.events_of(&self.recorded))),
                Answer::Ready(outcome) => outcome,
            });
        }
    }

    /// Nobody knows whether the batch is on disk.
    pub(super) fn answer_unknown(&mut self) {
        for (responder, answer) in self.waiting.drain(..) {
            responder(match answer {
                Answer::Told(_) => Err(Rejection::OutcomeUnknown),
                Answer::Ready(outcome) => outcome.and(Err(Rejection::OutcomeUnknown)),
            });
        }
    }

    /// An empty batch in the memory of this one.
    pub(super) fn emptied(mut self) -> Self {
        self.leaves.clear();
        self.derived.clear();
        self.snapshots.clear();
        self.waiting.clear();
        self.recorded.clear();
        Self { synced: R::default(), head: None, bytes: 0, answers: 0, keys: 0, ..self }
    }
}

/// The outcomes of one batch: a later command sees them before the disk does.
#[derive(Default)]
pub(super) struct Overlay {
    pub(super) outcomes: HashMap<(TenantId, CommandId), (Hash, Told)>,
    pub(super) external_refs: HashMap<(TenantId, ExternalRef), TicketId>,
    pub(super) recorded: Vec<Recorded>,
    /// Newest position of the batch; none: it writes no record.
    pub(super) head: Option<LogPosition>,
}

impl Overlay {
    /// Forgets everything but its memory.
    pub(super) fn clear(&mut self) {
        self.outcomes.clear();
        self.external_refs.clear();
        self.head = None;
        self.recorded.clear();
    }
}
