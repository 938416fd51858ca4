//! The engine as a whole: what starts in which order, and what stops in which.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::Client;
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject;
use guichet_service::Service;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Pace;
use crate::halt::{Halt, HaltReason};
use crate::intake::{self, Gauges, Intake, Pressure};
use crate::log::{
    EventCopy, GivenUp, Head, Log, LogReader, Memory, NoCopy, OpenError, StoreFault, Terms, TreeReader,
    mark_damaged,
};
use crate::protection::Protection;
use crate::publish::copy::StreamCopy;
pub use crate::publish::healer::Healer;
use crate::publish::standing::Publishing;
use crate::publish::watching::{self, Watch};
use crate::publish::{JetStream, Progress, Publisher, checkpoints};
use crate::{attachment_service, key_service, log_service, tile_service};

/// How long a stop waits for the stream to catch up with the log. The rest is published at the next start.
const PUBLISH_GRACE: Duration = Duration::from_secs(5);

/// How long a stop waits for a NATS server that does not answer.
const NATS_GRACE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the log.
    pub dir: PathBuf,
    pub protection: Protection,
    pub partition: Partition,
    /// Free bytes on the disk below which commands are told `busy`.
    pub disk_reserve_bytes: u64,
    /// The store of the nats-server, where it is ours: looked at where the stream takes nothing.
    pub stream_store: Option<PathBuf>,
    /// Publish to JetStream; off only to measure what publishing costs.
    pub publish: bool,
    /// Start although the wall clock is far behind the newest record.
    pub accept_clock: bool,
    /// Start although this is lost.
    pub accept_loss: GivenUp,
    /// How fast the time of records goes.
    pub pace: Pace,
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log.
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("could not offer the service over NATS: {0}")]
    Nats(#[source] async_nats::Error),
}

/// How an engine is connected. One user may have all rights; better each part has its own.
#[derive(Debug, Clone)]
pub struct Connections {
    /// Takes commands and answers, and publishes checkpoints.
    pub desk: Client,
    /// Writes the stream, and reads it.
    pub stream: Client,
    /// Configures and deletes the stream, where it is damaged.
    pub healer: Healer,
}

/// One user for all.
impl From<Client> for Connections {
    fn from(client: Client) -> Self {
        Self { desk: client.clone(), healer: Healer::with(client.clone()), stream: client }
    }
}

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    dir: PathBuf,
    log: Log,
    client: Client,
    service: Service,
    intake: Intake,
    log_service: JoinHandle<()>,
    key_service: Option<JoinHandle<()>>,
    tile_service: JoinHandle<()>,
    attachments: Vec<JoinHandle<()>>,
    checkpoints: JoinHandle<()>,
    publisher: Option<JoinHandle<()>>,
    publish_watch: Option<JoinHandle<()>>,
    publishing: watch::Receiver<Publishing>,
    disk_watch: JoinHandle<()>,
    progress: Progress,
    halt: Halt,
}

/// Opens the log, then begins to publish, then to take commands. `reconnected` changes at every connection of the one
/// that writes the stream.
///
/// # Errors
/// The log does not open, or NATS refuses the service.
pub async fn start(
    settings: Settings,
    memory: Memory,
    connections: impl Into<Connections>,
    reconnected: watch::Receiver<u64>,
    halt: Halt,
) -> Result<Engine, StartError> {
    let Connections { desk: client, stream, healer } = connections.into();
    let (asked, for_log) = (settings.clone(), halt.clone());
    let copy = StreamCopy {
        client: stream.clone(),
        healer: healer.clone(),
        partition: settings.partition,
        runtime: Handle::current(),
    };
    let opened = tokio::task::spawn_blocking(move || {
        let copy: &dyn EventCopy = if asked.publish { &copy } else { &NoCopy };
        let terms = Terms {
            copy,
            accept_clock: asked.accept_clock,
            accept_loss: asked.accept_loss,
            pace: asked.pace,
        };
        Log::open_on(&terms, &asked.dir, asked.partition, &memory, &asked.protection, &for_log)
    })
    .await;
    let log = opened.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    let pressure = Arc::new(Pressure::default());
    let bus = JetStream::new(stream.clone(), &log.authorship()).healed_by(healer);
    let (publisher, progress) = Publisher::new(
        bus.clone(),
        log.reader(),
        log.authorship(),
        halt.clone(),
        pressure.clone(),
        reconnected,
    );
    let told = tokio::sync::watch::Sender::new(Publishing::default());
    let standing = Watch {
        bus,
        client: stream,
        reader: log.reader(),
        progress: progress.clone(),
        damaged: publisher.damaged(),
        told: told.clone(),
        pressure: pressure.clone(),
        place: watching::place(
            settings.stream_store,
            subject::stream(settings.partition),
            settings.disk_reserve_bytes,
        ),
    };
    let (publisher, publish_watch) = if settings.publish {
        (Some(tokio::spawn(publisher.run())), Some(tokio::spawn(standing.run())))
    } else {
        (None, None)
    };
    let publishing = settings.publish.then(|| (told.subscribe(), progress.clone()));
    let service = intake::service(&client).await.map_err(StartError::Nats)?;
    let log_service =
        log_service::start(&service, settings.partition, log.reader(), log.tree(), publishing, halt.clone())
            .await
            .map_err(StartError::Nats)?;
    let key_service = match log.keys() {
        Some(keys) => Some(key_service::start(&service, settings.partition, keys).await),
        None => None,
    };
    let key_service = key_service.transpose().map_err(StartError::Nats)?;
    let tile_service =
        tile_service::start(&service, settings.partition, log.tree()).await.map_err(StartError::Nats)?;
    let attachments =
        attachment_service::start(&service, log.reader(), log.attachments(), Arc::clone(&pressure))
            .await
            .map_err(StartError::Nats)?;
    let checkpoints = tokio::spawn(checkpoints::publish(client.clone(), settings.partition, log.tree()));
    let intake = intake::start(&service, log.inlet(), log.request_key.0.clone(), pressure.clone())
        .await
        .map_err(StartError::Nats)?;
    // A subscription is only there once the server has seen it.
    client.flush().await.map_err(|e| StartError::Nats(e.into()))?;
    let dir = settings.dir.clone();
    let disk_watch =
        tokio::spawn(watch(settings.dir, settings.disk_reserve_bytes, pressure, intake.gauges()));
    Ok(Engine {
        dir,
        log,
        client,
        service,
        intake,
        log_service,
        key_service,
        tile_service,
        attachments,
        checkpoints,
        publisher,
        publish_watch,
        publishing: told.subscribe(),
        disk_watch,
        progress,
        halt,
    })
}

