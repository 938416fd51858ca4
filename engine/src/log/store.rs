//! The database of the log: typed reads and the two kinds of writes, on any disk; and how RocksDB is one.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use guichet_crash::{Sabotage, sabotaged};
use guichet_fault::{Cause, FaultKind, files};
use guichet_schemas::position::LogPosition;
use guichet_schemas::wire::store::CommandOutcome;
use prost::Message as _;
use rocksdb::{
    BoundColumnFamily, ColumnFamilyDescriptor, DBRecoveryMode, DBWithThreadMode, MultiThreaded, Options,
    ReadOptions, WriteBatch, WriteOptions,
};

use super::disk::{Disk, Durable, Reading, Rows};
use super::{Memory, keys, options};

/// Folder of the database.
pub(super) const DATABASE: &str = "rocksdb";

/// RocksDB said no. What was being written may or may not be there: never try again, stop.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{doing}: {cause}")]
pub struct StoreFault {
    pub doing: &'static str,
    /// The message of RocksDB or of the system, or our own finding.
    pub cause: Cause,
}

impl StoreFault {
    pub(super) fn of(doing: &'static str) -> impl FnOnce(rocksdb::Error) -> Self {
        move |error| Self { doing, cause: error.into() }
    }

    /// A fault: the stored bytes are not those that were written.
    pub(crate) fn found(doing: &'static str, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { doing, cause: Cause::damage(why) }
    }

    /// The system refused, or a part of ours stopped: nothing is known about the data.
    pub fn refused(doing: &'static str, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { doing, cause: Cause::refused(why) }
    }

    /// The meaning for the data. The reaction to a fault follows from this, never from its words.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        self.cause.kind()
    }

    /// True where other files in the place of these would help.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        self.kind().is_damage()
    }
}

/// RocksDB.
pub type Db = DBWithThreadMode<MultiThreaded>;

/// The open database. One per partition.
pub struct Store<D = Db> {
    db: D,
}

