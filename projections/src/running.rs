//! Starting and stopping: opens the store, starts worker and query service, and stops both in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use guichet_schemas::position::Partition;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::ProjectionView;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fold::{End, Folder};
use crate::model;
use crate::queries::{self, Queries};
use crate::status::Status;
use crate::store::{Memory, Store, StoreError};
use crate::worker::Worker;

/// How long a stopping service waits for answers that are on their way.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// What a projection worker needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of its own, for the read model.
    pub dir: PathBuf,
    /// Which log it folds.
    pub partition: Partition,
    /// Events written in one batch, at most; 4,000 is a good value. Changes speed and memory, never content.
    pub batch_events_max: usize,
}

/// Says what time it is, for answers. Nothing of it is ever written.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Why a projection could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The read model.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The query service.
    #[error("the query service could not be announced over NATS")]
    Service(#[source] async_nats::Error),
}

/// A projection at work.
pub struct Running {
    store: Arc<Store>,
    status: Arc<Status>,
    stop: watch::Sender<bool>,
    worker: JoinHandle<()>,
    service: queries::Service,
}

/// Starts the ticket projection: its worker and the query service.
///
/// Needs no stream and no engine to be there yet; it waits for them.
///
/// # Errors
/// The read model cannot be opened, or the service cannot subscribe.
pub async fn start(
    settings: Settings,
    memory: Memory,
    client: async_nats::Client,
    clock: Clock,
) -> Result<Running, StartError> {
    let partition = settings.partition;
    let (store, folder) = blocking(move || {
        let store = Arc::new(Store::open(&settings.dir, &memory)?);
        let folder = Folder::open(Arc::clone(&store), partition, model::ticket::apply)?;
        Ok::<_, StoreError>((store, folder))
    })
    .await?;
    let status = Arc::new(Status::new(&folder.state(End::All)));
    let (stop, stopped) = watch::channel(false);
    let queries = Queries::new(Arc::clone(&store), Arc::clone(&status), clock);
    let service = queries::serve(queries, client.clone()).await.map_err(StartError::Service)?;
    let worker =
        Worker::new(folder, Arc::clone(&status), client, partition, settings.batch_events_max, stopped);
    Ok(Running { store, status, stop, worker: tokio::spawn(worker.run()), service })
}

impl Running {
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
        self.status.projection(&self.store.view(), None)
    }

    /// The read model.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Ends the service, then the worker after the batch at hand, then brings the model to the disk.
    ///
    /// # Errors
    /// The last flush failed; what it held is read from the stream again at the next start.
    pub async fn stop(self) -> Result<(), StoreError> {
        self.service.stop(DRAIN_MAX).await;
        self.stop.send_replace(true);
        if self.worker.await.is_err() {
            tracing::error!("the worker ended in a panic");
        }
        let store = self.store;
        blocking(move || store.flush()).await
    }
}

/// Runs on a thread that may block; a panic there goes on here.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
