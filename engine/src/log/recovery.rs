//! Opening a data folder: lock it, open the database, rebuild what is derived, compare the log with what was signed
//! and with its copy in the stream, bring back what is missing, start an epoch. Or stop, and say what was found.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use guichet_crash::{CrashPoint, crash_point};
use guichet_keys::{Dice, KeyStore};
use guichet_proof::{Authorship, SignedCheckpoint};
use guichet_schemas::codec::RequestKey;
use guichet_schemas::position::{LogPosition, Partition};
use tokio::sync::watch;

use super::begin::{Now, begin, complete};
use super::copy::{EventCopy, NoCopy};
use super::epoch::Circumstances;
use super::fence::Fence;
use super::head::Head;
use super::head_note::{self, Acknowledged, HeadNote};
use super::identity::Identity;
use super::inlet::CommandInlet;
use super::key_recovery::Keys;
use super::repair::{self, Continued, Remaking};
use super::restore::Restored;
use super::store::DATABASE;
use super::writer::{Ground, Writer};
use super::{
    GivenUp, KeyShelf, LogReader, Lost, Memory, OpenError, Store, StoreFault, TreeReader, keys, salvage,
};
use crate::attachments::AttachmentStore;
use crate::clock::{IdSource, Pace, PacedTime};
use crate::halt::{Halt, HaltReason};
use crate::notary::{self, AnchorError, Notary, NotaryError};
use crate::protection::Protection;

/// Says that the database was found to be damaged while it was read; with the cause inside.
const MARK: &str = "damaged";

/// The evidence that a start may rely on, and the losses that it may accept.
pub struct Terms<'a> {
    /// The copy of the log, from which it is repaired.
    pub copy: &'a dyn EventCopy,
    /// Go on although the wall clock is behind the newest record.
    pub accept_clock: bool,
    /// Go on without this.
    pub accept_loss: GivenUp,
    /// How fast the time of records goes.
    pub pace: Pace,
}

impl std::fmt::Debug for Terms<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terms").field("accept_clock", &self.accept_clock).finish_non_exhaustive()
    }
}

impl Default for Terms<'_> {
    fn default() -> Self {
        Self { copy: &NoCopy, accept_clock: false, accept_loss: GivenUp::default(), pace: Pace::TRUE }
    }
}

