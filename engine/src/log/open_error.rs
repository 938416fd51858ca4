//! Why a log does not open, and what may be done about it.

use std::path::PathBuf;

use guichet_schemas::position::LogPosition;

use super::StoreFault;
use super::copy::CopyError;
use super::identity::FORMAT;
use crate::notary::{AnchorError, NotaryError};

/// Why a log does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another engine has the folder.
    #[error("another engine runs on {0}; stop it first, or use another --data-dir")]
    Locked(PathBuf),
    /// The folder cannot be made or locked.
    #[error("could not open the folder {dir}: {cause}")]
    Folder { dir: PathBuf, cause: std::io::Error },
    /// A newer program made it.
    #[error(
        "the data folder has format {found}, this program knows up to {FORMAT}; use the newer program that wrote it"
    )]
    NewerFormat {
        /// Its format.
        found: u32,
    },
    /// An older program made it, and its records hold personal texts that anybody can read.
    #[error(
        "the data folder has format {found}: its records hold personal texts readable, in what is hashed, so they cannot be sealed afterwards; this program keeps format {FORMAT}. Start with an empty --data-dir and bring the tickets in again with `guichet import`, from an export of the system that they came from; the program that made the folder still reads it"
    )]
    OlderFormat {
        /// Its format.
        found: u32,
    },
    /// The key store.
    #[error(transparent)]
    Keys(guichet_keys::OpenError),
    /// The key-encryption key.
    #[error(transparent)]
    Kek(#[from] guichet_keys::KekError),
    /// The wall clock is behind the newest record.
    #[error(
        "the wall clock is {behind_ms} ms behind the newest record; set the clock, or wait until it has caught up, or start with --accept-clock: records then keep the time of the newest one until the clock has caught up"
    )]
    ClockBehind {
        /// By how much.
        behind_ms: u64,
    },
    /// The log is not the one that was signed, or nothing can be signed.
    #[error(transparent)]
    Notary(#[from] NotaryError),
    /// The stream could not be asked.
    #[error(transparent)]
    Copy(CopyError),
    /// A folder without any history, beside a stream that has one.
    #[error(
        "this data folder is new, but the stream holds {stream} records of another log; name the folder that belongs to it with --data-dir, or another NATS server, nothing was changed"
    )]
    NewBesideOld { stream: u64 },
    /// The stream holds another record than the log.
    #[error(
        "at position {position} the stream holds another record than the log: they are not of one history. Another engine writes this stream, or the folder is an older copy on which somebody went on; name the right --data-dir or NATS server, nothing was changed"
    )]
    OtherCopy { position: LogPosition },
    #[error(
        "the log has records, but the secret of its folder is gone from the database and from {path}: requests are hashed under it, and it proves what the stream holds. Bring the file back from a backup (secrets/identity), or move the folder away and `guichet restore`; nothing was changed"
    )]
    IdentityGone { path: PathBuf },
    /// The stream holds records that nothing proves.
    #[error(
        "the stream holds records {from} to {through}, which this log has not and which nothing proves: no checkpoint covers them, and they are from before this program, which proves each message with a MAC (or somebody forged them). Look at them with `guichet tail`. To take them, start the program once more that wrote them; to go on without them, delete the stream, it is rebuilt from the log; nothing was changed"
    )]
    CopyUnproven {
        /// First position that nothing proves.
        from: LogPosition,
        through: u64,
    },
    /// Something foreign stands in the stream where a record of ours was.
    #[error(
        "records {from} to {through} were written by this log's engine and are gone from the log, and at position {from} the stream holds a message that this engine did not write: what stood there is lost. Restore a backup or bring back the damaged database; to give these records up, delete the stream and start again; nothing was changed"
    )]
    CopyBroken {
        /// First position that is lost.
        from: LogPosition,
        /// The last that this log's engine is known to have written.
        through: LogPosition,
    },
    /// The stream does not hold what was signed.
    #[error(
        "records {from} to {through} are gone from the log, and what the stream holds there is not what was signed; restore a backup, nothing was changed"
    )]
    CopyNotSigned {
        /// First position that is gone.
        from: LogPosition,
        /// Size of the newest checkpoint.
        through: u64,
    },
    /// The stream holds something behind the newest checkpoint that cannot be ours.
    #[error(
        "the log is whole up to what was signed, but the stream holds something at position {position} that does not continue it: {rule}. Look at it with `guichet tail`, delete the stream, and start again: it is rebuilt from the log"
    )]
    CopyRefused { position: LogPosition, rule: String },
    /// Acknowledged records or answers cannot all be found again.
    #[error("{0}")]
    Lost(Lost),
    /// The database is damaged, or the disk fails.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// Acknowledged records or answers that cannot be found again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    #[error(
        "records {from} to {} may have been acknowledged, and neither the database, its write-ahead logs nor the stream hold all of them; nothing was changed. Bring back the files that are missing (the folder of the log, or the store of the stream). To go on without these records for good: --accept-loss {}, and the log goes on at position {from}", end(*.through), GivenUp::records(*.from)
    )]
    Records {
        /// First position that is not found.
        from: u64,
        /// The last that may have been acknowledged; `None`: how many there were is not known.
        through: Option<u64>,
    },
    /// Records that were signed: no flag gives them up.
    #[error(
        "records {from} to {through} were acknowledged and signed, and neither the database, its write-ahead logs nor the stream hold all of them; nothing was changed. Bring back the files that are missing (the folder of the log, or the store of the stream). To go on without these records for good: `guichet restore` of a backup into a new folder, with --behind REASON, because witnesses hold what was signed"
    )]
    Signed {
        /// First position that is not found.
        from: u64,
        /// The last that may have been acknowledged.
        through: u64,
    },
    /// Answers of commands that wrote no event.
    #[error(
        "{} answers of commands that changed nothing were given and cannot be found again; nothing was changed. Who sends such a command once more would have it decided again. To go on without them: --accept-loss answers", .missing.map_or_else(|| "some".to_owned(), |n| n.to_string())
    )]
    Answers { missing: Option<u64> },
    /// Keys of personal texts.
    #[error(
        "the log names a key at position {position}{} that {} neither in the key store nor in what is left of its files: the store lost keys, or is an older copy; nothing was changed. Bring back the newest key store. To go on without, and leave what was sealed under the missing keys sealed for good: --accept-loss keys", more_keys(*.more), if *.more == 0 { "is" } else { "are" }
    )]
    Keys {
        /// The record that made the key; the first, where several are missing.
        position: u64,
        /// So many more are missing.
        more: u64,
    },
}

