//! The worker's own RocksDB: rows, records and checkpoint, written together or not at all.
//!
//! There is no write-ahead log. Everything here can be read again from the stream, so a crash may lose a
//! tail, but it must lose the *same* tail in every column family: `atomic_flush` sees to that, and the
//! checkpoint lies in the same batch as the rows that it speaks for. A log of our own would write every
//! byte twice, and would bring a way to fail that the checkpoint cannot see (a log that is cut short opens
//! without an error). The tail is bounded by the size of the write buffer, some tens of thousands of events.

mod checkpoint;
mod content;
mod family;
mod options;
mod view;
mod write;

use std::path::Path;

use guichet_fault::FaultKind;
use guichet_schemas::ids::TicketId;
use rocksdb::{ColumnFamily, DB, FlushOptions};

pub use checkpoint::Checkpoint;
pub use family::{Family, Layout, Merge};
pub use options::Memory;
pub use view::{Entry, View};
pub use write::Batch;

use crate::keys;

/// The families that every model has beside its own.
const COMMON: [Family; 2] = [Family::ranges(keys::QUARANTINE), Family::ranges(keys::META)];

/// A read model on disk.
pub struct Store {
    db: DB,
    layout: Layout,
}

/// A fault of a read model.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or RocksDB refused. What is on disk is consistent; restart to go on from there.
    #[error("the read model could not be read or written")]
    Storage(#[from] rocksdb::Error),
    /// The folder itself.
    #[error("the folder {dir} cannot be made")]
    ModelWriter {
        dir: std::path::PathBuf,
        #[source]
        error: std::io::Error,
    },
    /// A row cannot be read. Delete the folder to rebuild the model from the log.
    #[error(
        "the read model is damaged: {what} cannot be read; delete its folder, it is rebuilt from the log"
    )]
    Damaged { what: &'static str },
    /// A newer program wrote the folder.
    #[error(
        "the read model has format {found}, this program knows up to {known}; upgrade the program, or delete the folder to rebuild it"
    )]
    NewerFormat { found: u32, known: u32 },
    /// The folder holds another projection, or one folded by other rules.
    #[error(
        "the folder holds projection {found}, this program folds {wanted}; delete the folder to rebuild it from the log"
    )]
    OtherProjection { found: String, wanted: String },
}

impl StoreError {
    /// True where the files are damaged, and others in their place would help. A disk that refuses is not damage.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Storage(fault) => FaultKind::of(fault).is_damage(),
            Self::Damaged { .. } => true,
            Self::ModelWriter { .. } | Self::NewerFormat { .. } | Self::OtherProjection { .. } => false,
        }
    }
}

impl Store {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// It cannot be opened, or another program than this one must read it.
    pub fn open(dir: &Path, layout: Layout, memory: &Memory) -> Result<Self, StoreError> {
        let families = layout.families.iter().chain(&COMMON).map(|one| options::family(*one, memory));
        let store = Self { db: DB::open_cf_descriptors(&options::database(memory)?, dir, families)?, layout };
        store.check_format()?;
        Ok(store)
    }

    /// How far the model is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        self.view().checkpoint()
    }

    /// The model as it is now; what is written later does not show in it.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::new(&self.db)
    }

    pub(crate) fn batch(&self) -> Batch<'_> {
        Batch::new(&self.db, self.families().map(|name| (name, family(&self.db, name))).collect())
    }

    /// The names of all families, in the order of the content hash; `meta` is the last.
    pub(crate) fn families(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.layout.families.iter().chain(&COMMON).map(|family| family.name)
    }

    /// The families that make the content, in the order in which it is hashed and compared.
    pub(crate) fn content(&self) -> impl Iterator<Item = &'static str> + use<> {
        let own = self.layout.families.iter().chain(&COMMON).filter(|family| !family.derived);
        own.map(|family| family.name).filter(|name| *name != keys::META)
    }

    /// A row as it is now, handed to `read` without a copy.
    ///
    /// # Errors
    /// It cannot be read, or `read` says that it is damaged.
    pub fn row<T>(
        &self,
        name: &str,
        key: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.db.get_pinned_cf(family(&self.db, name), key)?.map(|bytes| read(&bytes)).transpose()
    }

    /// Brings everything written so far to the disk.
    ///
    /// # Errors
    /// The disk refused.
    pub fn flush(&self) -> Result<(), StoreError> {
        let families: Vec<_> = self.families().map(|name| family(&self.db, name)).collect();
        Ok(self.db.flush_cfs_opt(&families, &FlushOptions::default())?)
    }

    fn check_format(&self) -> Result<(), StoreError> {
        let meta = family(&self.db, keys::META);
        let wanted = projection_mark(self.layout);
        match self.db.get_cf(meta, keys::META_FORMAT)? {
            None => {
                let mut batch = rocksdb::WriteBatch::default();
                batch.put_cf(meta, keys::META_FORMAT, keys::FORMAT.to_be_bytes());
                batch.put_cf(meta, keys::META_PROJECTION, wanted);
                self.db.write_without_wal(batch)?;
                return Ok(());
            }
            Some(bytes) => {
                let found = bytes
                    .first_chunk()
                    .map(|b| u32::from_be_bytes(*b))
                    .ok_or(StoreError::Damaged { what: "the format version" })?;
                if found > keys::FORMAT {
                    return Err(StoreError::NewerFormat { found, known: keys::FORMAT });
                }
            }
        }
        let found = self.db.get_cf(meta, keys::META_PROJECTION)?.unwrap_or_default();
        if found == wanted {
            return Ok(());
        }
        Err(StoreError::OtherProjection { found: readable_mark(&found), wanted: readable_mark(&wanted) })
    }
}

