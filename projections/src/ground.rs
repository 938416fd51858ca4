//! What every model of a process stands on: its settings, its source, its clock, and who keeps its tasks going.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use guichet_proof::Authorship;
use guichet_schemas::position::Partition;
use guichet_schemas::time::Timestamp;
use tokio::sync::watch;

use crate::store::Memory;
use crate::worker::feed::Feed;
use crate::worker::nats::Nats;
use crate::worker::source::Source;

/// The settings of all projections of a process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder in which each read model has its own, `projection-<name>-<partition>`.
    pub dir: PathBuf,
    pub partition: Partition,
    /// Events written in one batch, at most; 4,000 is a good value. Changes speed and memory, never content.
    pub batch_events_max: usize,
    /// Tells what the engine of the log wrote into the stream from what somebody else did; none: whoever may publish
    /// there is believed, until the log is read.
    pub authorship: Option<Authorship>,
}

/// Says what time it is, for answers. Nothing of it is ever written.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

impl Settings {
    pub(crate) fn batch_size(&self) -> usize {
        self.batch_events_max.max(1)
    }
}

/// The ground on which every model of a process stands.
#[derive(Clone)]
pub(crate) struct Ground<S = Nats> {
    pub(crate) settings: Settings,
    pub(crate) memory: Memory,
    pub(crate) source: S,
    pub(crate) feed: Feed,
    pub(crate) clock: Clock,
    pub(crate) stopped: watch::Receiver<bool>,
    /// Takes what goes on beside the workers: rebuilds.
    pub(crate) beside: Beside,
}

/// A task that somebody else keeps going until it ends.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Begins a task.
pub type Beside = Arc<dyn Fn(Task) + Send + Sync>;

impl<S: Source> Ground<S> {
    /// Runs a task that ends when the process is told to stop.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        (self.beside)(Box::pin(task));
    }

    /// Does what may block where it holds nobody up; a panic there goes on here.
    pub(crate) async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        self.source.blocking(work).await.expect("opening and exchanging a model does not panic")
    }
}

/// Runs on a thread that may block; a panic there goes on here.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
