//! The thread that makes batches durable. One write and one fsync a batch; the answers go after it, never before.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use guichet_crash::{CrashPoint, Sabotage, crash_point, sabotaged};
use rocksdb::WriteBatch;
use tokio::sync::watch;

use super::batch::Batch;
use super::derived::Families;
use super::fence::{Fence, Moved};
use super::key_writer::KeysOnDisk;
use super::{Store, StoreFault};
use crate::halt::{Halt, HaltReason};
use crate::notary::Leaves;

/// How long a sabotaged committer keeps what it has already acknowledged, as a buffer would.
const SABOTAGED_WRITE_BEHIND: Duration = Duration::from_millis(5);

/// A batch is on disk with its derived rows: the overlay that held them can go. Gives the emptied batch back.
pub(super) struct Committed(pub(super) Batch);

pub(super) struct Committer {
    pub(super) store: Arc<Store>,
    pub(super) batches: Receiver<Batch>,
    pub(super) done: Sender<Committed>,
    pub(super) head: watch::Sender<u64>,
    pub(super) keys: Arc<KeysOnDisk>,
    pub(super) halt: Halt,
    pub(super) fence: Arc<Fence>,
    /// Where the hashes of what is on disk go; none where nobody keeps the tree.
    pub(super) notary: Option<Leaves>,
}

/// Why nothing more may be answered.
enum Doubt {
    Storage(StoreFault),
    Moved(Moved),
}

impl From<StoreFault> for Doubt {
    fn from(fault: StoreFault) -> Self {
        Self::Storage(fault)
    }
}

impl From<Doubt> for HaltReason {
    fn from(doubt: Doubt) -> Self {
        match doubt {
            Doubt::Storage(fault) => Self::Storage(fault.to_string()),
            Doubt::Moved(moved) => Self::FolderMoved(moved.to_string()),
        }
    }
}

impl Committer {
    /// Runs until the decider ends, or until the first storage error.
    pub(super) fn run(self) {
        while let Ok(mut batch) = self.batches.recv() {
            if let Err(doubt) = self.commit(&mut batch) {
                self.halt.stop(doubt.into());
                batch.answer_unknown();
                break;
            }
            if self.done.send(Committed(batch.emptied())).is_err() {
                break;
            }
        }
        // Whoever still waits learns that we do not know.
        while let Ok(mut batch) = self.batches.try_recv() {
            batch.answer_unknown();
        }
    }

    fn commit(&self, batch: &mut Batch) -> Result<(), Doubt> {
        // Nobody could ever read a text whose key is lost: the key comes first.
        self.keys.wait_for(batch.keys)?;
        if sabotaged(Sabotage::AckBeforeWrite) {
            batch.answer();
            std::thread::sleep(SABOTAGED_WRITE_BEHIND);
        }
        crash_point(CrashPoint::CommitBeforeWrite);
        if !batch.synced.is_empty() {
            self.store.write_synced(std::mem::take(&mut batch.synced))?;
        }
        // After the write: what we answer for lies in the folder that the next start will open.
        self.fence.check().map_err(Doubt::Moved)?;
        if let Some(head) = batch.head {
            self.head.send_replace(head.get());
        }
        crash_point(CrashPoint::CommitAfterSync);
        batch.answer();
        crash_point(CrashPoint::CommitAfterAnswer);
        if let (Some(notary), Some(head)) = (&self.notary, batch.head) {
            notary.hand_over(std::mem::take(&mut batch.leaves), head)?;
        }
        self.write_derived(batch)?;
        crash_point(CrashPoint::DerivedAfter);
        Ok(())
    }

    fn write_derived(&self, batch: &Batch) -> Result<(), StoreFault> {
        let Some(head) = batch.head else { return Ok(()) };
        let families = Families::of(&self.store);
        let mut rows = WriteBatch::default();
        for row in &batch.derived {
            row.put(&families, &mut rows);
        }
        for (key, value) in &batch.snapshots {
            rows.put_cf(&families.snapshots, key, value);
        }
        families.put_mark(&mut rows, head);
        self.store.write_derived(rows)
    }
}