/// An open log with its threads.
#[derive(Debug)]
pub struct Log {
    /// Where it ended at the start, the epoch event included.
    pub head: Head,
    /// Secret of the request hashes.
    pub request_key: RequestKeyHandle,
    authorship: Authorship,
    inlet: CommandInlet,
    reader: LogReader,
    tree: TreeReader,
    store: Arc<Store>,
    key_store: Option<Arc<KeyStore>>,
    attachments: Arc<AttachmentStore>,
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
    /// Opens the log in `dir`, creates it where there is none, and starts the threads that write it. A log that has
    /// no copy: nothing can be brought back.
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
        Self::open_on(&Terms::default(), dir, partition, memory, protection, halt)
    }

    /// As [`Log::open`], and repairs what is missing or damaged from the copy that the terms name.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_on(
        terms: &Terms<'_>,
        dir: &Path,
        partition: Partition,
        memory: &Memory,
        protection: &Protection,
        halt: &Halt,
    ) -> Result<Self, OpenError> {
        let mut fence = Fence::take(dir)?;
        crash_point(CrashPoint::OpenLocked);
        let folder = |cause| OpenError::Folder { dir: dir.to_owned(), cause };
        repair::settle(dir).map_err(folder)?;
        salvage::keep(dir).map_err(folder)?;
        let anchored = match notary::anchored(protection) {
            // What was signed may be there: a start that does not know it can prove nothing.
            Err(error) if error.is_refusal() => return Err(error.into()),
            known => known,
        };
        let mut place = Place { terms, dir, partition, memory, protection, anchored: anchored.as_ref().ok() };
        let opened = match place.open() {
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "the log is damaged");
                let continued = place.remake(error)?;
                let mut opened = place.open()?;
                opened.circumstances.continued = continued;
                opened
            }
            opened => opened?,
        };
        let Opened { store, mut identity, last, notary, circumstances } = opened;
        let database = dir.join(DATABASE);
        fence.watch(&database).map_err(|cause| OpenError::Folder { dir: database, cause })?;
        let accepted = terms.accept_loss;
        let keys = Keys { dir, protection, memory, store: &store, last, accepted }.open()?;
        let key_store = keys.map(Arc::new);
        if key_store.is_some() {
            let keys = protection.keys.clone();
            fence.watch(&keys).map_err(|cause| OpenError::Folder { dir: keys, cause })?;
        }
        let attachments = AttachmentStore::open(&protection.attachments, key_store.clone())
            .map_err(|cause| OpenError::Folder { dir: protection.attachments.clone(), cause })?;
        let attachments = Arc::new(attachments);
        let fence = Arc::new(fence);
        let now = Now {
            time: Box::new(PacedTime::new(terms.pace)),
            ids: IdSource::new(),
            accept_clock: terms.accept_clock,
        };
        let generation = identity.generation;
        let restored = circumstances.restored.is_some();
        let (head, clock, ids) = begin(&store, partition, generation, last, circumstances, now)?;
        identity.makes_macs_from(head.position, &store, dir)?;
        let answers = repair::count_answers(&store)?;
        let note = HeadNote::open(dir, Acknowledged { position: head.position.get(), answers })
            .map_err(|cause| OpenError::Folder { dir: dir.to_owned(), cause })?;
        salvage::let_go(dir);
        salvage::let_go(&protection.keys);
        if restored {
            Restored::forget(dir).map_err(|cause| OpenError::Folder { dir: dir.to_owned(), cause })?;
        }
        let (tree, leaves, notary) = match notary {
            Some(mut notary) => {
                notary.append(head.hash)?;
                let tree = TreeReader::new(store.clone(), notary.newest());
                let fence = fence.clone();
                let (leaves, work) = notary.queue(halt.clone(), move || still_ours(&fence));
                (tree, Some(leaves), Some(spawn("guichet-notary", work)))
            }
            None => (TreeReader::new(store.clone(), watch::Sender::new(None).subscribe()), None, None),
        };

        let ours = fence.clone();
        let keys = key_store.clone().map(|keys| keys as Arc<dyn KeyShelf>);
        let (writer, inlet, reader) = Writer::on(Ground {
            store: store.clone(),
            keys,
            partition,
            head,
            halt: halt.clone(),
            still_ours: Box::new(move || still_ours(&ours)),
            notary: leaves,
            note: note.shared(),
            answers,
            clock,
            ids,
            dice: (Dice::new(), Dice::new()),
            attachments: Some(Arc::clone(&attachments)),
        });
        let mut threads: Vec<_> =
            writer.threads().into_iter().map(|(name, work)| spawn(name, work)).collect();
        threads.extend(notary);
        Ok(Self {
            head,
            authorship: identity.authorship(partition),
            request_key: RequestKeyHandle(identity.request_key),
            inlet,
            reader,
            tree,
            store,
            key_store,
            attachments,
            threads,
            _fence: fence,
        })
    }

    #[must_use]
    pub fn inlet(&self) -> CommandInlet {
        self.inlet.clone()
    }

    /// The author of the messages in the stream of this log.
    #[must_use]
    pub fn authorship(&self) -> Authorship {
        self.authorship.clone()
    }

    /// A reader of what is on disk.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        self.reader.clone()
    }

    /// The keys of personal texts.
    #[must_use]
    pub fn keys(&self) -> Option<Arc<KeyStore>> {
        self.key_store.clone()
    }

    /// The bytes of attachments.
    #[must_use]
    pub fn attachments(&self) -> Arc<AttachmentStore> {
        Arc::clone(&self.attachments)
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

    /// Decides and commits what is queued, ends the threads and closes the database. Every other [`CommandInlet`]
    /// must be dropped before, or this waits for it.
    ///
    /// # Errors
    /// The disk.
    pub fn close(self) -> Result<(), StoreFault> {
        drop(self.inlet);
        for thread in self.threads {
            // A panic there has aborted the process: a join can only succeed.
            thread.join().map_err(|_| StoreFault::refused("close the log", "a writing thread panicked"))?;
        }
        crash_point(CrashPoint::FlushBefore);
        self.store.flush()?;
        crash_point(CrashPoint::FlushAfter);
        self.key_store.map_or(Ok(()), |keys| keys.flush().map_err(StoreFault::from))
    }
}

/// Where a log is, and what is known of it before it is open.
struct Place<'a> {
    terms: &'a Terms<'a>,
    dir: &'a Path,
    partition: Partition,
    memory: &'a Memory,
    protection: &'a Protection,
    /// The newest signed checkpoint; an outer `None`: the anchor or the key cannot be believed.
    anchored: Option<&'a Option<SignedCheckpoint>>,
}

/// A log that is whole, and to which nothing was added yet.
struct Opened {
    store: Arc<Store>,
    identity: Identity,
    last: Option<LogPosition>,
    notary: Option<Notary>,
    circumstances: Circumstances,
}

