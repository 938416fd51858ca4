//! The notary: a thread that grows the tree with what is on disk, and signs it.
//!
//! The committer hands it the hashes of each batch after the fsync, and waits for nothing else of it. A checkpoint is
//! signed half a second after the one before, at the latest, while the log grows; it is written to the anchor before
//! anybody hears of it. So no checkpoint ever goes back, and none is told that a crash could take.

mod anchor;
mod key_file;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use guichet_crash::{CrashPoint, crash_point};
use guichet_proof::{Checkpoint, Edge, SignedCheckpoint, SigningKey};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{LogPosition, Partition};
use tokio::sync::watch;

pub use self::anchor::{Anchor, AnchorError};
pub use self::key_file::{KeyFileError, generate, public_of, read_public};
use crate::halt::{Halt, HaltReason};
use crate::log::{Store, StoreFault, tree};
use crate::protection::Protection;

/// How long a record may be on disk before a checkpoint covers it, but for the writing of the anchor.
const EVERY: Duration = Duration::from_millis(500);
/// Batches that may wait for the notary. Beyond, commands wait too: a log that outruns its checkpoints by more is no
/// longer covered by them.
const QUEUE: usize = 1024;

/// Why the tree cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum NotaryError {
    /// The signing key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The checkpoint outside the database, or what the log is beside it.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl NotaryError {
    /// True where the system did not let us read or write a file: nothing is known about what it holds.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Key(KeyFileError::Io { cause, .. }) | Self::Anchor(AnchorError::Io { cause, .. }) => {
                cause.raw_os_error().is_some()
            }
            Self::Store(fault) => !fault.is_damage(),
            Self::Key(_) | Self::Anchor(_) => false,
        }
    }
}

impl From<StoreFault> for HaltReason {
    fn from(fault: StoreFault) -> Self {
        Self::Storage(fault)
    }
}

impl From<AnchorError> for HaltReason {
    fn from(error: AnchorError) -> Self {
        Self::Storage(StoreFault::refused("keep the anchor", error))
    }
}

/// A checkpoint that may be told, with the edge of a tree that holds its tiles.
#[derive(Debug)]
pub struct Notarised {
    checkpoint: SignedCheckpoint,
    edge: Edge,
}

impl Notarised {
    #[must_use]
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    pub(crate) const fn edge(&self) -> &Edge {
        &self.edge
    }
}

/// The committer's end of the queue.
pub(crate) struct Leaves(Sender<(Vec<Hash>, LogPosition)>);

impl Leaves {
    /// Hands over the hashes of the records that are on disk now, through `head`.
    pub(crate) fn hand_over(&self, leaves: Vec<Hash>, head: LogPosition) -> Result<(), StoreFault> {
        self.0.send((leaves, head)).map_err(|_| {
            let cause = "it stopped, because it could not write its checkpoints";
            StoreFault::refused("hand the records to the notary", cause)
        })
    }
}

/// The newest signed checkpoint, from the anchor; none before the first start.
///
/// # Errors
/// The key or the anchor cannot be read, or the one did not sign the other.
pub(crate) fn anchored(protection: &Protection) -> Result<Option<SignedCheckpoint>, NotaryError> {
    if !protection.has_notary() {
        return Ok(None);
    }
    match key_file::read(&protection.signing_key)? {
        Some(key) => Ok(Anchor::at(&protection.anchor).read(key.verifying())?),
        None => Ok(None),
    }
}

/// Keeps the tree of one log.
pub(crate) struct Notary {
    store: Arc<Store>,
    key: SigningKey,
    anchor: Anchor,
    edge: Edge,
    newest: watch::Sender<Option<Arc<Notarised>>>,
}

impl Notary {
    /// Folds the tree, and compares the log with its anchor before anything is added to it. Where the log is `vouched`
    /// for by its copy, a lost or damaged anchor is rebuilt.
    ///
    /// # Errors
    /// The key or the anchor is missing, the log is shorter than the anchor, or has another past.
    pub(crate) fn open(
        store: &Arc<Store>,
        partition: Partition,
        last: Option<LogPosition>,
        protection: &Protection,
        vouched: bool,
    ) -> Result<Self, NotaryError> {
        let key = key_file::open(&protection.signing_key, partition, last.is_none())?;
        let anchor = Anchor::at(&protection.anchor);
        let mut edge = tree::open(store, last)?;
        let anchored = match anchor.read(key.verifying()) {
            Err(AnchorError::Unbelieved { cause, .. }) if vouched => {
                tracing::error!(%cause, "the anchor is damaged; the stream vouches for the log, a new one is made");
                None
            }
            read => read?,
        };
        let checkpoint = match anchored {
            Some(anchored) => {
                edge = agreed(store, edge, &anchor, &anchored)?;
                anchored
            }
            // The very first start: from here on, a log without an anchor is one that lost it.
            None if last.is_none() || vouched => {
                let first = checkpoint(&key, &edge);
                anchor.write(&first)?;
                first
            }
            None => {
                return Err(AnchorError::Missing { path: protection.anchor.clone(), log: edge.size() }.into());
            }
        };
        let newest = Notarised { checkpoint, edge: edge.clone() };
        let newest = watch::Sender::new(Some(Arc::new(newest)));
        Ok(Self { store: Arc::clone(store), key, anchor, edge, newest })
    }

