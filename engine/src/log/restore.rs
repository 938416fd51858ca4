//! A log made from a backup, in a folder that has none.
//!
//! The records are proven by the checkpoint that was signed over them, like those that a start brings back from the
//! stream. What the restore was is noted beside the database, for the event of the next epoch.

use std::path::Path;

use guichet_proof::SignedCheckpoint;
use guichet_schemas::position::{Generation, LogPosition, Partition};
use rocksdb::WriteBatch;
use serde::{Deserialize, Serialize};

use super::copy::EventCopy;
use super::fence::Fence;
use super::identity::{self, Identity};
use super::repair;
use super::store::DATABASE;
use super::{Memory, OpenError, Store, StoreFault, keys};

/// The note for the next start.
const FILE: &str = "restored";
/// Folder of the database while it is made.
const DRAFT: &str = "rocksdb.restoring";
/// Answers written at a time.
const STRETCH: usize = 1_000;

/// The answer of a command that wrote no event, as a row: key and value.
pub type Answer = (Vec<u8>, Vec<u8>);

/// The parts of a backup from which a log is made.
pub struct Backup<'a> {
    /// The file that says which log it is.
    pub identity: &'a [u8],
    pub signed: &'a SignedCheckpoint,
    pub records: &'a dyn EventCopy,
    /// Answers of commands that wrote no event.
    pub answers: Box<dyn Iterator<Item = Result<Answer, StoreFault>> + 'a>,
}

impl std::fmt::Debug for Backup<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backup").field("size", &self.signed.size()).finish_non_exhaustive()
    }
}

/// The facts about a restore that the next start must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Restored {
    pub(super) through: u64,
    /// Why records beyond it were given up; `None`: none were.
    pub(super) behind: Option<String>,
}

/// Makes the log of a backup in `dir`. With `behind`, the log becomes a new generation: what the stream holds of the
/// old one is given up for that reason. Says where it ends.
///
/// # Errors
/// There is a log already, the backup is not what was signed, or the disk fails. The folder has no log then.
pub fn restore(
    dir: &Path,
    partition: Partition,
    memory: &Memory,
    backup: Backup<'_>,
    behind: Option<&str>,
) -> Result<LogPosition, OpenError> {
    let folder = |cause| OpenError::Folder { dir: dir.to_owned(), cause };
    let _fence = Fence::take(dir)?;
    if dir.join(DATABASE).exists() {
        return Err(folder(std::io::Error::new(
            std::io::ErrorKind::AlreadyExists,
            "there is a log already; move the folder away, or restore into another one",
        )));
    }
    let mut identity = Identity::parse(backup.identity)
        .ok_or_else(|| StoreFault::found("read the identity in the backup", "it is damaged"))?;
    if behind.is_some() {
        identity.generation = Generation(identity.generation.0 + 1);
    }
    let draft = dir.join(DRAFT);
    if draft.exists() {
        std::fs::remove_dir_all(&draft).map_err(folder)?;
    }
    let store = Store::open(&draft, memory)?;
    let made = repair::continue_log(&store, &identity, partition, None, Some(backup.signed), backup.records)?;
    let through = match made.repaired {
        Some(made) if made.through.get() == backup.signed.size() => made.through,
        Some(_) | None => {
            let cause = format!("it does not hold the {} records that were signed", backup.signed.size());
            return Err(StoreFault::found("read the records in the backup", cause).into());
        }
    };
    put_answers(&store, backup.answers)?;
    store.flush()?;
    drop(store);
    identity.write(&dir.join(identity::FILE)).map_err(folder)?;
    Restored { through: through.get(), behind: behind.map(ToOwned::to_owned) }.write(dir).map_err(folder)?;
    std::fs::rename(&draft, dir.join(DATABASE))
        .and_then(|()| std::fs::File::open(dir)?.sync_all())
        .map_err(folder)?;
    Ok(through)
}

fn put_answers(
    store: &Store,
    answers: impl Iterator<Item = Result<Answer, StoreFault>>,
) -> Result<(), StoreFault> {
    let mut batch = WriteBatch::default();
    for answer in answers {
        let (key, value) = answer?;
        batch.put_cf(&store.cf(keys::COMMANDS), key, value);
        if batch.len() >= STRETCH {
            store.write_synced(std::mem::take(&mut batch))?;
        }
    }
    store.write_synced(batch)
}

impl Restored {
    /// The note of the restore that made this folder, until a start has told of it.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, OpenError> {
        let path = dir.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| {
                let cause = format!("{}: {e}; the restore did not end, do it again", path.display());
                StoreFault::found("read the note of the restore", cause).into()
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(OpenError::Folder { dir: path, cause }),
        }
    }

    fn write(&self, dir: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec(self)?;
        let mut file = std::fs::File::create(dir.join(FILE))?;
        std::io::Write::write_all(&mut file, &text)?;
        file.sync_all()
    }

    /// Its epoch event is on disk.
    pub(super) fn forget(dir: &Path) -> std::io::Result<()> {
        std::fs::remove_file(dir.join(FILE))
    }
}
