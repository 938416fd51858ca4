//! Damage or refusal: what an error of RocksDB says, by its kind.

use rocksdb::ErrorKind;

/// The meaning of a fault for the stored data. Only the first two kinds say that other files in the place of these
/// would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The stored bytes are not those that were written.
    Damage,
    /// A file is not there that the database knows of.
    Missing,
    /// The disk, the memory or the system refused. Nothing is known about the data: it may be whole.
    Refused,
}

/// How RocksDB prints a status of the kind "IO error" whose subcode is `kPathNotFound`. The binding hands on neither code
/// nor subcode, only this print; but RocksDB prints both before anything else, so no file name can pretend to be one.
const PATH_NOT_FOUND: &str = "IO error: No such file or directory";

impl FaultKind {
    /// Of an error of RocksDB. What is not known to be about the data is a refusal: to take it for damage would set a
    /// whole database aside because descriptors ran out.
    #[must_use]
    pub fn of(error: &rocksdb::Error) -> Self {
        Self::told(error.kind(), error.as_ref())
    }

    fn told(kind: ErrorKind, text: &str) -> Self {
        match kind {
            ErrorKind::Corruption => Self::Damage,
            ErrorKind::IOError if text.starts_with(PATH_NOT_FOUND) => Self::Missing,
            // "Invalid argument" and "not implemented" are also said of a whole database: one that a newer program wrote, and
            // one whose file CURRENT the system does not let us open ("options incompatible with filesystem").
            ErrorKind::InvalidArgument
            | ErrorKind::NotSupported
            | ErrorKind::NotFound
            | ErrorKind::ColumnFamilyDropped
            | ErrorKind::IOError
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_about_the_data_is_damage() {
        let told = [
            (ErrorKind::Corruption, "Corruption: block checksum mismatch", FaultKind::Damage),
            // How a table that is gone is told by an open.
            (
                ErrorKind::Corruption,
                "Corruption: Corruption: IO error: No such file or directory: While open a file for random read: 9.sst",
                FaultKind::Damage,
            ),
            (
                ErrorKind::IOError,
                "IO error: No such file or directory: While opening a file for sequentially reading: MANIFEST-000005",
                FaultKind::Missing,
            ),
            (
                ErrorKind::IOError,
                "IO error: While open a file for random read: /No such file or directory/9.sst: Too many open files",
                FaultKind::Refused,
            ),
            (
                ErrorKind::IOError,
                "IO error: No space left on device: While appending: 9.sst",
                FaultKind::Refused,
            ),
            (
                ErrorKind::IOError,
                "IO error: While appending to file: 9.sst: Disk quota exceeded",
                FaultKind::Refused,
            ),
            (
                ErrorKind::IOError,
                "IO error: While mmap file: 9.sst: Cannot allocate memory",
                FaultKind::Refused,
            ),
            (ErrorKind::IOError, "IO error: While pread: 9.sst: Input/output error", FaultKind::Refused),
            (
                ErrorKind::IOError,
                "IO error: While lock file: LOCK: Resource temporarily unavailable",
                FaultKind::Refused,
            ),
            (
                ErrorKind::InvalidArgument,
                "Invalid argument: Found options incompatible with filesystem: IO error: CURRENT: Too many open files",
                FaultKind::Refused,
            ),
            (
                ErrorKind::InvalidArgument,
                "Invalid argument: Column families not opened: later",
                FaultKind::Refused,
            ),
            (ErrorKind::Unknown, "something that RocksDB says tomorrow", FaultKind::Refused),
        ];
        for (kind, text, wanted) in told {
            assert_eq!(FaultKind::told(kind, text), wanted, "{text}");
        }
    }
}
