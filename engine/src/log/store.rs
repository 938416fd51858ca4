//! The database of the log: open column families, typed reads and the two kinds of writes.

use std::path::Path;
use std::sync::Arc;

use guichet_crash::{Sabotage, sabotaged};
use guichet_schemas::position::LogPosition;
use guichet_schemas::wire::store::CommandOutcome;
use prost::Message as _;
use rocksdb::{
    BoundColumnFamily, ColumnFamilyDescriptor, DBRecoveryMode, DBWithThreadMode, IteratorMode, MultiThreaded,
    Options, ReadOptions, WriteBatch, WriteOptions,
};

use super::{Memory, keys, options};

/// RocksDB said no. What was being written may or may not be there: never try again, stop.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{doing}: {cause}")]
pub struct StoreFault {
    /// What we were doing.
    pub doing: &'static str,
    /// What RocksDB said, or what we found.
    pub cause: String,
}

impl StoreFault {
    pub(super) fn of(doing: &'static str) -> impl FnOnce(rocksdb::Error) -> Self {
        move |e| Self { doing, cause: e.into_string() }
    }

    pub(crate) fn found(doing: &'static str, cause: impl Into<String>) -> Self {
        Self { doing, cause: cause.into() }
    }
}

type Db = DBWithThreadMode<MultiThreaded>;

/// The open database. One per partition.
pub struct Store {
    db: Db,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.db.path()).finish()
    }
}

