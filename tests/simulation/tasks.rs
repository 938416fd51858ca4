//! Runs the asynchronous parts, one at a time, in the order that the seed chooses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use crate::sim::{Process, Sim, Work};

/// All tasks of a run.
pub(crate) struct Tasks {
    sim: Sim,
    all: BTreeMap<u64, (Process, Work)>,
    woken: Woken,
    made: u64,
}

/// The tasks that have something to do.
type Woken = Arc<Mutex<BTreeSet<u64>>>;

struct Bell {
    task: u64,
    woken: Woken,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).insert(self.task);
    }
}

impl Tasks {
    pub(crate) fn of(sim: &Sim) -> Self {
        Self { sim: sim.clone(), all: BTreeMap::new(), woken: Woken::default(), made: 0 }
    }

    /// The tasks that can go on now, those included that were begun since.
    pub(crate) fn ready(&mut self) -> Vec<u64> {
        for (process, work) in self.sim.begun() {
            self.made += 1;
            self.all.insert(self.made, (process, work));
            self.woken().insert(self.made);
        }
        self.woken().iter().copied().collect()
    }

    /// Lets a task go on, as far as it comes.
    pub(crate) fn run(&mut self, task: u64) {
        self.woken().remove(&task);
        let waker = Waker::from(Arc::new(Bell { task, woken: Arc::clone(&self.woken) }));
        let Some((_, work)) = self.all.get_mut(&task) else { return };
        if work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            self.all.remove(&task);
        }
    }

    /// A crash: nothing of this process goes on.
    pub(crate) fn kill(&mut self, process: Process) {
        // What it has begun and nobody has seen yet dies with it.
        self.ready();
        let dead: Vec<u64> =
            self.all.iter().filter(|(_, (of, _))| *of == process).map(|(id, _)| *id).collect();
        for task in dead {
            self.all.remove(&task);
            self.woken().remove(&task);
        }
    }

    fn woken(&self) -> std::sync::MutexGuard<'_, BTreeSet<u64>> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
