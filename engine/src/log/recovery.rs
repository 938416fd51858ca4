//! Opening a data folder: lock it, open the database, rebuild what is derived, find the head, start an epoch.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::codec::{RequestKey, decode_record, encode_record};
use guichet_schemas::event::{Actor, EpochStarted, Event};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, EventId, TenantId};
use guichet_schemas::position::{Epoch, Generation, LogPosition, Partition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, StreamKind};
use rocksdb::WriteBatch;
use tokio::sync::watch;

use super::batch::Batch;
use super::committer::Committer;
use super::decider::Decider;
use super::derived::{Derived, Families};
use super::desk::Desk;
use super::fence::Fence;
use super::{LogReader, Memory, Store, StoreFault, TreeReader, keys};
use crate::clock::{EngineClock, IdSource, secret};
use crate::halt::{Halt, HaltReason};
use crate::notary::{Notary, NotaryError};
use crate::protection::Protection;

/// Version of the data folder's layout. A folder of a newer one is refused.
const FORMAT: u32 = 1;
/// Stream of the epochs, in tenant `_system`.
const LOG_STREAM: &str = "log";

/// Why a log does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another engine has the folder.
    #[error("another engine runs on {0}; stop it first, or use another --data-dir")]
    Locked(PathBuf),
    /// The folder cannot be made or locked.
    #[error("could not open the folder {dir}: {cause}")]
    Folder {
        /// Which.
        dir: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A newer program made it.
    #[error(
        "the data folder has format {found}, this program knows up to {FORMAT}; use the newer program that wrote it"
    )]
    NewerFormat {
        /// Its format.
        found: u32,
    },
    /// The wall clock is behind the newest record.
    #[error(
        "the wall clock is {behind_ms} ms behind the newest record; set the clock, or wait until it has caught up"
    )]
    ClockBehind {
        /// By how much.
        behind_ms: u64,
    },
    /// What was signed is not what is there, or nothing can be signed.
    #[error(transparent)]
    Notary(#[from] NotaryError),
    /// The database is damaged, or the disk fails.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// Where a log ends.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Newest position.
    pub position: LogPosition,
    /// Its hash.
    pub hash: Hash,
    /// This start.
    pub epoch: Epoch,
    /// Lineage.
    pub generation: Generation,
}

/// An open log with its threads.
#[derive(Debug)]
pub struct Log {
    /// Where it ended at the start, the epoch event included.
    pub head: Head,
    /// Secret of the request hashes.
    pub request_key: RequestKeyHandle,
    desk: Desk,
    reader: LogReader,
    tree: TreeReader,
    store: Arc<Store>,
    threads: Vec<JoinHandle<()>>,
    _fence: Arc<Fence>,
}

/// A [`RequestKey`] that does not print itself.
#[derive(Clone)]
pub struct RequestKeyHandle(pub RequestKey);

impl std::fmt::Debug for RequestKeyHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RequestKey")
    }
}