impl<D> std::fmt::Debug for Store<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// True where `dir` holds a log whose records hold personal texts readable: format 1. It is not touched.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn is_readable(dir: &Path) -> Result<bool, StoreFault> {
        let doing = "look into the log";
        if !dir.join("CURRENT").try_exists().map_err(|e| StoreFault::refused(doing, e))? {
            return Ok(false);
        }
        let families = Db::list_cf(&Options::default(), dir).map_err(StoreFault::of(doing))?;
        let has = |name: &str| families.iter().any(|f| f == name);
        Ok(has(keys::EVENTS) && !has(keys::SUBJECTS))
    }

    /// Opens or creates the database in `dir`.
    ///
    /// # Errors
    /// RocksDB refuses: damage, or another process has it.
    pub fn open(dir: &Path, memory: &Memory) -> Result<Self, StoreFault> {
        if Self::is_readable(dir)? {
            return Err(StoreFault::found("open the log", "it has format 1, with readable personal texts"));
        }
        let lost = files::lost_their_beginning(dir).map_err(|e| StoreFault::refused("open the log", e))?;
        if lost {
            // RocksDB would make a new database here, and remove the files of the old one.
            let why = "its file CURRENT is gone, but there are tables or write-ahead logs";
            return Err(StoreFault { doing: "open the log", cause: Cause::missing(why) });
        }
        let families = Self::families(&keys::ALL, memory)?;
        let db = Db::open_cf_descriptors(&options::database(memory), dir, families)
            .map_err(StoreFault::of("open the log"))?;
        Ok(Self { db })
    }

    /// Opens what can be read of a damaged database, to read from it, with those of its families that are known. Nothing
    /// in it is changed.
    pub(super) fn open_damaged(dir: &Path, known: &[&'static str]) -> Result<Self, StoreFault> {
        let mut options = Options::default();
        options.set_wal_recovery_mode(DBRecoveryMode::SkipAnyCorruptedRecord);
        options.set_paranoid_checks(false);
        // A MANIFEST that names WALs, read without this, ends the process: RocksDB 11 wants to strike them out through
        // a context of the recovery, and for readers there is none (`DBImpl::Recover`, a null pointer).
        options.set_track_and_verify_wals_in_manifest(true);
        let doing = "look into the damaged log";
        if !dir.join("CURRENT").try_exists().map_err(|e| StoreFault::refused(doing, e))? {
            return Err(StoreFault { doing, cause: Cause::missing("its file CURRENT is gone") });
        }
        let db = Db::open_cf_for_read_only(&options, dir, Self::there(dir, known)?, false)
            .map_err(StoreFault::of(doing))?;
        Ok(Self { db })
    }

    /// Visits the answers of commands that wrote no event: no record says them again.
    pub(super) fn answers_without_events<E: From<StoreFault>>(
        &self,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.scan_prefix(keys::COMMANDS, &[], &[], |key, value| {
            let row = CommandOutcome::decode(value).map_err(|e| StoreFault::found("read the answers", e))?;
            if row.first_position == 0 && !row.reply.is_empty() {
                visit(key, value)?;
            }
            Ok(())
        })
    }

    /// True where the database has this family. One that is damaged may have lost some.
    pub(super) fn has(&self, name: &str) -> bool {
        self.db.cf_handle(name).is_some()
    }

    /// Opens the database in `dir` as it is now, though an engine may be writing it; nothing in it is changed.
    ///
    /// # Errors
    /// RocksDB refuses: damage, or a column family that is not there.
    pub(super) fn open_secondary(dir: &Path, work: &Path, memory: &Memory) -> Result<Self, StoreFault> {
        let mut options = options::database(memory);
        // A file that the engine removes meanwhile can be read on only by who has it open.
        options.set_max_open_files(-1);
        let families = Self::families(&Self::there(dir, &keys::ALL)?, memory)?;
        let db = Db::open_cf_descriptors_as_secondary(&options, dir, work, families)
            .map_err(StoreFault::of("open the log beside its engine"))?;
        Ok(Self { db })
    }

    /// Opens the database in `dir` to be read; nothing in it is changed.
    ///
    /// # Errors
    /// RocksDB refuses: damage, or a column family that is not there.
    pub(super) fn open_read_only(dir: &Path, memory: &Memory) -> Result<Self, StoreFault> {
        let families = Self::families(&Self::there(dir, &keys::ALL)?, memory)?;
        let db = Db::open_cf_descriptors_read_only(&options::database(memory), dir, families, false)
            .map_err(StoreFault::of("open the log to read it"))?;
        Ok(Self { db })
    }

    /// The column families that a folder has. One that an older program wrote lacks what was added since, until an
    /// engine has opened it; who only reads makes none.
    fn there(dir: &Path, known: &[&'static str]) -> Result<Vec<&'static str>, StoreFault> {
        let listed =
            Db::list_cf(&Options::default(), dir).map_err(StoreFault::of("list the column families"))?;
        let has = |name: &&str| listed.iter().any(|one| one == name);
        let there: Vec<_> = known.iter().copied().filter(has).collect();
        if there.is_empty() {
            return Err(StoreFault::found("list the column families", "it has none of ours"));
        }
        Ok(there)
    }

    fn families(names: &[&'static str], memory: &Memory) -> Result<Vec<ColumnFamilyDescriptor>, StoreFault> {
        names
            .iter()
            .map(|name| Ok(ColumnFamilyDescriptor::new(*name, options::column_family(name, memory)?)))
            .collect::<Result<_, _>>()
            .map_err(StoreFault::of("prepare the column families"))
    }

    /// Writes all tables to disk, so that the next start has nothing to rebuild.
    ///
    /// # Errors
    /// The disk.
    pub fn flush(&self) -> Result<(), StoreFault> {
        let families: Vec<_> = keys::ALL.iter().map(|n| self.cf(n)).collect();
        let refs: Vec<_> = families.iter().collect();
        self.db
            .flush_cfs_opt(&refs, &rocksdb::FlushOptions::default())
            .map_err(StoreFault::of("flush the log"))
    }

    /// A figure of RocksDB for metrics, such as `rocksdb.total-sst-files-size`.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<u64> {
        self.db.property_int_value(name).ok().flatten()
    }
}

impl<D: Disk> Store<D> {
    pub(super) const fn disk(&self) -> &D {
        &self.db
    }

    /// The log on a disk that is open already.
    pub const fn on(disk: D) -> Self {
        Self { db: disk }
    }

    pub(super) fn cf(&self, name: &str) -> D::Family<'_> {
        self.db.family(name)
    }

    pub(super) fn get(&self, cf: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        self.db.read(cf, key)
    }

    pub(super) fn number(&self, cf: &str, key: &[u8]) -> Result<Option<u64>, StoreFault> {
        self.get(cf, key)?
            .map(|v| {
                keys::number(&v).ok_or_else(|| {
                    StoreFault::found(
                        "read a number from the log",
                        format!("it has {} bytes, not 8", v.len()),
                    )
                })
            })
            .transpose()
    }

    /// The bytes of one record.
    ///
    /// # Errors
    /// The disk, or damage.
    pub fn record(&self, position: LogPosition) -> Result<Option<Vec<u8>>, StoreFault> {
        self.get(keys::EVENTS, &keys::event(position))
    }

    /// The newest position.
    ///
    /// # Errors
    /// The disk, or damage.
    pub fn last_position(&self) -> Result<Option<LogPosition>, StoreFault> {
        let Some(key) = self.db.last_key(keys::EVENTS, None)? else { return Ok(None) };
        keys::number(&key)
            .and_then(LogPosition::new)
            .map(Some)
            .ok_or_else(|| StoreFault::found("find the end of the log", "its last key is no position"))
    }

    /// The last key of a column family that is not above `key`.
    pub(super) fn last_key_through(&self, cf: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        self.db.last_key(cf, Some(key))
    }

    /// Visits records in order from a position on until `visit` says stop. Every gap is a fault: positions have none.
    ///
    /// # Errors
    /// The disk, damage, or a missing position.
    pub fn scan(
        &self,
        from: LogPosition,
        mut visit: impl FnMut(LogPosition, &[u8]) -> bool,
    ) -> Result<(), StoreFault> {
        let (mut expected, mut missing) = (from, false);
        self.db.visit(keys::EVENTS, &keys::event(from), Reading::Once, |key, value| {
            missing = keys::number(key) != Some(expected.get());
            if missing || !visit(expected, value) {
                return false;
            }
            expected = expected.next();
            true
        })?;
        if missing {
            return Err(StoreFault::found("read the log", format!("position {expected} is missing")));
        }
        Ok(())
    }

    /// Visits the keys of a column family from `first` to `last`, both included, until `visit` says stop.
    pub(super) fn scan_keys(
        &self,
        cf: &str,
        first: &[u8],
        last: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreFault> {
        self.db.visit(cf, first, Reading::Far, |key, value| key <= last && visit(key, value))
    }

    /// Visits the keys that begin with `prefix`, from `prefix ‖ from` on.
    pub(super) fn scan_prefix<E: From<StoreFault>>(
        &self,
        cf: &str,
        prefix: &[u8],
        from: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut fault = None;
        self.db.visit(cf, &[prefix, from].concat(), Reading::Few, |key, value| {
            if !key.starts_with(prefix) {
                return false;
            }
            fault = visit(key, value).err();
            fault.is_none()
        })?;
        fault.map_or(Ok(()), Err)
    }

    /// Writes and fsyncs. After an error the outcome is unknown: stop.
    pub(super) fn write_synced(&self, batch: D::Rows) -> Result<(), StoreFault> {
        self.db.write(batch, Durable::Synced)
    }

    /// Writes derived rows: no WAL, they are rebuilt from the log after a crash.
    pub(super) fn write_derived(&self, batch: D::Rows) -> Result<(), StoreFault> {
        self.db.write(batch, Durable::Derived)
    }
}

impl Disk for Db {
    type Rows = WriteBatch;
    type Family<'a> = Arc<BoundColumnFamily<'a>>;

    fn family(&self, name: &str) -> Self::Family<'_> {
        self.cf_handle(name).expect("every column family was opened")
    }

    fn put(rows: &mut WriteBatch, family: &Self::Family<'_>, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        rows.put_cf(family, key, value);
    }

    fn read(&self, family: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        self.get_cf(&self.family(family), key).map_err(StoreFault::of("read from the log"))
    }

    fn visit(
        &self,
        family: &str,
        from: &[u8],
        reading: Reading,
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreFault> {
        let mut read = ReadOptions::default();
        match reading {
            Reading::Few => {}
            // RocksDB reads ahead by itself, the more the longer a visit goes on: most want a record or two.
            Reading::Once => read.fill_cache(false),
            Reading::Far => {
                read.fill_cache(false);
                read.set_readahead_size(1 << 20);
            }
        }
        let mut iter = self.raw_iterator_cf_opt(&self.family(family), read);
        iter.seek(from);
        while let Some((key, value)) = iter.item() {
            if !visit(key, value) {
                return Ok(());
            }
            iter.next();
        }
        // An iterator that ends early looks like the end of the log; only its status tells.
        iter.status().map_err(StoreFault::of("read the log"))
    }

    fn last_key(&self, family: &str, through: Option<&[u8]>) -> Result<Option<Vec<u8>>, StoreFault> {
        let mut iter = self.raw_iterator_cf(&self.family(family));
        match through {
            Some(key) => iter.seek_for_prev(key),
            None => iter.seek_to_last(),
        }
        let found = iter.key().map(<[u8]>::to_vec);
        iter.status().map_err(StoreFault::of("find the end of the log"))?;
        Ok(found)
    }

    fn write(&self, rows: WriteBatch, durable: Durable) -> Result<(), StoreFault> {
        let mut write = WriteOptions::default();
        let doing = match durable {
            Durable::Synced => {
                write.set_sync(!sabotaged(Sabotage::AckBeforeSync));
                "write and fsync a batch"
            }
            Durable::Derived => {
                write.disable_wal(true);
                "write derived rows"
            }
        };
        self.write_opt(rows, &write).map_err(StoreFault::of(doing))
    }
}

impl Rows for WriteBatch {
    fn count(&self) -> usize {
        self.len()
    }

    fn bytes(&self) -> usize {
        self.size_in_bytes()
    }
}
