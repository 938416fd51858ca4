//! A rebuild while nothing runs: from the log itself, on one thread.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::Partition;

use super::{Order, Phase, Progress, UNREADABLE};
use crate::arrived::{Arrived, Checked};
use crate::compare::compare;
use crate::fold::{End, ModelWriter};
use crate::generation_dirs::GenerationDirs;
use crate::projection::ReadModel;
use crate::store::{Memory, Store, StoreError};

/// Why it could not be done. The live generation is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// A generation cannot be read or written; or a process has it open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log holds something that cannot be folded.
    #[error("the log cannot be folded: {0}")]
    Log(String),
}

/// The content hash of a model that is folded from these records, from the first on, and from nothing else: what every
/// other one at the same position must have. `dir` is for it alone.
///
/// # Errors
/// It cannot be folded or written.
pub fn content_of<'a>(
    dir: &Path,
    partition: Partition,
    model: &'static ReadModel,
    memory: &Memory,
    records: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Hash, OfflineError> {
    let mut folder =
        ModelWriter::open(model, Arc::new(Store::open(dir, model.layout(), memory)?), partition)?;
    let mut before = Hash::ZERO;
    let arrived: Vec<_> = (1..).zip(records).map(|(at, record)| arrived(at, record, &mut before)).collect();
    for batch in arrived.chunks(BATCH) {
        fold(&mut folder, batch.to_vec())?;
    }
    Ok(folder.store().content_hash()?)
}

/// A record as it would have arrived, behind the one before it.
fn arrived(position: u64, record: &[u8], before: &mut Hash) -> Arrived {
    let hash = Hash::of_record(record);
    Arrived {
        sequence: position,
        prev_hash: Some(std::mem::replace(before, hash)),
        hash: Some(hash),
        bytes: Bytes::copy_from_slice(record),
        proof: None,
    }
}

/// Folds records that continue what the folder holds; says how far it is.
fn fold(folder: &mut ModelWriter, batch: Vec<Arrived>) -> Result<u64, OfflineError> {
    let checked: Vec<_> = batch.into_iter().map(Checked::of).collect();
    let folded = folder.fold(&checked.iter().collect::<Vec<_>>());
    match folded.end {
        End::All => Ok(folded.checkpoint.position_or_zero()),
        End::Halt(halt) => Err(OfflineError::Log(halt.to_string())),
        other @ (End::Gap { .. } | End::Damaged { .. }) => Err(OfflineError::Log(format!("{other:?}"))),
    }
}

/// Records that [`content_of`] folds at a time.
const BATCH: usize = 1_000;

/// A rebuild that takes records in order.
pub struct Offline {
    folders: GenerationDirs,
    /// `None` where this program cannot read it.
    live: Option<ModelWriter>,
    next: ModelWriter,
    order: Order,
    batch: Vec<Arrived>,
    batch_events_max: usize,
    before: Hash,
    progress: Progress,
    /// The live one stays.
    kept: bool,
}

impl Offline {
    /// Begins the next generation of a model beside the live one.
    ///
    /// # Errors
    /// One of the two cannot be opened.
    pub fn begin(
        dir: &Path,
        partition: Partition,
        model: &'static ReadModel,
        memory: &Memory,
        batch_events_max: usize,
        order: Order,
    ) -> Result<Self, OfflineError> {
        let folders = GenerationDirs::of(dir, model.name, partition);
        folders.settle()?;
        let opened = Store::open(folders.live(), model.layout(), memory)
            .and_then(|store| ModelWriter::open(model, Arc::new(store), partition));
        let live = match opened {
            Ok(live) => Some(live),
            Err(StoreError::OtherProjection { .. }) => None,
            Err(error) if error.is_damage() => None,
            Err(error) => return Err(error.into()),
        };
        folders.clear_spare()?;
        let next = ModelWriter::open(
            model,
            Arc::new(Store::open(folders.spare(), model.layout(), memory)?),
            partition,
        )?;
        let batch_events_max = batch_events_max.max(1);
        let progress = Progress { phase: Phase::Building, ..Progress::default() };
        let (batch, before) = (Vec::new(), Hash::ZERO);
        Ok(Self { folders, live, next, order, batch, batch_events_max, before, progress, kept: order.keep })
    }

    /// Takes the next record; false when no more is needed.
    ///
    /// # Errors
    /// It cannot be folded or written.
    pub fn take(&mut self, position: u64, record: &[u8]) -> Result<bool, OfflineError> {
        self.batch.push(arrived(position, record, &mut self.before));
        let live = self.live.as_ref().map(|live| live.state(End::All).checkpoint.position_or_zero());
        if self.batch.len() >= self.batch_events_max || live == Some(position) {
            self.fold()?;
        }
        if live == Some(position) {
            self.compare()?;
        }
        Ok(!self.kept || self.order.keep && live.is_some_and(|live| position < live))
    }

    #[must_use]
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The log has no more: swaps, or keeps the live one.
    ///
    /// # Errors
    /// The last records or the swap cannot be written.
    pub fn end(mut self) -> Result<Progress, OfflineError> {
        self.fold()?;
        self.progress.phase = Phase::Done;
        if self.progress.rows.is_none() && self.progress.note.is_none() {
            let note = "the live generation is damaged, or of another version or history, so the two were not compared";
            self.progress.note = Some(note.to_owned());
        }
        let Self { folders, live, next, kept, mut progress, .. } = self;
        drop(live);
        if kept {
            drop(next);
            folders.clear_spare()?;
            let note = "the live generation stays; what was rebuilt is dropped";
            progress.note.get_or_insert_with(|| note.to_owned());
            return Ok(progress);
        }
        next.store().flush()?;
        drop(next);
        folders.swap()?;
        folders.settle()?;
        progress.swapped = true;
        Ok(progress)
    }

    fn fold(&mut self) -> Result<(), OfflineError> {
        self.progress.position = fold(&mut self.next, std::mem::take(&mut self.batch))?;
        Ok(())
    }

    fn compare(&mut self) -> Result<(), OfflineError> {
        let Some(live) = &self.live else { return Ok(()) };
        if live.state(End::All).checkpoint != self.next.state(End::All).checkpoint {
            return Ok(());
        }
        let (live, next) = (live.store(), self.next.store());
        let hash = next.content_hash()?;
        let found = match compare(&live, &live.view(), &next.view()) {
            Ok(found) => found,
            Err(error) if error.is_damage() => {
                self.progress.note = Some(UNREADABLE.to_owned());
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.kept = self.order.keeps(found.differing > 0);
        self.progress.rows = Some(found.rows);
        self.progress.differing = found.differing;
        self.progress.differences = found.named;
        self.progress.content_hash = Some(hash.to_string());
        Ok(())
    }
}
