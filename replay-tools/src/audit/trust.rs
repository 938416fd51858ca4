//! What a watcher believes of a log: the newest checkpoint that is consistent with all that it has seen, in a file that
//! outlives watcher and desk.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use guichet_proof::{SignedCheckpoint, VerifyingKey};
use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use guichet_client::ClientError;

/// What stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trust {
    /// The signed note that is believed.
    pub(super) checkpoint: String,
    /// When it was first seen, RFC 3339.
    pub(super) since: String,
    /// What broke the trust. It stands until a person has looked: the file is then removed by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alarm: Option<Alarm>,
}

/// A log that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alarm {
    /// When it was seen, RFC 3339.
    pub(super) at: String,
    /// What is wrong.
    pub(super) what: String,
    /// What the desk showed: where it is signed, it and the checkpoint that was believed convict the log together.
    pub(super) shown: String,
}

impl Trust {
    pub(super) fn of(checkpoint: &SignedCheckpoint, now: Timestamp) -> Self {
        Self { checkpoint: checkpoint.note().to_owned(), since: now.to_string(), alarm: None }
    }

    /// The checkpoint that is believed.
    pub(super) fn signed(&self, path: &Path, key: &VerifyingKey) -> Result<SignedCheckpoint, ClientError> {
        SignedCheckpoint::open(self.checkpoint.as_bytes(), key).map_err(|e| problem(path, &e))
    }

    /// What the file holds; `None`: there is no file yet.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, ClientError> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| problem(path, &e)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(problem(path, &error)),
        }
    }

    /// Keeps it. After a power cut the file holds this or what it held before.
    pub(super) fn keep(&self, path: &Path) -> Result<(), ClientError> {
        replace(path, &guichet_schemas::json::to_vec(self), true)
    }
}

/// Writes a file in one step.
pub(super) fn replace(path: &Path, bytes: &[u8], durable: bool) -> Result<(), ClientError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let dir = parent.map_or_else(|| PathBuf::from("."), Path::to_owned);
    let written = NamedTempFile::new_in(&dir).and_then(|mut draft| {
        draft.write_all(bytes)?;
        if durable {
            draft.as_file().sync_all()?;
        }
        draft.persist(path).map_err(|e| e.error)?;
        if durable { std::fs::File::open(&dir)?.sync_all() } else { Ok(()) }
    });
    written.map_err(|e| problem(path, &e))
}

fn problem(path: &Path, problem: &dyn std::fmt::Display) -> ClientError {
    ClientError::File { path: path.to_owned(), problem: problem.to_string() }
}
