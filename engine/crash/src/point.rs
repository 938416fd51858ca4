//! The registry of crash points, and the one that is armed.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;

macro_rules! points {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)*) => {
        /// A place between two steps. Add one where a new step begins; `tests/faults` does not build until it
        /// says how the place is reached, and fails when it is not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum CrashPoint {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl CrashPoint {
            /// Every one, in the order of a command's road.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name by which it is armed.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

points! {
    /// A command has arrived and nobody has looked at it.
    CommandReceived = "cmd.received";
    /// It is decided and staged in a batch.
    CommandDecided = "cmd.decided";
    /// New keys are about to be written.
    KeysBefore = "keys.before_write";
    /// They are on disk, the records that use them are not.
    KeysAfter = "keys.after_sync";
    /// The batch is about to be written.
    CommitBeforeWrite = "commit.before_write";
    /// It is on disk, nobody has an answer.
    CommitAfterSync = "commit.after_sync";
    /// The answers are on their way, the derived rows are not written.
    CommitAfterAnswer = "commit.after_answer";
    /// The derived rows are written.
    DerivedAfter = "derived.after";
    /// A checkpoint is signed and lies beside the anchor.
    AnchorDrafted = "anchor.drafted";
    /// It is the anchor, perhaps not yet on disk.
    AnchorRenamed = "anchor.renamed";
    /// It is on disk, nobody has heard of it.
    AnchorWritten = "anchor.written";
    /// A record is about to be published.
    PublishBefore = "publish.before";
    /// It was handed to NATS.
    PublishAfter = "publish.after";
    /// JetStream has acknowledged it, we have not noted it.
    PublishAcked = "publish.acked";
    /// The stream has just been made.
    StreamCreated = "stream.created";
    /// The folder of the log is locked.
    OpenLocked = "open.locked";
    /// Its database is open.
    OpenDatabase = "open.database";
    /// The marks of the folder are there.
    OpenPrepared = "open.prepared";
    /// Some derived rows are written again.
    OpenDerived = "open.derived";
    /// The epoch is about to begin.
    EpochBefore = "epoch.before";
    /// Its event is on disk, its derived rows are not.
    EpochAfter = "epoch.after";
    /// The first start: the identity of the folder is written under a name that nobody reads.
    IdentityDrafted = "identity.drafted";
    /// The first start: the signing key is written under a name that nobody reads.
    KeyDrafted = "key.drafted";
    /// It has its name, and the draft still has its own.
    KeyLinked = "key.linked";
    /// Full tiles of the tree are about to be written.
    TilesBefore = "tiles.before";
    /// They are written.
    TilesAfter = "tiles.after";
    /// The engine stops: everything is committed, nothing is flushed.
    FlushBefore = "flush.before";
    /// The tables are flushed.
    FlushAfter = "flush.after";
    /// A read model is about to write a batch.
    FoldBefore = "fold.before_write";
    /// It has written one.
    FoldAfter = "fold.after_write";
    /// The next generation of a read model is almost at the live one.
    RebuildBuilt = "rebuild.built";
    /// The two are compared.
    RebuildCompared = "rebuild.compared";
    /// The next generation is on disk and not live.
    RebuildFlushed = "rebuild.flushed";
    /// It is the live one by its folder, the process still answers from the old.
    RebuildSwapped = "rebuild.swapped";
    /// The old generation is gone.
    RebuildReleased = "rebuild.released";
    /// After a swap: the plain folder is gone, the live generation does not have its name yet.
    SettleRemoved = "settle.removed";
    /// The live generation has the plain name, the mark of the swap is still there.
    SettleRenamed = "settle.renamed";
    /// All bytes of an upload are on disk, under a name that nobody reads.
    UploadSynced = "upload.synced";
    /// The mark of its ticket is on disk, its bytes do not have their name yet.
    UploadMarked = "upload.marked";
    /// It is where commands look for it, and nobody was told so.
    UploadKept = "upload.kept";
}

/// Index of the armed point in [`CrashPoint::ALL`], plus one; 0: none.
static ARMED: AtomicUsize = AtomicUsize::new(0);
/// Hits that are left until the process dies.
static LEFT: AtomicU64 = AtomicU64::new(0);

/// Why a point cannot be armed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArmError {
    /// There is no such point.
    #[error("there is no crash point {0}; `CrashPoint::ALL` has their names")]
    Unknown(String),
    /// The number behind the colon.
    #[error("the crash point {0} must be followed by a number from 1 on, as in commit.after_sync:3")]
    NotANumber(String),
}

/// Arms a point by its name, or by `name:n` for its n-th hit. Call it once, before the process does anything.
///
/// # Errors
/// The text names no point.
pub fn arm(text: &str) -> Result<(), ArmError> {
    let (name, hits) = text.split_once(':').unwrap_or((text, "1"));
    let hits = hits.parse().ok().filter(|n| *n > 0).ok_or_else(|| ArmError::NotANumber(text.to_owned()))?;
    let index = CrashPoint::ALL.iter().position(|point| point.name() == name);
    let index = index.ok_or_else(|| ArmError::Unknown(name.to_owned()))?;
    LEFT.store(hits, Ordering::Relaxed);
    ARMED.store(index + 1, Ordering::Release);
    Ok(())
}

/// Ends the process by SIGKILL if this point is armed and it is its turn.
#[inline]
pub fn crash_point(point: CrashPoint) {
    if ARMED.load(Ordering::Relaxed) == point as usize + 1 {
        armed();
    }
}

#[cold]
fn armed() {
    if LEFT.fetch_sub(1, Ordering::AcqRel) != 1 {
        return;
    }
    // Nothing is flushed, nobody is told: the next instruction of this process is none.
    if kill(getpid(), Signal::SIGKILL).is_err() {
        std::process::abort();
    }
    loop {
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_a_name_that_is_not_there_is_refused() {
        let mut names: Vec<_> = CrashPoint::ALL.iter().map(|point| point.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CrashPoint::ALL.len());
        assert_eq!(arm("commit.never"), Err(ArmError::Unknown("commit.never".to_owned())));
        assert_eq!(arm("flush.before:0"), Err(ArmError::NotANumber("flush.before:0".to_owned())));
        assert_eq!(arm("flush.before:x"), Err(ArmError::NotANumber("flush.before:x".to_owned())));
        // Nothing was armed: this returns.
        crash_point(CrashPoint::FlushBefore);
    }

    #[test]
    fn a_point_stands_where_its_number_says() {
        for (index, point) in CrashPoint::ALL.iter().enumerate() {
            assert_eq!(*point as usize, index);
        }
    }
}