impl Store {
    /// True where `dir` holds a log whose records hold personal texts readable: format 1. It is not touched.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn is_readable(dir: &Path) -> Result<bool, StoreFault> {
        if !dir.join("CURRENT").exists() {
            return Ok(false);
        }
        let families = Db::list_cf(&Options::default(), dir).map_err(StoreFault::of("look into the log"))?;
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
        let families = Self::families(memory)?;
        let db = Db::open_cf_descriptors(&options::database(memory), dir, families)
            .map_err(StoreFault::of("open the log"))?;
        Ok(Self { db })
    }

    /// Opens what can be read of a damaged database, to read from it. Nothing in it is changed.
    pub(super) fn open_damaged(dir: &Path) -> Result<Self, StoreFault> {
        let mut options = Options::default();
        options.set_wal_recovery_mode(DBRecoveryMode::SkipAnyCorruptedRecord);
        options.set_paranoid_checks(false);
        let db = Db::open_cf_for_read_only(&options, dir, keys::ALL, false)
            .map_err(StoreFault::of("look into the damaged log"))?;
        Ok(Self { db })
    }

    /// Visits the answers of commands that wrote no event: no record says them again.
    pub(super) fn answers_without_events<E: From<StoreFault>>(
        &self,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.scan_prefix(keys::COMMANDS, &[], &[], |key, value| {
            let row = CommandOutcome::decode(value);
            if row.is_ok_and(|row| row.first_position == 0 && !row.reply.is_empty()) {
                visit(key, value)?;
            }
            Ok(())
        })
    }

    /// Opens the database in `dir` as it is now, though an engine may be writing it; nothing in it is changed.
    ///
    /// # Errors
    /// RocksDB refuses: damage, or a column family that is not there.
    pub(super) fn open_secondary(dir: &Path, work: &Path, memory: &Memory) -> Result<Self, StoreFault> {
        let mut options = options::database(memory);
        // A file that the engine removes meanwhile can be read on only by who has it open.
        options.set_max_open_files(-1);
        let db = Db::open_cf_descriptors_as_secondary(&options, dir, work, Self::families(memory)?)
            .map_err(StoreFault::of("open the log beside its engine"))?;
        Ok(Self { db })
    }

    /// Opens the database in `dir` to be read; nothing in it is changed.
    ///
    /// # Errors
    /// RocksDB refuses: damage, or a column family that is not there.
    pub(super) fn open_read_only(dir: &Path, memory: &Memory) -> Result<Self, StoreFault> {
        let families = Self::families(memory)?;
        let db = Db::open_cf_descriptors_read_only(&options::database(memory), dir, families, false)
            .map_err(StoreFault::of("open the log to read it"))?;
        Ok(Self { db })
    }

    fn families(memory: &Memory) -> Result<Vec<ColumnFamilyDescriptor>, StoreFault> {
        keys::ALL
            .iter()
            .map(|name| Ok(ColumnFamilyDescriptor::new(*name, options::column_family(name, memory)?)))
            .collect::<Result<_, _>>()
            .map_err(StoreFault::of("prepare the column families"))
    }

    pub(super) fn cf(&self, name: &str) -> Arc<BoundColumnFamily<'_>> {
        self.db.cf_handle(name).expect("every column family was opened")
    }

    pub(super) fn get(&self, cf: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        self.db.get_cf(&self.cf(cf), key).map_err(StoreFault::of("read from the log"))
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
        match self
            .db
            .iterator_cf(&self.cf(keys::EVENTS), IteratorMode::End)
            .next()
            .transpose()
            .map_err(StoreFault::of("find the end of the log"))?
        {
            None => Ok(None),
            Some((key, _)) => keys::number(&key)
                .and_then(LogPosition::new)
                .map(Some)
                .ok_or_else(|| StoreFault::found("find the end of the log", "its last key is no position")),
        }
    }

    /// The last key of a column family that is not above `key`.
    pub(super) fn last_key_through(&self, cf: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        let mut iter = self.db.raw_iterator_cf(&self.cf(cf));
        iter.seek_for_prev(key);
        let found = iter.key().map(<[u8]>::to_vec);
        iter.status().map_err(StoreFault::of("find the end of an index of the log"))?;
        Ok(found)
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
        let mut read = ReadOptions::default();
        // RocksDB reads ahead by itself, the more the longer a scan goes on: most want a record or two.
        read.fill_cache(false);
        let mut iter = self.db.raw_iterator_cf_opt(&self.cf(keys::EVENTS), read);
        iter.seek(keys::event(from));
        let mut expected = from;
        while let Some((key, value)) = iter.item() {
            if keys::number(key) != Some(expected.get()) {
                return Err(StoreFault::found("read the log", format!("position {expected} is missing")));
            }
            if !visit(expected, value) {
                return Ok(());
            }
            expected = expected.next();
            iter.next();
        }
        // An iterator that ends early looks like the end of the log; only its status tells.
        iter.status().map_err(StoreFault::of("read the log"))
    }

    /// Visits the keys of a column family from `first` to `last`, both included, until `visit` says stop.
    pub(super) fn scan_keys(
        &self,
        cf: &str,
        first: &[u8],
        last: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreFault> {
        let mut read = ReadOptions::default();
        read.fill_cache(false);
        read.set_readahead_size(1 << 20);
        let mut iter = self.db.raw_iterator_cf_opt(&self.cf(cf), read);
        iter.seek(first);
        while let Some((key, value)) = iter.item() {
            if key > last || !visit(key, value) {
                return Ok(());
            }
            iter.next();
        }
        iter.status().map_err(StoreFault::of("read the log"))
    }

    /// Visits the keys that begin with `prefix`, from `prefix ‖ from` on.
    pub(super) fn scan_prefix<E: From<StoreFault>>(
        &self,
        cf: &str,
        prefix: &[u8],
        from: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut iter = self.db.raw_iterator_cf(&self.cf(cf));
        iter.seek([prefix, from].concat());
        while let Some((key, value)) = iter.item() {
            if !key.starts_with(prefix) {
                return Ok(());
            }
            visit(key, value)?;
            iter.next();
        }
        iter.status().map_err(StoreFault::of("read an index of the log"))?;
        Ok(())
    }

    /// Writes and fsyncs. After an error the outcome is unknown: stop.
    pub(super) fn write_synced(&self, batch: WriteBatch) -> Result<(), StoreFault> {
        let mut write = WriteOptions::default();
        write.set_sync(!sabotaged(Sabotage::AckBeforeSync));
        self.db.write_opt(batch, &write).map_err(StoreFault::of("write and fsync a batch"))
    }

    /// Writes derived rows: no WAL, they are rebuilt from the log after a crash.
    pub(super) fn write_derived(&self, batch: WriteBatch) -> Result<(), StoreFault> {
        let mut write = WriteOptions::default();
        write.disable_wal(true);
        self.db.write_opt(batch, &write).map_err(StoreFault::of("write derived rows"))
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
