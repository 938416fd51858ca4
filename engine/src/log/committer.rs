//! The thread that makes batches durable. One write and one fsync a batch; the answers go after it, never before.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use guichet_schemas::rejection::Rejection;
use rocksdb::WriteBatch;
use tokio::sync::watch;

use super::batch::Batch;
use super::{Store, StoreFault, derived, keys};
use crate::halt::{Halt, HaltReason};

/// A batch is on disk with its derived rows: the overlay that held them can go.
#[derive(Debug)]
pub(super) struct Committed;

pub(super) struct Committer {
    pub(super) store: Arc<Store>,
    pub(super) batches: Receiver<Batch>,
    pub(super) done: Sender<Committed>,
    pub(super) head: watch::Sender<u64>,
    pub(super) halt: Halt,
}

impl Committer {
    /// Runs until the decider ends, or until the first storage error.
    pub(super) fn run(self) {
        while let Ok(batch) = self.batches.recv() {
            if let Err(fault) = self.commit(batch) {
                self.halt.stop(HaltReason::Storage(fault.to_string()));
                break;
            }
            if self.done.send(Committed).is_err() {
                break;
            }
        }
        // Whoever still waits learns that we do not know.
        while let Ok(batch) = self.batches.try_recv() {
            answer_unknown(batch);
        }
    }

    fn commit(&self, mut batch: Batch) -> Result<(), StoreFault> {
        if !batch.synced.is_empty()
            && let Err(fault) = self.store.write_synced(std::mem::take(&mut batch.synced))
        {
            answer_unknown(batch);
            return Err(fault);
        }
        if let Some(head) = batch.head {
            self.head.send_replace(head.get());
        }
        for (responder, outcome) in batch.replies.drain(..) {
            responder(outcome);
        }
        self.write_derived(&batch)
    }

    fn write_derived(&self, batch: &Batch) -> Result<(), StoreFault> {
        let Some(head) = batch.head else { return Ok(()) };
        let mut rows = WriteBatch::default();
        for row in &batch.derived {
            row.put(&self.store, &mut rows);
        }
        let snapshots = self.store.cf(keys::SNAPSHOTS);
        for (key, value) in &batch.snapshots {
            rows.put_cf(&snapshots, key, value);
        }
        derived::put_mark(&self.store, &mut rows, head);
        self.store.write_derived(rows)
    }
}

fn answer_unknown(batch: Batch) {
    for (responder, outcome) in batch.replies {
        // A refusal wrote nothing, but it may rest on what is in doubt now.
        responder(outcome.and(Err(Rejection::OutcomeUnknown)));
    }
}