impl Log {
    /// Opens the log in `dir`, creates it where there is none, and starts the decider and the committer.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        dir: &Path,
        partition: Partition,
        memory: &Memory,
        protection: &Protection,
        halt: &Halt,
    ) -> Result<Self, OpenError> {
        let mut fence = Fence::take(dir)?;
        crash_point(CrashPoint::OpenLocked);
        let database = dir.join("rocksdb");
        let store = Arc::new(Store::open(&database, memory)?);
        fence.watch(&database).map_err(|cause| OpenError::Folder { dir: database, cause })?;
        let fence = Arc::new(fence);
        crash_point(CrashPoint::OpenDatabase);
        let request_key = prepare(&store)?;
        crash_point(CrashPoint::OpenPrepared);
        let generation = Generation(store.number(keys::META, keys::META_GENERATION)?.unwrap_or(1));
        let last = store.last_position()?;
        rebuild_derived(&store, last)?;
        // Before the log grows: a start must not make worse what it finds.
        let notary = if protection.has_notary() {
            Some(Notary::open(&store, partition, last, protection)?)
        } else {
            None
        };
        let last_recorded = match last {
            Some(position) => decode(&store, position)?.0.recorded_at,
            None => Timestamp(0),
        };
        check_clock(last_recorded)?;
        let mut clock = EngineClock::new(last_recorded);
        let head = start_epoch(&store, partition, generation, last, &mut clock)?;
        let (tree, leaves, notary) = match notary {
            Some(mut notary) => {
                notary.append(head.hash)?;
                let tree = TreeReader::new(store.clone(), notary.newest());
                let fence = fence.clone();
                let still_ours =
                    move || fence.check().map_err(|moved| HaltReason::FolderMoved(moved.to_string()));
                let (leaves, work) = notary.queue(halt.clone(), still_ours);
                (tree, Some(leaves), Some(spawn("guichet-notary", work)))
            }
            None => (TreeReader::new(store.clone(), watch::Sender::new(None).subscribe()), None, None),
        };

        let (head_tx, head_rx) = watch::channel(head.position.get());
        let (desk, commands) = Desk::new();
        let (batches_tx, batches_rx) = crossbeam_channel::bounded::<Batch>(1);
        let (done_tx, done_rx) = crossbeam_channel::bounded(2);
        let committer = Committer {
            store: store.clone(),
            batches: batches_rx,
            done: done_tx,
            head: head_tx,
            halt: halt.clone(),
            notary: leaves,
            fence: fence.clone(),
        };
        let decider =
            Decider::new(store.clone(), halt.clone(), head.epoch, partition, Some(head.position), clock);
        let mut threads = vec![
            spawn("guichet-commit", move || committer.run()),
            spawn("guichet-decide", move || decider.run(&commands, &batches_tx, &done_rx)),
        ];
        threads.extend(notary);
        let reader = LogReader::new(store.clone(), head_rx, head.epoch, generation);
        Ok(Self {
            head,
            request_key: RequestKeyHandle(request_key),
            desk,
            reader,
            tree,
            store,
            threads,
            _fence: fence,
        })
    }

    /// Where commands are handed in.
    #[must_use]
    pub fn desk(&self) -> Desk {
        self.desk.clone()
    }

    /// A reader of what is on disk.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        self.reader.clone()
    }

    /// A reader of the tree over it.
    #[must_use]
    pub fn tree(&self) -> TreeReader {
        self.tree.clone()
    }

    /// A figure of RocksDB for metrics.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<u64> {
        self.store.property(name)
    }

    /// Decides and commits what is queued, ends the threads and closes the database. Every other [`Desk`]
    /// must be dropped before, or this waits for it.
    ///
    /// # Errors
    /// The disk.
    pub fn close(self) -> Result<(), StoreFault> {
        drop(self.desk);
        for thread in self.threads {
            // A panic there has aborted the process: a join can only succeed.
            thread.join().map_err(|_| StoreFault::found("close the log", "a writing thread panicked"))?;
        }
        crash_point(CrashPoint::FlushBefore);
        self.store.flush()?;
        crash_point(CrashPoint::FlushAfter);
        Ok(())
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let guarded = move || {
        let guard = AbortOnPanic;
        body();
        std::mem::forget(guard);
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(guarded)
        .expect("the system gives us three threads")
}

/// A writing thread that panics leaves nobody to say what is on disk: the process ends at once.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        std::process::abort();
    }
}

fn prepare(store: &Store) -> Result<RequestKey, OpenError> {
    match store
        .get(keys::META, keys::META_FORMAT)?
        .map(|v| <[u8; 4]>::try_from(v.as_slice()).map(u32::from_be_bytes))
    {
        Some(Ok(found)) if found > FORMAT => return Err(OpenError::NewerFormat { found }),
        Some(Ok(_)) => {}
        Some(Err(_)) => {
            return Err(StoreFault::found("read the format of the folder", "it is no number").into());
        }
        None => {
            let key =
                secret().map_err(|e| StoreFault::found("make the secret of the folder", e.to_string()))?;
            let mut batch = WriteBatch::default();
            let meta = store.cf(keys::META);
            batch.put_cf(&meta, keys::META_FORMAT, FORMAT.to_be_bytes());
            batch.put_cf(&meta, keys::META_REQUEST_KEY, key);
            batch.put_cf(&meta, keys::META_GENERATION, 1u64.to_be_bytes());
            store.write_synced(batch)?;
        }
    }
    let key = store.get(keys::META, keys::META_REQUEST_KEY)?.and_then(|k| k.try_into().ok());
    Ok(RequestKey(key.ok_or_else(|| {
        StoreFault::found("read the secret of the folder", "it is missing or has the wrong length")
    })?))
}