fn more_keys(more: u64) -> String {
    if more == 0 { String::new() } else { format!(" and {more} more after it") }
}

fn end(through: Option<u64>) -> String {
    through.map_or_else(|| "an end that is not known".to_owned(), |through| through.to_string())
}

/// The losses that an operator accepts, so that a start goes on without them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// Records from this position on.
    pub records_from: Option<u64>,
    /// Answers of commands that wrote no event.
    pub answers: bool,
    /// Keys of personal texts.
    pub keys: bool,
}

impl GivenUp {
    /// Parses the operator's words: `records-from-1235`, `answers` or `keys`.
    ///
    /// # Errors
    /// Another word.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let mut accepted = Self::default();
        for word in words {
            let from = word.strip_prefix("records-from-").and_then(|from| from.parse().ok());
            match word.as_str() {
                "answers" => accepted.answers = true,
                "keys" => accepted.keys = true,
                _ if from.is_some() => accepted.records_from = from,
                _ => {
                    return Err(format!(
                        "--accept-loss {word}: give what the refused start named, records-from-POSITION, answers or keys"
                    ));
                }
            }
        }
        Ok(accepted)
    }

    fn records(from: u64) -> String {
        format!("records-from-{from}")
    }

    /// Refuses a loss that nobody accepted.
    pub(super) fn check(self, lost: Lost) -> Result<(), OpenError> {
        let accepted = match &lost {
            Lost::Records { from, .. } => self.records_from == Some(*from),
            Lost::Signed { .. } => false,
            Lost::Answers { .. } => self.answers,
            Lost::Keys { .. } => self.keys,
        };
        if accepted {
            tracing::error!(%lost, "lost for good, as the operator accepts");
            Ok(())
        } else {
            Err(OpenError::Lost(lost))
        }
    }
}

impl OpenError {
    /// True where going on could make worse what is wrong with the data: the program ends with code 4.
    #[must_use]
    pub const fn protects_data(&self) -> bool {
        match self {
            Self::Keys(_)
            | Self::Kek(_)
            | Self::ClockBehind { .. }
            | Self::Notary(_)
            | Self::NewBesideOld { .. }
            | Self::OtherCopy { .. }
            | Self::IdentityGone { .. }
            | Self::CopyUnproven { .. }
            | Self::CopyBroken { .. }
            | Self::CopyNotSigned { .. }
            | Self::CopyRefused { .. }
            | Self::Lost(_)
            | Self::Store(_) => true,
            Self::Locked(_)
            | Self::Folder { .. }
            | Self::NewerFormat { .. }
            | Self::OlderFormat { .. }
            | Self::Copy(_) => false,
        }
    }

    /// True where a key store that is rebuilt may be whole.
    pub(super) const fn is_damage_of_keys(&self) -> bool {
        matches!(self, Self::Keys(guichet_keys::OpenError::Fault { .. }))
    }

    /// True where a database that is rebuilt may be whole.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::Store(fault) => fault.is_damage(),
            // The tables or write-ahead logs may still hold what opening them did not find.
            Self::Lost(Lost::Records { .. } | Lost::Signed { .. } | Lost::Answers { .. })
            | Self::Notary(NotaryError::Anchor(AnchorError::OtherPast { .. } | AnchorError::Ahead { .. })) => {
                true
            }
            Self::Notary(NotaryError::Store(fault)) => fault.is_damage(),
            Self::Notary(_)
            | Self::Lost(Lost::Keys { .. })
            | Self::Keys(_)
            | Self::Kek(_)
            | Self::ClockBehind { .. }
            | Self::NewBesideOld { .. }
            | Self::OtherCopy { .. }
            | Self::IdentityGone { .. }
            | Self::CopyUnproven { .. }
            | Self::CopyBroken { .. }
            | Self::CopyNotSigned { .. }
            | Self::CopyRefused { .. }
            | Self::Locked(_)
            | Self::Folder { .. }
            | Self::NewerFormat { .. }
            | Self::OlderFormat { .. }
            | Self::Copy(_) => false,
        }
    }
}

impl From<guichet_keys::OpenError> for OpenError {
    fn from(error: guichet_keys::OpenError) -> Self {
        match error {
            // Two locks, one engine.
            guichet_keys::OpenError::Locked(dir) => Self::Locked(dir),
            error @ (guichet_keys::OpenError::Folder { .. }
            | guichet_keys::OpenError::OtherKek { .. }
            | guichet_keys::OpenError::OtherFormat { .. }
            | guichet_keys::OpenError::Fault { .. }
            | guichet_keys::OpenError::Refused { .. }) => Self::Keys(error),
        }
    }
}
