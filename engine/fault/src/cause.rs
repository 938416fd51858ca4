//! Why a database did not do what it was asked, as it was said.

use std::error::Error;
use std::sync::Arc;

use crate::FaultKind;

/// The source of a fault that we found ourselves: an error, or a sentence.
pub type Source = Arc<dyn Error + Send + Sync>;

/// Why. What is done about a fault follows from its kind, never from its words.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Cause {
    #[error(transparent)]
    Database(#[from] rocksdb::Error),
    /// The stored bytes are not those that were written.
    #[error("{0}")]
    Damage(Source),
    /// A file is not there that must be.
    #[error("{0}")]
    Missing(Source),
    /// The system refused, or a part of ours stopped: nothing is known about the data.
    #[error("{0}")]
    Refused(Source),
}

impl Cause {
    /// A fault: the stored bytes are not those that were written.
    pub fn damage(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Damage(Arc::from(why.into()))
    }

    /// A file is not there that must be.
    pub fn missing(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Missing(Arc::from(why.into()))
    }

    /// The system refused, or a part of ours stopped.
    pub fn refused(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused(Arc::from(why.into()))
    }

    /// Whether the data is damaged, a file is missing, or the system refused.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Database(error) => FaultKind::of(error),
            Self::Damage(_) => FaultKind::Damage,
            Self::Missing(_) => FaultKind::Missing,
            Self::Refused(_) => FaultKind::Refused,
        }
    }
}
