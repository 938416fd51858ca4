//! The anchor: the newest checkpoint, in a file outside the database. A database that lost its end, or is an older
//! copy, opens without a word; beside its anchor it is found out.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use guichet_crash::{CrashPoint, crash_point};
use guichet_proof::{CheckpointError, SignedCheckpoint, VerifyingKey};
use guichet_schemas::hash::Hash;

use super::NotaryError;
use crate::log::StoreFault;

/// Where the newest checkpoint is kept.
#[derive(Debug, Clone)]
pub struct Anchor {
    path: PathBuf,
}

/// Why a log is not continued, or the anchor not kept.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The file cannot be read or written.
    #[error("could not {doing} the anchor {path}: {cause}; see that its disk has room and may be written")]
    Io {
        /// read, or write.
        doing: &'static str,
        path: PathBuf,
        cause: std::io::Error,
    },
    #[error(
        "the anchor {path} is missing, but the log holds {log} records: without it nobody can say whether records are gone; put the file back, or name where it is with --anchor"
    )]
    Missing { path: PathBuf, log: u64 },
    /// The file was changed, or is another log's.
    #[error(
        "the anchor {path} is not believed: {cause}; put back the file or the signing key that belongs to this log"
    )]
    Unbelieved { path: PathBuf, cause: CheckpointError },
    /// The log ends before the anchor.
    #[error(
        "the log ends at {log}, but {anchored} records were on disk and signed ({path}): records {first_missing} to {anchored} are gone; the log was cut or is an older copy; restore what is missing, nothing was changed"
    )]
    Ahead {
        path: PathBuf,
        log: u64,
        /// First position that is gone.
        first_missing: u64,
        anchored: u64,
    },
    /// The log has other records than were signed.
    #[error(
        "the first {size} records of the log are not those that were signed ({path}): a record was changed; `guichet verify --data-dir` finds which, nothing was changed by this start"
    )]
    OtherPast { path: PathBuf, size: u64 },
}

impl Anchor {
    /// The anchor in this file.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The checkpoint in the file, where there is one.
    ///
    /// # Errors
    /// It cannot be read, or is not signed by this key.
    pub fn read(&self, key: &VerifyingKey) -> Result<Option<SignedCheckpoint>, AnchorError> {
        match std::fs::read(&self.path) {
            Ok(note) => SignedCheckpoint::open(&note, key)
                .map(Some)
                .map_err(|cause| AnchorError::Unbelieved { path: self.path.clone(), cause }),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.io("read", cause)),
        }
    }

    /// Puts a checkpoint in the place of the one before. When this returns, no crash takes it; before, the file holds
    /// the one or the other, never half.
    ///
    /// # Errors
    /// The disk. What is in the file is then unknown: stop.
    pub fn write(&self, checkpoint: &SignedCheckpoint) -> Result<(), AnchorError> {
        self.replace(checkpoint.note().as_bytes()).map_err(|cause| self.io("write", cause))
    }

    /// Compares a log of `log` records with what was anchored.
    ///
    /// # Errors
    /// The log is shorter, or its root at that size another.
    pub fn compare(
        &self,
        anchored: &SignedCheckpoint,
        log: u64,
        root_at: impl FnOnce(u64) -> Result<Hash, StoreFault>,
    ) -> Result<(), NotaryError> {
        let (path, size) = (self.path.clone(), anchored.size());
        if size > log {
            return Err(AnchorError::Ahead { path, log, first_missing: log + 1, anchored: size }.into());
        }
        if root_at(size)? == anchored.root() {
            Ok(())
        } else {
            Err(AnchorError::OtherPast { path, size }.into())
        }
    }

    fn replace(&self, note: &[u8]) -> std::io::Result<()> {
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            std::fs::create_dir_all(folder)?;
            if let Some(above) = folder.parent().filter(|p| !p.as_os_str().is_empty()) {
                File::open(above)?.sync_all()?;
            }
        }
        let mut draft = OsString::from(&self.path);
        draft.push(".next");
        let mut file = File::create(&draft)?;
        file.write_all(note)?;
        file.sync_all()?;
        crash_point(CrashPoint::AnchorDrafted);
        std::fs::rename(&draft, &self.path)?;
        crash_point(CrashPoint::AnchorRenamed);
        // The rename itself is only on disk once the folder is.
        File::open(folder)?.sync_all()
    }

    fn io(&self, doing: &'static str, cause: std::io::Error) -> AnchorError {
        AnchorError::Io { doing, path: self.path.clone(), cause }
    }
}