/// Name and version of the fold, as they stand in `meta`.
fn projection_mark(layout: Layout) -> Vec<u8> {
    let mut mark = keys::tenant(layout.name);
    mark.extend_from_slice(&layout.version.to_be_bytes());
    mark
}

fn readable_mark(mark: &[u8]) -> String {
    let name = mark.split(|b| *b == 0).next().unwrap_or_default();
    let version = mark.last_chunk().map_or(0, |b| u32::from_be_bytes(*b));
    format!("{} version {version}", String::from_utf8_lossy(name))
}

fn family<'a>(db: &'a DB, name: &str) -> &'a ColumnFamily {
    db.cf_handle(name).expect("every column family is opened with the database")
}

pub(crate) fn damaged_key() -> StoreError {
    StoreError::Damaged { what: "a key" }
}

pub(crate) fn id_of_value(value: &[u8]) -> Result<TicketId, StoreError> {
    keys::ticket_id(value).ok_or(StoreError::Damaged { what: "a number's ticket" })
}

#[cfg(test)]
mod tests {
    use guichet_schemas::hash::Hash;
    use guichet_schemas::position::LogPosition;

    use super::*;
    use crate::model::ticket::TICKET;

    /// The refusal to open a folder after its mark in `meta` was changed.
    fn refusal(key: &[u8], mark: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::new(1 << 20, 1 << 20);
        let store = Store::open(dir.path(), TICKET.layout(), &memory).unwrap();
        let mut batch = rocksdb::WriteBatch::default();
        batch.put_cf(family(&store.db, keys::META), key, mark);
        store.db.write_without_wal(batch).unwrap();
        store.flush().unwrap();
        drop(store);
        Store::open(dir.path(), TICKET.layout(), &memory).err().expect("must be refused").to_string()
    }

    #[test]
    fn a_folder_of_a_newer_program_is_refused() {
        let said = refusal(keys::META_FORMAT, &(keys::FORMAT + 1).to_be_bytes());
        assert!(said.contains("format 2") && said.contains("upgrade the program"), "{said}");
    }

    #[test]
    fn a_folder_of_another_fold_is_refused() {
        let mut mark = projection_mark(TICKET.layout());
        mark.pop();
        mark.push(99);
        let said = refusal(keys::META_PROJECTION, &mark);
        assert!(said.contains("ticket version 99") && said.contains("delete the folder"), "{said}");
    }

    #[test]
    fn files_that_are_gone_are_damage_and_a_system_that_refuses_is_not() {
        let dir = tempfile::tempdir().unwrap();
        // The name of the folder stands in the message, and says nothing.
        let dir = dir.path().join("No such file or directory");
        let memory = Memory::new(1 << 20, 1 << 20);
        let store = Store::open(&dir, TICKET.layout(), &memory).unwrap();
        store.flush().unwrap();
        drop(store);
        let files = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        let table = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "sst")).unwrap();
        let away = dir.with_file_name("table");
        std::fs::rename(&table, &away).unwrap();
        let open = || Store::open(&dir, TICKET.layout(), &memory).err().expect("a table is not there");
        assert!(open().is_damage(), "{:?}", open());
        std::os::unix::fs::symlink(&table, &table).unwrap();
        assert!(!open().is_damage(), "{:?}", open());
        std::fs::remove_file(&table).unwrap();
        std::fs::rename(&away, &table).unwrap();
        Store::open(&dir, TICKET.layout(), &memory).unwrap();
    }

    #[test]
    fn a_crash_loses_the_same_tail_everywhere() {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::new(1 << 20, 1 << 30);
        let store = Store::open(dir.path(), TICKET.layout(), &memory).unwrap();
        // Enough for the column family of the records, and for no other, to be full.
        for position in (1..=600).filter_map(LogPosition::new) {
            let mut batch = store.batch();
            batch.put(keys::RECORDS, &keys::record("default", position), &[7; 40_000]);
            batch.commit(&Checkpoint { generation: 1, position: Some(position), hash: Hash::ZERO }).unwrap();
        }
        store.db.wait_for_compact(&rocksdb::WaitForCompactOptions::default()).unwrap();
        // What is on the disk now is what a crash would leave.
        let crashed = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), crashed.path().join(file.file_name())).unwrap();
        }
        let left = Store::open(crashed.path(), TICKET.layout(), &memory).unwrap();
        let have = left.checkpoint().unwrap().position_or_zero();
        assert!((1..600).contains(&have), "a flush in between, and a tail that was lost: {have}");
        assert_eq!(left.view().records_from("default", LogPosition::FIRST).count() as u64, have);
    }
}
