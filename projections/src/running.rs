//! Starting and stopping: opens the stores, starts the feed, a worker per model and the query service, and stops
//! them in the reverse order.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use guichet_schemas::position::Partition;
use guichet_schemas::time::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fold::{End, Folder};
pub use crate::live::Model;
use crate::projection::ReadModel;
use crate::queries::{self, Queries};
use crate::status::Status;
use crate::store::{Memory, Store, StoreError};
use crate::worker::{Feed, Worker};

/// How long a stopping service waits for answers that are on their way.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// What the projections of a process need to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder in which each read model has its own, `projection-<name>-<partition>`.
    pub dir: PathBuf,
    /// Which log they fold.
    pub partition: Partition,
    /// Events written in one batch, at most; 4,000 is a good value. Changes speed and memory, never content.
    pub batch_events_max: usize,
}

/// Says what time it is, for answers. Nothing of it is ever written.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Why the projections could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A read model.
    #[error("the read model {model} cannot be opened")]
    Store {
        /// Which.
        model: &'static str,
        /// Why.
        source: StoreError,
    },
    /// The query service.
    #[error("the query service could not be announced over NATS")]
    Service(#[source] async_nats::Error),
}

/// The projections of a process at work.
pub struct Running {
    models: Vec<Model>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    service: queries::Service,
}

/// Starts read models: the feed that they share, a worker each, and the service that answers for them.
///
/// Needs no stream and no engine to be there yet; they wait for them.
///
/// # Errors
/// A read model cannot be opened, or the service cannot subscribe.
pub async fn start(
    settings: Settings,
    models: &[&'static ReadModel],
    memory: Memory,
    client: async_nats::Client,
    clock: Clock,
) -> Result<Running, StartError> {
    let (stop, stopped) = watch::channel(false);
    let feed = Feed::new();
    let mut handles = Vec::new();
    let mut ready = Vec::new();
    for model in models.iter().copied() {
        let folder = open(&settings, model, &memory).await?;
        let status = Arc::new(Status::new(model, &folder.state(End::All)));
        handles.push(Model { status: Arc::clone(&status), slot: folder.slot() });
        ready.push(Worker::new(
            folder,
            status,
            feed.clone(),
            client.clone(),
            settings.partition,
            settings.batch_events_max,
            stopped.clone(),
        ));
    }
    let queries = Queries::new(handles.clone(), client.clone(), settings.partition, clock);
    let service = queries::serve(queries).await.map_err(StartError::Service)?;
    let mut workers = vec![tokio::spawn(feed.run(client, settings.partition, stopped))];
    workers.extend(ready.into_iter().map(|worker| tokio::spawn(worker.run())));
    Ok(Running { models: handles, stop, workers, service })
}

async fn open(settings: &Settings, model: &'static ReadModel, memory: &Memory) -> Result<Folder, StartError> {
    let dir = settings.dir.join(format!("projection-{}-{}", model.name, settings.partition));
    let (memory, partition) = (memory.clone(), settings.partition);
    let opened = blocking(move || {
        std::fs::create_dir_all(&dir).map_err(|error| StoreError::Folder { dir: dir.clone(), error })?;
        Folder::open(Arc::new(Store::open(&dir, model, &memory)?), partition)
    });
    opened.await.map_err(|source| StartError::Store { model: model.name, source })
}

impl Running {
    /// The read models of this process, in the order in which they were named.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The read model of that name, if it runs here.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.model().name == name)
    }

    /// Waits until every model stands still, and says why. As long as one goes on, the process is of use.
    pub async fn all_halted(&self) -> String {
        let mut reasons = Vec::new();
        for model in &self.models {
            let mut halted = model.halted();
            let reason = match halted.wait_for(Option::is_some).await {
                Ok(reason) => reason.clone().unwrap_or_default(),
                Err(_) => std::future::pending().await,
            };
            reasons.push(format!("{}: {reason}", model.model().name));
        }
        reasons.join("; ")
    }

    /// Ends the service, then the workers after the batch at hand, then brings the models to the disk.
    ///
    /// # Errors
    /// The last flush failed; what it held is read from the stream again at the next start.
    pub async fn stop(self) -> Result<(), StoreError> {
        self.service.stop(DRAIN_MAX).await;
        self.stop.send_replace(true);
        for worker in self.workers {
            if worker.await.is_err() {
                tracing::error!("a worker ended in a panic");
            }
        }
        let stores: Vec<_> = self.models.iter().map(Model::store).collect();
        blocking(move || stores.iter().try_for_each(|store| store.flush())).await
    }
}

/// Runs on a thread that may block; a panic there goes on here.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
