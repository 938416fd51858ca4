//! One process of read models: its databases, in files that are in memory, and its starts and crashes.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::FutureExt as _;
use guichet_projections::store::Memory;
use guichet_projections::{Footing, Model, ReadModel, Settings, model, open};
use guichet_schemas::position::Partition;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::broker::Broker;
use crate::bus::FakeBus;
use crate::forger::authorship;
use crate::sim::{Process, Sim};
use crate::source::{FakeSource, LogService};

/// The read models of a run: those whose rows say most about each event.
pub(crate) const MODELS: &[&ReadModel] = &[&model::ticket::TICKET];

/// A process of workers with its machine.
pub(crate) struct Workers {
    sim: Sim,
    broker: Broker,
    service: LogService,
    memory: Memory,
    /// Where the names of its folders are; the files are in memory.
    dir: TempDir,
    running: Option<Running>,
}

struct Running {
    models: Vec<Model>,
    /// Dropped with the process: whoever waits for it stops.
    _stop: watch::Sender<bool>,
}

impl Workers {
    pub(crate) fn new(sim: &Sim, broker: &Broker, service: &LogService) -> Self {
        Self {
            sim: sim.clone(),
            broker: broker.clone(),
            service: Arc::clone(service),
            memory: memory(),
            dir: tempfile::tempdir().expect("a folder for names"),
            running: None,
        }
    }

    /// Starts on what its disk kept.
    pub(crate) fn start(&mut self) {
        let (sim, broker) = (&self.sim, &self.broker);
        let (stop, stopped) = watch::channel(false);
        let beside = sim.clone();
        let source = FakeSource {
            sim: sim.clone(),
            broker: broker.clone(),
            bus: FakeBus::of(sim, broker, ""),
            service: Arc::clone(&self.service),
            authorship: Arc::new(authorship()),
        };
        let now = sim.clone();
        let opened = open(
            Footing {
                settings: settings(self.dir.path().to_owned(), 1 + sim.index(20)),
                memory: self.memory.clone(),
                source,
                clock: Arc::new(move || now.wall()),
                stopped,
                beside: Arc::new(move |task| beside.spawn(Process::Worker(0), task)),
            },
            MODELS,
        );
        // Nothing of it waits: what may block is done at once here.
        let opened = opened.now_or_never().expect("it waits for nothing");
        let (models, work) = opened.unwrap_or_else(|error| panic!("the read models do not open: {error:?}"));
        for model in &models {
            sim.note(format_args!("worker: {} begins at {}", model.model().name, *model.position().borrow()));
        }
        work.into_iter().for_each(|work| sim.spawn(Process::Worker(0), work));
        self.running = Some(Running { models, _stop: stop });
    }

    /// RocksDB writes its buffers out.
    pub(crate) fn flush(&self) {
        for model in self.models() {
            model.store().flush().unwrap_or_else(|error| panic!("files in memory: {error}"));
        }
    }

    /// The process is gone, and what was not flushed. Its tasks must be gone already.
    pub(crate) fn crash(&mut self) {
        self.running = None;
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// True where every model is so far.
    pub(crate) fn have_reached(&self, position: u64) -> bool {
        self.is_running() && self.models().iter().all(|model| *model.position().borrow() == position)
    }

    pub(crate) fn models(&self) -> &[Model] {
        self.running.as_ref().map_or(&[], |running| &running.models)
    }
}

/// Files in memory; none of them is large.
pub(crate) fn memory() -> Memory {
    Memory::volatile(1 << 20, 64 << 20).expect("RocksDB has files in memory")
}

/// How models are folded in a run.
pub(crate) fn settings(dir: PathBuf, batch_events_max: usize) -> Settings {
    Settings { dir, partition: Partition(0), batch_events_max, authorship: None }
}