    /// Changes with every checkpoint.
    pub(crate) fn newest(&self) -> watch::Receiver<Option<Arc<Notarised>>> {
        self.newest.subscribe()
    }

    /// Adds a record that was written before the committer began.
    pub(crate) fn append(&mut self, leaf: Hash) -> Result<(), StoreFault> {
        let mut full = Vec::new();
        self.edge.append(leaf, &mut full);
        tree::write(&self.store, &mut full)
    }

    /// The two ends: what the committer needs, and the work of the thread. `still_ours` says whether the folder of the
    /// log is the one that was opened: the anchor of another engine is not written over.
    pub(crate) fn queue(
        self,
        halt: Halt,
        still_ours: impl Fn() -> Result<(), HaltReason> + Send,
    ) -> (Leaves, impl FnOnce() + Send) {
        let (send, leaves) = crossbeam_channel::bounded(QUEUE);
        (Leaves(send), move || {
            if let Err(reason) = self.work(&leaves, still_ours) {
                halt.stop(reason);
            }
        })
    }

    /// Runs until the committer ends, and signs all that it left.
    fn work(
        mut self,
        leaves: &Receiver<(Vec<Hash>, LogPosition)>,
        still_ours: impl Fn() -> Result<(), HaltReason>,
    ) -> Result<(), HaltReason> {
        let mut full = Vec::new();
        let mut due = Instant::now();
        let mut open = true;
        while open {
            if self.is_behind() && Instant::now() >= due {
                still_ours()?;
                self.sign()?;
                due = Instant::now() + EVERY;
            }
            let received = if self.is_behind() {
                leaves.recv_deadline(due)
            } else {
                leaves.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match received {
                Ok((batch, head)) => {
                    batch.into_iter().for_each(|leaf| self.edge.append(leaf, &mut full));
                    assert_eq!(self.edge.size(), head.get(), "every record is a leaf, in order");
                    tree::write(&self.store, &mut full)?;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => open = false,
            }
        }
        if self.is_behind() {
            still_ours()?;
            self.sign()?;
        }
        Ok(())
    }

    /// Records are on disk that no checkpoint covers.
    fn is_behind(&self) -> bool {
        self.newest.borrow().as_ref().is_none_or(|newest| newest.checkpoint.size() < self.edge.size())
    }

    fn sign(&self) -> Result<(), AnchorError> {
        let checkpoint = checkpoint(&self.key, &self.edge);
        self.anchor.write(&checkpoint)?;
        crash_point(CrashPoint::AnchorWritten);
        self.newest.send_replace(Some(Arc::new(Notarised { checkpoint, edge: self.edge.clone() })));
        Ok(())
    }
}

fn checkpoint(key: &SigningKey, edge: &Edge) -> SignedCheckpoint {
    Checkpoint { origin: key.origin().to_owned(), size: edge.size(), root: edge.root() }.sign(key)
}

/// The edge of a tree that begins with what was anchored. The tree follows from the log: where it does not agree, it
/// is made again before the log is blamed.
fn agreed(
    store: &Store,
    edge: Edge,
    anchor: &Anchor,
    anchored: &SignedCheckpoint,
) -> Result<Edge, NotaryError> {
    match anchor.compare(anchored, edge.size(), |size| tree::root_at(store, &edge, size)) {
        Err(NotaryError::Anchor(AnchorError::OtherPast { .. })) => {}
        agreed => return agreed.map(|()| edge),
    }
    tracing::warn!("the tree does not agree with the anchor; it is made again from the log");
    let edge = tree::rebuild(store, LogPosition::new(edge.size()))?;
    anchor.compare(anchored, edge.size(), |size| tree::root_at(store, &edge, size))?;
    Ok(edge)
}
