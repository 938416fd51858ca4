//! The copy of the log that is kept elsewhere, as a start needs it: where it ends, and what it holds.

use std::error::Error;

use bytes::Bytes;
use guichet_fault::Source;
use guichet_proof::Said;
use guichet_schemas::position::LogPosition;

use super::StoreFault;

/// A copy of the log outside its folder: the stream.
pub trait EventCopy {
    /// Newest position that it holds; 0: it holds nothing.
    ///
    /// # Errors
    /// Nobody can say.
    fn last(&self) -> Result<u64, CopyError>;

    /// Name of the log that it is a copy of ([`guichet_proof::StreamKey::owner`]); `None`: it does not say.
    ///
    /// # Errors
    /// Nobody can say.
    fn owner(&self) -> Result<Option<String>, CopyError> {
        Ok(None)
    }

    /// Forgets everything: it holds an end that cannot be taken, and is rebuilt from the log.
    ///
    /// # Errors
    /// Nobody can say whether it is done.
    fn give_up(&self) -> Result<(), CopyError> {
        Ok(())
    }

    /// Records from a position on, without a gap, at most so many. None: it does not hold that position.
    ///
    /// # Errors
    /// Nobody can say.
    fn read(&self, from: LogPosition, most: usize) -> Result<Vec<Copied>, CopyError>;
}

/// A record of a copy.
#[derive(Debug, Clone)]
pub struct Copied {
    /// The record.
    pub bytes: Bytes,
    /// The message's account of its place, and its proof.
    pub says: Said,
}

impl From<Bytes> for Copied {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, says: Said::default() }
    }
}

/// Whether the copy holds more than the log is not known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CopyError {
    /// The stream cannot be asked.
    #[error(
        "the stream, which may hold records that this log has lost, could not be asked ({0}); an engine must not go on before it knows. See that JetStream answers, then start again"
    )]
    Silent(Source),
    /// The records of the damaged log beyond the stream cannot be read now.
    #[error(transparent)]
    Log(#[from] StoreFault),
}

impl CopyError {
    /// The stream cannot be asked, for this reason.
    pub fn silent(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let why: Box<dyn Error + Send + Sync> = why.into();
        Self::Silent(why.into())
    }
}

/// No copy at all: a log that is not published.
#[derive(Debug, Clone, Copy)]
pub struct NoCopy;

impl EventCopy for NoCopy {
    fn last(&self) -> Result<u64, CopyError> {
        Ok(0)
    }

    fn read(&self, _: LogPosition, _: usize) -> Result<Vec<Copied>, CopyError> {
        Ok(Vec::new())
    }
}
