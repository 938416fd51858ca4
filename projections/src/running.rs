//! Starting and stopping: opens the stores, starts the feed, a worker per model and the query service, and stops
//! them in the reverse order.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::alarms::Alarms;
use crate::fold::ModelWriter;
use crate::generation_dirs::GenerationDirs;
use crate::ground::blocking;
use crate::ground::{Beside, Clock, Ground, Settings, Task};
use crate::live::Model;
use crate::model;
use crate::projection::ReadModel;
use crate::pulse;
use crate::queries::{self, Queries};
use crate::rebuild;
use crate::store::{Memory, Store, StoreError};
use crate::worker::source::Source;
use crate::worker::{Feed, Nats, Worker};

/// How long a stopping service waits for answers that are on their way.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// How the projections of a process are connected.
#[derive(Debug, Clone)]
pub struct Connections {
    /// Reads the stream and the log, and answers queries.
    pub models: async_nats::Client,
    /// Records what the clocks of tickets find: nobody else may send those commands.
    pub clocks: async_nats::Client,
}

/// One user for both.
impl From<async_nats::Client> for Connections {
    fn from(client: async_nats::Client) -> Self {
        Self { models: client.clone(), clocks: client }
    }
}

/// Why the projections could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A read model.
    #[error("the read model {model} cannot be opened")]
    Store { model: &'static str, source: StoreError },
    /// The query service.
    #[error("the query service could not be announced over NATS")]
    Service(#[source] async_nats::Error),
}

/// The ground that read models are given to stand on.
pub struct Footing<S> {
    /// Where they lie, and how they are folded.
    pub settings: Settings,
    /// Memory of their databases.
    pub memory: Memory,
    pub source: S,
    /// The clock of answers.
    pub clock: Clock,
    /// True from the moment on when everything is to end.
    pub stopped: watch::Receiver<bool>,
    /// Takes what goes on beside the workers.
    pub beside: Beside,
}

/// Opens read models. Gives them, and the work that keeps them current: the feed that they share, a worker each, and
/// what a start must finish. Whoever calls keeps it going, on threads or step by step.
///
/// # Errors
/// One cannot be opened.
pub async fn open<S: Source>(
    footing: Footing<S>,
    models: &[&'static ReadModel],
) -> Result<(Vec<Model>, Vec<Task>), StartError> {
    let (_, handles, work) = prepare(footing, models).await?;
    Ok((handles, work))
}

async fn prepare<S: Source>(
    footing: Footing<S>,
    models: &[&'static ReadModel],
) -> Result<(Ground<S>, Vec<Model>, Vec<Task>), StartError> {
    let Footing { settings, memory, source, clock, stopped, beside } = footing;
    let ground = Ground { settings, memory, source, feed: Feed::new(), clock, stopped, beside };
    let (mut handles, mut begun) = (Vec::new(), Vec::new());
    for model in models.iter().copied() {
        let (model, whole) = open_one(&ground, model).await?;
        if !whole {
            begun.push(model.clone());
        }
        handles.push(model);
    }
    let feed = ground.feed.clone().run(ground.source.clone(), ground.stopped.clone());
    let pulse =
        pulse::run(ground.source.clone(), handles.clone(), Arc::clone(&ground.clock), ground.stopped.clone());
    let mut work: Vec<Task> = vec![Box::pin(feed), Box::pin(pulse)];
    work.extend(handles.iter().map(|model| -> Task { Box::pin(Worker::new(model.clone(), &ground).run()) }));
    work.extend(begun.into_iter().map(|model| -> Task { Box::pin(rebuild::finish(model, ground.clone())) }));
    Ok((ground, handles, work))
}

/// The projections of a process at work.
pub struct Running {
    models: Vec<Model>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    tasks: Arc<Mutex<JoinSet<()>>>,
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
    connections: impl Into<Connections>,
    clock: Clock,
) -> Result<Running, StartError> {
    let Connections { models: client, clocks } = connections.into();
    let (stop, stopped) = watch::channel(false);
    let tasks: Arc<Mutex<JoinSet<()>>> = Arc::default();
    let begun = Arc::clone(&tasks);
    let beside: Beside = Arc::new(move |task| {
        begun.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    });
    let source = Nats::new(client, settings.partition, settings.authorship.clone());
    let footing = Footing { settings, memory, source, clock, stopped, beside };
    let (ground, handles, work) = prepare(footing, models).await?;
    let alarms = handles.iter().find(|model| model.model().name == model::sla::SLA.name).cloned();
    let alarms =
        alarms.map(|model| Alarms::new(model, clocks, Arc::clone(&ground.clock)).run(ground.stopped.clone()));
    let service = queries::serve(Queries::new(handles.clone(), ground)).await.map_err(StartError::Service)?;
    let workers = work.into_iter().map(tokio::spawn).chain(alarms.map(tokio::spawn)).collect();
    Ok(Running { models: handles, stop, workers, tasks, service })
}

/// Opens read models that stand still, and announces the service that answers for them: nothing is folded, nothing is asked
/// of a log or of a stream. For folders that a replay made: what they hold is the history that they were made of.
///
/// # Errors
/// A read model cannot be opened or is of another version, or the service cannot subscribe.
pub async fn still(
    settings: Settings,
    models: &[&'static ReadModel],
    memory: Memory,
    client: async_nats::Client,
    clock: Clock,
) -> Result<Running, StartError> {
    let (stop, stopped) = watch::channel(false);
    let beside: Beside = Arc::new(drop);
    let source = Nats::new(client, settings.partition, None);
    let ground = Ground { settings, memory, source, feed: Feed::new(), clock, stopped, beside };
    let mut handles = Vec::new();
    for model in models.iter().copied() {
        let (settings, memory) = (ground.settings.clone(), ground.memory.clone());
        let opened = ground.blocking(move || {
            let folders = GenerationDirs::of(&settings.dir, model.name, settings.partition);
            folders.settle()?;
            let store = Store::open(folders.live(), model.layout(), &memory)?;
            let folder = ModelWriter::open(model, Arc::new(store), settings.partition)?;
            Ok(Model::new(folder, Arc::new(folders)))
        });
        let handle: Model = opened.await.map_err(|source| StartError::Store { model: model.name, source })?;
        handle.status.verify();
        handles.push(handle);
    }
    let service = queries::serve(Queries::new(handles.clone(), ground)).await.map_err(StartError::Service)?;
    Ok(Running { models: handles, stop, workers: Vec::new(), tasks: Arc::default(), service })
}

/// Opens a model; false where a new generation was begun beside one that this program cannot go on with.
async fn open_one<S: Source>(
    ground: &Ground<S>,
    model: &'static ReadModel,
) -> Result<(Model, bool), StartError> {
    let (settings, memory) = (ground.settings.clone(), ground.memory.clone());
    let opened = ground.blocking(move || {
        let folders = GenerationDirs::of(&settings.dir, model.name, settings.partition);
        folders.settle()?;
        let partition = settings.partition;
        let live = || {
            let store = Store::open(folders.live(), model.layout(), &memory)?;
            ModelWriter::open(model, Arc::new(store), partition)
        };
        let (folder, whole) = match live() {
            Err(why) if why.is_damage() => {
                let error = &why as &dyn std::error::Error;
                tracing::error!(model = model.name, error, "the read model is damaged; it is folded again");
                folders.discard_live()?;
                (live()?, true)
            }
            Err(why @ StoreError::OtherProjection { .. }) => {
                tracing::warn!(%why, "the read model is rebuilt and answers from there; the folder of the old one stays until that is done");
                let store = match Store::open(folders.spare(), model.layout(), &memory) {
                    // Begun by another version than the last start was.
                    Err(StoreError::OtherProjection { .. }) => {
                        folders.clear_spare()?;
                        Store::open(folders.spare(), model.layout(), &memory)?
                    }
                    opened => opened?,
                };
                (ModelWriter::open(model, Arc::new(store), partition)?, false)
            }
            opened => (opened?, true),
        };
        Ok((Model::new(folder, Arc::new(folders)), whole))
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
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while let Some(ended) = tasks.join_next().await {
            if ended.is_err() {
                tracing::error!("a rebuild ended in a panic");
            }
        }
        let stores: Vec<_> = self.models.iter().map(Model::store).collect();
        blocking(move || stores.iter().try_for_each(|store| store.flush())).await
    }
}
