//! The generation of a read model that answers now: store and answers, exchanged together.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::projection::{Answers, ReadModel};
use crate::store::{Store, View};

/// One generation, open.
pub(crate) struct Live {
    pub(crate) store: Arc<Store>,
    pub(crate) answers: Arc<dyn Answers>,
    /// Held by an answer that looks at memory, and by the write that changes store and memory together.
    turn: RwLock<()>,
    /// Answers look at memory.
    in_memory: bool,
}

/// Where the live generation is found.
pub(crate) struct Slot(RwLock<Arc<Live>>);

impl Live {
    pub(crate) fn new(model: &ReadModel, store: Arc<Store>, answers: Arc<dyn Answers>) -> Arc<Self> {
        Arc::new(Self { store, answers, turn: RwLock::new(()), in_memory: model.in_memory })
    }

    /// Taken by who writes, where answers look at memory.
    pub(crate) fn writing(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        self.in_memory.then(|| self.turn.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn reading(&self) -> Option<RwLockReadGuard<'_, ()>> {
        self.in_memory.then(|| self.turn.read().unwrap_or_else(PoisonError::into_inner))
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
