//! What a fault of a database says about the data: the one place that reads it.

use nix::errno::Errno;

/// What a fault says about what is stored. Only the first two say that other files in the place of these would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// What is stored is not what was written.
    Damage,
    /// A file is not there that the database knows of.
    Missing,
    /// The disk, the memory or the system refused. Nothing is known about the data: it may be whole.
    Refused,
}

impl FaultKind {
    /// Of an error of RocksDB. What is not known to be about the data is a refusal: to take it for damage would put a
    /// whole database aside because memory was short.
    #[must_use]
    pub fn of(error: &rocksdb::Error) -> Self {
        use rocksdb::ErrorKind;
        match error.kind() {
            ErrorKind::Corruption
            | ErrorKind::NotFound
            | ErrorKind::NotSupported
            | ErrorKind::InvalidArgument
            | ErrorKind::ColumnFamilyDropped => Self::Damage,
            // The binding hands on no number of the system, only its word for it, at the end.
            ErrorKind::IOError if error.as_ref().contains(Errno::ENOENT.desc()) => Self::Missing,
            ErrorKind::IOError
            | ErrorKind::MergeInProgress
            | ErrorKind::Incomplete
            | ErrorKind::ShutdownInProgress
            | ErrorKind::TimedOut
            | ErrorKind::Aborted
            | ErrorKind::Busy
            | ErrorKind::Expired
            | ErrorKind::TryAgain
            | ErrorKind::CompactionTooLarge
            | ErrorKind::Unknown => Self::Refused,
        }
    }

    /// True where other files in the place of these would help.
    #[must_use]
    pub const fn is_damage(self) -> bool {
        match self {
            Self::Damage | Self::Missing => true,
            Self::Refused => false,
        }
    }
}
