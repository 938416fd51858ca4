//! The thread that makes batches durable. One write and one fsync a batch; the answers go after it, never before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use guichet_crash::{CrashPoint, Sabotage, crash_point, sabotaged};
use tokio::sync::watch;

use super::batch::Batch;
use super::derived::Families;
use super::disk::{Disk, Rows as _};
use super::head_note::Note;
use super::key_writer::KeysOnDisk;
use super::{Store, StoreFault};
use crate::halt::{Halt, HaltReason};
use crate::notary::Leaves;

/// How long a sabotaged committer keeps what it has already acknowledged, as a buffer would.
const SABOTAGED_WRITE_BEHIND: Duration = Duration::from_millis(5);

/// A batch is on disk with its derived rows: the overlay that held them can go.
pub(super) struct Committed<R> {
    pub(super) emptied: Batch<R>,
    /// How long its write and fsync took.
    pub(super) write_took: Duration,
}

pub(super) struct Committer<D: Disk> {
    pub(super) store: Arc<Store<D>>,
    pub(super) head: watch::Sender<u64>,
    pub(super) keys: Arc<KeysOnDisk>,
    pub(super) halt: Halt,
    /// Whether what lies at the place of the log is still what was opened.
    pub(super) still_ours: StillOurs,
    /// Where the hashes of what is on disk go; none where nobody keeps the tree.
    pub(super) notary: Option<Leaves>,
    /// Told what is about to be told.
    pub(super) note: Note,
}

/// Asked once a batch.
pub(super) type StillOurs = Box<dyn Fn() -> Result<(), HaltReason> + Send>;

/// The way of a batch. Whoever decides meanwhile sees the log between any two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Keys,
    Write,
    Answer,
    Derive,
}

impl Stage {
    pub(super) const ALL: [Self; 4] = [Self::Keys, Self::Write, Self::Answer, Self::Derive];
}

impl<D: Disk> Committer<D> {
    /// Runs until the decider ends, or until the first storage error.
    pub(super) fn run(self, batches: &Receiver<Batch<D::Rows>>, done: &Sender<Committed<D::Rows>>) {
        while let Ok(mut batch) = batches.recv() {
            let mut write_took = Duration::ZERO;
            let taken = Stage::ALL.iter().try_for_each(|stage| {
                let begun = Instant::now();
                self.take(*stage, &mut batch)?;
                if *stage == Stage::Write {
                    write_took = begun.elapsed();
                }
                Ok(())
            });
            if let Err(doubt) = taken {
                self.give_up(doubt, &mut batch);
                break;
            }
            if done.send(Committed { emptied: batch.emptied(), write_took }).is_err() {
                break;
            }
        }
        // Whoever still waits learns that we do not know.
        while let Ok(mut batch) = batches.try_recv() {
            batch.answer_unknown();
        }
    }

    /// After a doubt nothing more is answered.
    pub(super) fn give_up(&self, doubt: HaltReason, batch: &mut Batch<D::Rows>) {
        self.halt.stop(doubt);
        batch.answer_unknown();
    }

    /// Brings a batch one stage further.
    pub(super) fn take(&self, stage: Stage, batch: &mut Batch<D::Rows>) -> Result<(), HaltReason> {
        match stage {
            // Nobody could ever read a text whose key is lost: the key comes first.
            Stage::Keys => self.keys.wait_for(batch.keys)?,
            Stage::Write => self.write(batch)?,
            Stage::Answer => self.answer(batch)?,
            Stage::Derive => self.write_derived(batch)?,
        }
        Ok(())
    }

    fn write(&self, batch: &mut Batch<D::Rows>) -> Result<(), HaltReason> {
        if sabotaged(Sabotage::AckBeforeWrite) {
            batch.answer();
            std::thread::sleep(SABOTAGED_WRITE_BEHIND);
        }
        crash_point(CrashPoint::CommitBeforeWrite);
        if batch.synced.count() > 0 {
            self.store.write_synced(std::mem::take(&mut batch.synced))?;
        }
        // After the write: what we answer for lies in the folder that the next start will open.
        (self.still_ours)()?;
        Ok((self.note)(batch.head, batch.answers)?)
    }

    fn answer(&self, batch: &mut Batch<D::Rows>) -> Result<(), HaltReason> {
        if let Some(head) = batch.head {
            self.head.send_replace(head.get());
        }
        crash_point(CrashPoint::CommitAfterSync);
        batch.answer();
        crash_point(CrashPoint::CommitAfterAnswer);
        if let (Some(notary), Some(head)) = (&self.notary, batch.head) {
            notary.hand_over(std::mem::take(&mut batch.leaves), head)?;
        }
        Ok(())
    }

    fn write_derived(&self, batch: &Batch<D::Rows>) -> Result<(), StoreFault> {
        let Some(head) = batch.head else { return Ok(()) };
        let families = Families::of(&self.store);
        let mut rows = D::Rows::default();
        for row in &batch.derived {
            row.put(&families, &mut rows);
        }
        for (key, value) in &batch.snapshots {
            D::put(&mut rows, &families.snapshots, key, value);
        }
        families.put_mark(&mut rows, head);
        self.store.write_derived(rows)?;
        crash_point(CrashPoint::DerivedAfter);
        Ok(())
    }
}