impl Engine {
    /// Notes for the next start what made this engine halt, where that start could not find it by itself.
    pub fn note_damage(&self) {
        if let Some(HaltReason::Storage(fault)) = self.halt.reason() {
            mark_damaged(&self.dir, fault);
        }
    }

    /// Where the log ended at the start.
    #[must_use]
    pub const fn head_at_start(&self) -> Head {
        self.log.head
    }

    /// The author of the messages in the stream of the log.
    #[must_use]
    pub fn authorship(&self) -> guichet_proof::Authorship {
        self.log.authorship()
    }

    /// A reader of the log.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        self.log.reader()
    }

    /// A reader of the tree over the log.
    #[must_use]
    pub fn tree(&self) -> TreeReader {
        self.log.tree()
    }

    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// How publishing goes; the same for ever where nothing is published.
    #[must_use]
    pub fn publishing(&self) -> watch::Receiver<Publishing> {
        self.publishing.clone()
    }

    /// Why the engine halted, once it has.
    #[must_use]
    pub fn halt(&self) -> Halt {
        self.halt.clone()
    }

    /// Takes no more commands, decides and commits what is queued, sends every answer, gives the stream a moment
    /// to catch up, and closes the log.
    ///
    /// # Errors
    /// The disk.
    pub async fn stop(self) -> Result<(), StoreFault> {
        self.intake.drain();
        self.disk_watch.abort();
        let reader = self.log.reader();
        self.service.stop();
        let log = self.log;
        let attachments = log.attachments();
        let closing = async {
            let intake = self.intake.close(NATS_GRACE);
            let log = tokio::task::spawn_blocking(move || log.close());
            let ((), closed) = tokio::join!(intake, log);
            closed.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
        };
        let closed = closing.await;
        attachment_service::stop(&attachments, self.attachments, reader.head());
        // The notary has signed what was left, and ended; so does what publishes after it.
        if tokio::time::timeout(NATS_GRACE, self.checkpoints).await.is_err() {
            tracing::warn!("the last checkpoint may not have been published; the next start publishes it");
        }
        if !matches!(tokio::time::timeout(NATS_GRACE, self.client.flush()).await, Ok(Ok(()))) {
            tracing::warn!("the last answers may not have left; a retry finds them");
        }
        if let Some(publisher) = self.publisher {
            let mut progress = self.progress;
            let head = LogPosition::or_zero(reader.head());
            let caught_up = tokio::time::timeout(PUBLISH_GRACE, progress.reaches(head)).await;
            if caught_up.is_err() && self.halt.reason().is_none() {
                tracing::warn!(
                    published = progress.published(),
                    head,
                    "the stream is behind; the next start publishes the rest"
                );
            }
            publisher.abort();
        }
        if let Some(watch) = self.publish_watch {
            watch.abort();
        }
        self.log_service.abort();
        if let Some(key_service) = self.key_service {
            key_service.abort();
        }
        self.tile_service.abort();
        closed
    }
}

/// Looks at the disk, and shows how full the queues are.
async fn watch(dir: PathBuf, reserve: u64, pressure: Arc<Pressure>, gauges: Gauges) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    let mut is_blind = false;
    loop {
        every.tick().await;
        gauges.set();
        let looked = nix::sys::statvfs::statvfs(&dir);
        let was_blind = std::mem::replace(&mut is_blind, looked.is_err());
        match looked {
            Ok(stat) => {
                let free = stat.blocks_available() * stat.fragment_size();
                pressure.disk_low.store(free < reserve, Ordering::Relaxed);
                if was_blind {
                    tracing::info!(dir = %dir.display(), "the free space of the disk can be read again");
                }
            }
            Err(error) => {
                metrics::counter!("guichet_disk_unread_total").increment(1);
                if !was_blind {
                    tracing::error!(
                        dir = %dir.display(), %error,
                        "the free space of the disk cannot be read, so the reserve is not kept until it can; see that the folder is there"
                    );
                }
            }
        }
    }
}