impl Place<'_> {
    fn open(&mut self) -> Result<Opened, OpenError> {
        match std::fs::read(self.dir.join(MARK)) {
            Ok(why) => {
                return Err(StoreFault::found("open the log", String::from_utf8_lossy(&why)).into());
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(OpenError::Folder { dir: self.dir.join(MARK), cause }),
        }
        let database = self.dir.join(DATABASE);
        if Store::is_readable(&database)? {
            return Err(OpenError::OlderFormat { found: 1 });
        }
        let store = Arc::new(Store::open(&database, self.memory)?);
        crash_point(CrashPoint::OpenDatabase);
        let anchored = self.anchored.and_then(Option::as_ref);
        let identity = Identity::settle(&store, self.dir, anchored.is_none())?;
        crash_point(CrashPoint::OpenPrepared);
        let (last, continued) = complete(&store, &identity, self.partition, anchored, self.terms.copy)?;
        let restored = Restored::read(self.dir)?;
        let mut circumstances = Circumstances { continued, restored, ..Circumstances::default() };
        // Before the log grows: a start must not make worse what it finds.
        let notary = if self.protection.has_notary() {
            Some(self.notary(&store, last, &mut circumstances)?)
        } else {
            None
        };
        self.reaches_what_was_acknowledged(&store, last)?;
        Ok(Opened { store, identity, last, notary, circumstances })
    }

    fn notary(
        &self,
        store: &Arc<Store>,
        last: Option<LogPosition>,
        circumstances: &mut Circumstances,
    ) -> Result<Notary, OpenError> {
        match Notary::open(store, self.partition, last, self.protection, false) {
            Err(NotaryError::Anchor(AnchorError::Missing { .. } | AnchorError::Unbelieved { .. }))
                if self.copy_vouches(store, circumstances.continued.refused_from)? =>
            {
                circumstances.anchor_replaced = true;
                Ok(Notary::open(store, self.partition, last, self.protection, true)?)
            }
            opened => Ok(opened?),
        }
    }

    /// True where the copy ends with a record that the log has: then nothing that was published is missing.
    fn copy_vouches(&self, store: &Store, refused: Option<LogPosition>) -> Result<bool, OpenError> {
        let end = refused.map_or_else(|| self.terms.copy.last(), |from| Ok(from.get() - 1))?;
        let Some(end) = LogPosition::new(end) else { return Ok(false) };
        let theirs = self.terms.copy.read(end, 1)?;
        Ok(store.record(end)?.as_deref() == theirs.first().map(|copied| &copied.bytes[..]))
    }

    /// Refuses a log that ends before what the note beside it says was told.
    fn reaches_what_was_acknowledged(
        &self,
        store: &Store,
        last: Option<LogPosition>,
    ) -> Result<(), OpenError> {
        let Some(noted) = head_note::read(self.dir)? else { return Ok(()) };
        let (reached, told) = (LogPosition::or_zero(last), noted.acknowledged);
        let accepted = self.terms.accept_loss;
        if reached < told.position {
            accepted.check(Lost::Records { from: reached + 1, through: Some(told.position) })?;
        }
        let answers = store.number(keys::META, keys::META_ANSWERS)?.unwrap_or(0);
        if answers < told.answers {
            accepted.check(Lost::Answers { missing: Some(told.answers - answers) })?;
        }
        Ok(())
    }

    /// Rebuilds the database, from the copy and from what the damaged one still holds. Where nothing says what must
    /// come of it, the damage stays what is wrong.
    fn remake(&self, damage: OpenError) -> Result<Continued, OpenError> {
        let Some(anchored) = self.anchored.and_then(Option::as_ref) else { return Err(damage) };
        let remaking = Remaking {
            dir: self.dir,
            partition: self.partition,
            memory: self.memory,
            anchored,
            copy: self.terms.copy,
            accepted: self.terms.accept_loss,
        };
        let continued = match (remaking.remake(), damage) {
            // Nothing was found: what was wrong is what an operator should read.
            (
                Err(OpenError::Lost(Lost::Records { .. } | Lost::Signed { .. })),
                damage @ OpenError::Notary(_),
            ) => {
                return Err(damage);
            }
            // The copy does not reach what was signed, so it is the log's own records that are not.
            (Err(OpenError::CopyNotSigned { .. }), damage @ OpenError::Notary(_))
                if self.terms.copy.last()? < anchored.size() =>
            {
                return Err(damage);
            }
            (continued, _) => continued?,
        };
        if let Err(cause) = std::fs::remove_file(self.dir.join(MARK))
            && cause.kind() != std::io::ErrorKind::NotFound
        {
            return Err(OpenError::Folder { dir: self.dir.to_owned(), cause });
        }
        Ok(continued)
    }
}

/// Notes that the database in `dir` cannot be read, for the next start, which rebuilds it: opening it alone would
/// not find that.
pub(crate) fn mark_damaged(dir: &Path, fault: &StoreFault) {
    if fault.is_damage()
        && let Err(error) = std::fs::write(dir.join(MARK), fault.to_string())
    {
        tracing::error!(%error, "the damage could not be noted for the next start");
    }
}

fn still_ours(fence: &Fence) -> Result<(), HaltReason> {
    fence.check().map_err(|moved| HaltReason::FolderMoved(moved.to_string()))
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
