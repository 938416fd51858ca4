//! A read model at work, and the generation of it that answers now: store and answers, exchanged together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use guichet_schemas::wire::ProjectionView;
use tokio::sync::watch;

use crate::fold::{End, Folder};
use crate::folders::Folders;
use crate::projection::{Answers, ReadModel};
use crate::rebuild::{Phase, Progress};
use crate::status::Status;
use crate::store::{Checkpoint, Store, StoreError, View};

/// A read model at work in this process, for those who ask.
#[derive(Clone)]
pub struct Model {
    pub(crate) status: Arc<Status>,
    pub(crate) slot: Arc<Slot>,
    folder: Arc<Mutex<Folder>>,
    pub(crate) folders: Arc<Folders>,
    /// Held by who folds, batch by batch, and by who wants the model to stand still.
    pub(crate) gate: Arc<tokio::sync::Mutex<()>>,
    progress: Arc<Mutex<Progress>>,
}

impl Model {
    pub(crate) fn new(folder: Folder, folders: Arc<Folders>) -> Self {
        Self {
            status: Arc::new(Status::new(folder.store().model(), &folder.state(End::All))),
            slot: folder.slot(),
            folder: Arc::new(Mutex::new(folder)),
            folders,
            gate: Arc::default(),
            progress: Arc::default(),
        }
    }

    /// What it is.
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

    /// What the query `projections` answers, with the quarantined tickets of all tenants.
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
    pub(crate) fn folder(&self) -> MutexGuard<'_, Folder> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the live generation is. Hold the gate, or a batch may be under way.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        self.folder().state(End::All).checkpoint
    }

    /// Puts another generation in the place of the live one, and gives that. Hold the gate.
    pub(crate) fn exchange(&self, mut next: Folder) -> Folder {
        let mut folder = self.folder();
        self.slot.replace(next.slot().get());
        next.answer_at(Arc::clone(&self.slot));
        self.status.folded(&next.state(End::All));
        self.status.revive();
        std::mem::replace(&mut *folder, next)
    }

    /// The folder alone, where nobody else has the model.
    pub(crate) fn into_folder(self) -> Option<Folder> {
        Some(Arc::into_inner(self.folder)?.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One generation, open.
pub(crate) struct Live {
    pub(crate) store: Arc<Store>,
    pub(crate) answers: Arc<dyn Answers>,
    /// Held by an answer that looks at memory, and by the write that changes store and memory together.
    turn: RwLock<()>,
}

/// Where the live generation is found.
pub(crate) struct Slot(RwLock<Arc<Live>>);

impl Live {
    pub(crate) fn new(store: Arc<Store>, answers: Arc<dyn Answers>) -> Arc<Self> {
        Arc::new(Self { store, answers, turn: RwLock::new(()) })
    }

    /// Taken by who writes, where answers look at memory.
    pub(crate) fn writing(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        self.store.model().in_memory.then(|| self.turn.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn reading(&self) -> Option<RwLockReadGuard<'_, ()>> {
        self.store.model().in_memory.then(|| self.turn.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Slot {
    pub(crate) fn new(live: Arc<Live>) -> Arc<Self> {
        Arc::new(Self(RwLock::new(live)))
    }

    pub(crate) fn get(&self) -> Arc<Live> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, live: Arc<Live>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = live;
    }

    /// Reads from one instant: view and memory agree.
    pub(crate) fn read<T>(&self, read: impl FnOnce(View<'_>, &dyn Answers) -> T) -> T {
        loop {
            let live = self.get();
            let _turn = live.reading();
            // Exchanged while we waited: its memory may be behind its store from now on.
            if Arc::ptr_eq(&live, &self.get()) {
                return read(live.store.view(), live.answers.as_ref());
            }
        }
    }
}