/// Writes again what a crash took of the derived rows.
fn rebuild_derived(store: &Store, last: Option<LogPosition>) -> Result<(), StoreFault> {
    let mark = store.number(keys::META, keys::META_DERIVED)?.and_then(LogPosition::new);
    if mark > last {
        return Err(StoreFault::found(
            "open the log",
            format!(
                "the log ends at {}, but its indexes reach {}: records that were on disk are missing",
                LogPosition::or_zero(last),
                LogPosition::or_zero(mark)
            ),
        ));
    }
    let Some(last) = last.filter(|l| Some(*l) > mark) else { return Ok(()) };
    let families = Families::of(store);
    let mut batch = WriteBatch::default();
    let mut fault = None;
    store.scan(LogPosition::after(mark), |position, bytes| {
        let step = decode_record(bytes)
            .map_err(|e| StoreFault::found("rebuild the indexes", e.to_string()))
            .and_then(|record| {
                derived(&record)?.put(&families, &mut batch);
                if batch.size_in_bytes() > 1 << 20 || position == last {
                    families.put_mark(&mut batch, position);
                    store.write_derived(std::mem::take(&mut batch))?;
                    crash_point(CrashPoint::OpenDerived);
                }
                Ok(())
            });
        fault = step.err();
        fault.is_none()
    })?;
    fault.map_or(Ok(()), Err)
}

fn derived(record: &Record) -> Result<Derived, StoreFault> {
    Derived::of(record).ok_or_else(|| {
        let cause = format!("position {} belongs to tenant {:?}", record.position, record.tenant);
        StoreFault::found("index a record", cause)
    })
}

fn decode(store: &Store, position: LogPosition) -> Result<(Record, Hash), StoreFault> {
    let bytes = store
        .record(position)?
        .ok_or_else(|| StoreFault::found("open the log", format!("position {position} is missing")))?;
    let record = decode_record(&bytes).map_err(|e| StoreFault::found("open the log", e.to_string()))?;
    Ok((record, Hash::of_record(&bytes)))
}

fn check_clock(last_recorded: Timestamp) -> Result<(), OpenError> {
    let behind_ms = last_recorded.since(crate::clock::wall());
    if behind_ms > 5 * 60 * 1000 { Err(OpenError::ClockBehind { behind_ms }) } else { Ok(()) }
}

/// Every start is an event: from here on, an auditor knows, another process wrote.
fn start_epoch(
    store: &Store,
    partition: Partition,
    generation: Generation,
    last: Option<LogPosition>,
    clock: &mut EngineClock,
) -> Result<Head, StoreFault> {
    let previous = match store.number(keys::META, keys::META_EPOCH)?.and_then(LogPosition::new) {
        Some(position) => Some(decode(store, position)?),
        None => None,
    };
    let now = clock.now();
    let mut ids = IdSource::new();
    let epoch = Epoch(previous.as_ref().map_or(0, |(r, _)| r.epoch.0) + 1);
    let position = LogPosition::after(last);
    let record = Record {
        position,
        partition,
        epoch,
        tenant: TenantId::system().as_str().to_owned(),
        stream_kind: StreamKind::System,
        stream_id: LOG_STREAM.to_owned(),
        version: StreamVersion::after(previous.as_ref().map(|(r, _)| r.version)),
        event_id: EventId(ids.next(now)),
        recorded_at: now,
        occurred_at: now,
        caller: "engine".to_owned(),
        actor: Actor { kind: ActorKind::System, id: "engine".to_owned(), on_behalf_of: None },
        command_id: CommandId(ids.next(now)),
        request_hash: Hash::ZERO,
        channel: None,
        causation_id: None,
        correlation_id: None,
        traceparent: None,
        config_version: 0,
        prev_hash: previous.as_ref().map_or(Hash::ZERO, |(_, hash)| *hash),
        source_time: None,
        command_index: 0,
        command_count: 1,
        event: Event::EpochStarted(EpochStarted {
            epoch: epoch.0,
            generation: generation.0,
            program: env!("CARGO_PKG_VERSION").to_owned(),
        }),
    };
    let derived = derived(&record)?;
    let bytes = encode_record(record);
    let mut batch = WriteBatch::default();
    batch.put_cf(&store.cf(keys::EVENTS), keys::event(position), &bytes);
    crash_point(CrashPoint::EpochBefore);
    store.write_synced(batch)?;
    crash_point(CrashPoint::EpochAfter);
    let mut rows = WriteBatch::default();
    let families = Families::of(store);
    derived.put(&families, &mut rows);
    families.put_mark(&mut rows, position);
    store.write_derived(rows)?;
    Ok(Head { position, hash: Hash::of_record(&bytes), epoch, generation })
}
