//! Why a history was not read, or not written.

use std::io;
use std::path::{Path, PathBuf};

use guichet_client::ClientError;
use guichet_replay_tools::verify::Unread;
use guichet_schemas::codec::DecodeError;
use parquet::errors::ParquetError;

#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The desk, or what was asked of it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The files of the log cannot be read.
    #[error("the log cannot be read: {0}")]
    Unread(#[from] Unread),
    /// A position is not there.
    #[error("position {0} is missing from the log; `guichet verify` says what else is wrong with it")]
    Missing(u64),
    /// A record is none, or a newer program wrote it.
    #[error("position {position}: {problem}")]
    Record { position: u64, problem: DecodeError },
    /// A file cannot be written.
    #[error("could not write {}: {problem}", path.display())]
    Write { path: PathBuf, problem: String },
    /// The folder holds something else.
    #[error("{} holds another export: {problem}; name another folder, or ask for the same again", dir.display())]
    OtherExport { dir: PathBuf, problem: String },
}

impl HistoryError {
    /// A file that could not be written.
    #[must_use]
    pub fn write(path: &Path, problem: &dyn std::fmt::Display) -> Self {
        Self::Write { path: path.to_owned(), problem: problem.to_string() }
    }

    /// A use of the command that makes no export.
    #[must_use]
    pub fn usage(problem: impl Into<String>) -> Self {
        Self::Client(ClientError::Usage(problem.into()))
    }
}

/// Nobody takes what is written; whoever knows the path of a file adds it.
impl From<io::Error> for HistoryError {
    fn from(error: io::Error) -> Self {
        Self::Client(ClientError::Output(error))
    }
}

/// Parquet is written into files whose path is added by whoever knows it.
impl From<ParquetError> for HistoryError {
    fn from(error: ParquetError) -> Self {
        Self::from(io::Error::other(error))
    }
}
