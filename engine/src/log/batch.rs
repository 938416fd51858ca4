//! What one fsync covers: records, stored outcomes, and the answers that wait for it.

use std::collections::HashMap;

use guichet_schemas::codec::Outcome;
use guichet_schemas::event::ExternalRef;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, TenantId, TicketId};
use guichet_schemas::position::LogPosition;
use guichet_schemas::rejection::EventRef;
use guichet_schemas::wire::Accepted;
use rocksdb::WriteBatch;

use super::decider::Responder;
use super::derived::Derived;

/// Caps of a batch: what queues up behind a slow disk is committed in pieces of this size.
pub(super) const EVENTS_MAX: usize = 4096;
/// Cap in bytes of records.
pub(super) const BYTES_MAX: usize = 4 << 20;

/// A batch on its way to the disk.
#[derive(Default)]
pub(super) struct Batch {
    /// Records, and outcomes that stand nowhere else.
    pub(super) synced: WriteBatch,
    /// What follows from the records.
    pub(super) derived: Vec<Derived>,
    /// Folded tickets that crossed a hundred events: key and value.
    pub(super) snapshots: Vec<(Vec<u8>, Vec<u8>)>,
    /// Answers, in the order of the commands.
    pub(super) replies: Vec<(Responder, Outcome)>,
    /// Newest position of the log once this is on disk.
    pub(super) head: Option<LogPosition>,
    pub(super) bytes: usize,
}

impl Batch {
    pub(super) fn is_full(&self) -> bool {
        self.derived.len() >= EVENTS_MAX || self.bytes >= BYTES_MAX || self.replies.len() >= EVENTS_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.replies.is_empty() && self.derived.is_empty()
    }
}

/// What the commands of one batch led to: a later command sees it before the disk does.
#[derive(Default)]
pub(super) struct Overlay {
    pub(super) outcomes: HashMap<(TenantId, CommandId), (Hash, Accepted)>,
    pub(super) external_refs: HashMap<(TenantId, ExternalRef), TicketId>,
    pub(super) events: Vec<(TicketId, EventRef)>,
}
