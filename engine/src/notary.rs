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
use guichet_proof::{Checkpoint, Edge, SignedCheckpoint, SigningKey};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{LogPosition, Partition};
use tokio::sync::watch;

pub use self::anchor::{Anchor, AnchorError};
pub use self::key_file::{KeyFileError, generate, read_public};
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

/// A checkpoint that may be told, with the edge of a tree that holds its tiles.
#[derive(Debug)]
pub struct Notarised {
    checkpoint: SignedCheckpoint,
    edge: Edge,
}

impl Notarised {
    /// The checkpoint.
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
        self.0.send((leaves, head)).map_err(|_| StoreFault {
            doing: "hand the records to the notary",
            cause: "it stopped, because it could not write its checkpoints".to_owned(),
        })
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
    /// Folds the tree, and compares the log with its anchor before anything is added to it.
    ///
    /// # Errors
    /// The key or the anchor is missing, the log is shorter than the anchor, or has another past.
    pub(crate) fn open(
        store: &Arc<Store>,
        partition: Partition,
        last: Option<LogPosition>,
        protection: &Protection,
    ) -> Result<Self, NotaryError> {
        let key = key_file::open(&protection.signing_key, partition, last.is_none())?;
        let anchor = Anchor::at(&protection.anchor);
        let mut edge = tree::open(store, last)?;
        let checkpoint = match anchor.read(key.verifying())? {
            Some(anchored) => {
                edge = agreed(store, edge, &anchor, &anchored)?;
                anchored
            }
            // The very first start: from here on, a log without an anchor is one that lost it.
            None if last.is_none() => {
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

    /// The two ends: what the committer needs, and the work of the thread.
    pub(crate) fn queue(self, halt: Halt) -> (Leaves, impl FnOnce() + Send) {
        let (send, leaves) = crossbeam_channel::bounded(QUEUE);
        (Leaves(send), move || {
            if let Err(fault) = self.work(&leaves) {
                halt.stop(HaltReason::Storage(fault.to_string()));
            }
        })
    }

    /// Runs until the committer ends, and signs all that it left.
    fn work(mut self, leaves: &Receiver<(Vec<Hash>, LogPosition)>) -> Result<(), NotaryError> {
        let mut full = Vec::new();
        let mut signed_at: Option<Instant> = None;
        loop {
            let due = signed_at.map_or_else(Instant::now, |at| at + EVERY);
            if self.edge.size() > self.signed() && Instant::now() >= due {
                self.sign()?;
                signed_at = Some(Instant::now());
            }
            let received = if self.edge.size() > self.signed() {
                leaves.recv_deadline(due)
            } else {
                leaves.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match received {
                Ok((batch, head)) => {
                    for leaf in batch {
                        self.edge.append(leaf, &mut full);
                    }
                    assert_eq!(self.edge.size(), head.get(), "every record is a leaf, in order");
                    tree::write(&self.store, &mut full)?;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if self.edge.size() > self.signed() { self.sign().map_err(Into::into) } else { Ok(()) }
    }

    /// Size of the newest checkpoint.
    fn signed(&self) -> u64 {
        self.newest.borrow().as_ref().map_or(0, |newest| newest.checkpoint.size())
    }

    fn sign(&self) -> Result<(), AnchorError> {
        let checkpoint = checkpoint(&self.key, &self.edge);
        self.anchor.write(&checkpoint)?;
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
