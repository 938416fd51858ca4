//! The generation of a read model that answers now: its store and its answers, exchanged together.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use guichet_schemas::wire::ProjectionView;
use tokio::sync::watch;

use crate::projection::{Answers, ReadModel};
use crate::status::Status;
use crate::store::{Store, StoreError, View};

/// A read model at work in this process, for those who ask.
#[derive(Clone)]
pub struct Model {
    pub(crate) status: Arc<Status>,
    pub(crate) slot: Arc<Slot>,
}

impl Model {
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
