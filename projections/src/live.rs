//! A read model at work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guichet_schemas::wire::ProjectionView;
use tokio::sync::watch;

use crate::fold::{End, ModelWriter};
use crate::generation_dirs::GenerationDirs;
use crate::projection::ReadModel;
use crate::rebuild::progress::{Phase, Progress};
use crate::slot::Slot;
use crate::status::Status;
use crate::store::{Checkpoint, Store, StoreError};

/// A read model at work in this process, for those who ask.
#[derive(Clone)]
pub struct Model {
    pub(crate) status: Arc<Status>,
    pub(crate) slot: Arc<Slot>,
    folder: Arc<Mutex<ModelWriter>>,
    pub(crate) folders: Arc<GenerationDirs>,
    /// Held by who folds, batch by batch, and by who wants the model to stand still.
    pub(crate) gate: Arc<tokio::sync::Mutex<()>>,
    progress: Arc<Mutex<Progress>>,
}

impl Model {
    pub(crate) fn new(folder: ModelWriter, folders: Arc<GenerationDirs>) -> Self {
        Self {
            status: Arc::new(Status::new(folder.model(), &folder.state(End::All))),
            slot: folder.slot(),
            folder: Arc::new(Mutex::new(folder)),
            folders,
            gate: Arc::default(),
            progress: Arc::default(),
        }
    }

    #[must_use]
    pub fn model(&self) -> &'static ReadModel {
        self.status.model()
    }

    /// The last position folded; 0 before the first.
    #[must_use]
    pub fn position(&self) -> watch::Receiver<u64> {
        self.status.position()
    }

    /// Becomes the reason when the worker must stand still until a person has looked.
    #[must_use]
    pub fn halted(&self) -> watch::Receiver<Option<String>> {
        self.status.halted()
    }

    /// The answer to the query `projections`, with the quarantined tickets of all tenants.
    ///
    /// # Errors
    /// The read model cannot be read.
    pub fn status(&self) -> Result<ProjectionView, StoreError> {
        self.status.projection(&self.store().view(), None)
    }

    /// Its rows.
    #[must_use]
    pub fn store(&self) -> Arc<Store> {
        Arc::clone(&self.slot.get().store)
    }

    /// How the last rebuild went, or goes.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn report(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// True for the one who may begin a rebuild: there is one at a time.
    pub(crate) fn may_rebuild(&self) -> bool {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        match progress.phase {
            Phase::Idle | Phase::Done | Phase::Failed => {
                progress.phase = Phase::Building;
                true
            }
            Phase::Building | Phase::Comparing | Phase::Swapping => false,
        }
    }

    /// The folder of the live generation. Blocks while a batch is folded.
    pub(crate) fn folder(&self) -> MutexGuard<'_, ModelWriter> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the live generation is. Hold the gate, or a batch may be under way.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        self.folder().state(End::All).checkpoint
    }

    /// Puts another generation in the place of the live one, and gives that. Hold the gate.
    pub(crate) fn exchange(&self, mut next: ModelWriter) -> ModelWriter {
        let mut folder = self.folder();
        self.slot.replace(next.slot().get());
        next.answer_at(Arc::clone(&self.slot));
        self.status.folded(&next.state(End::All));
        self.status.revive();
        std::mem::replace(&mut *folder, next)
    }

    /// The folder alone, where nobody else has the model.
    pub(crate) fn into_folder(self) -> Option<ModelWriter> {
        Some(Arc::into_inner(self.folder)?.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}
