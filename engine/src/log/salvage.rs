//! What only a damaged database holds, read before it is put aside: its write-ahead logs record by record, and its
//! tables as far as they can be read.
//!
//! Nothing of the log is ever deleted or written twice, so whatever is found of a position is that record, however old
//! the file is. What a start may destroy while it opens the database (RocksDB removes tables that its list of files does
//! not name, and a list that lost its end does not name the newest) is kept by a second name before.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use guichet_fault::files;
use guichet_schemas::codec::Head;
use guichet_schemas::position::LogPosition;
use guichet_schemas::wire::store::CommandOutcome;
use prost::Message as _;
use rocksdb::Options;

use super::disk::{Disk as _, Reading};
use super::store::{DATABASE, Db};
use super::wal::{self, Ending};
use super::{Store, StoreFault, keys};

/// Folder in which the files of the database have a second name while a start has not proven itself.
const KEPT: &str = "rocksdb.kept";
/// Folder, in that one, of the tables alone, under a list of files that is rebuilt.
const TABLES: &str = "tables";

/// Gives every file of the database a second name. What has one already keeps it: it is the older one.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn keep(dir: &Path) -> io::Result<()> {
    let (database, kept) = (dir.join(DATABASE), dir.join(KEPT));
    if !kept.try_exists()? && files::of(&database)?.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(&kept)?;
    link(&database, &kept, |_| true)
}

/// The start has proven itself: the second names can go.
pub(super) fn let_go(dir: &Path) {
    let kept = dir.join(KEPT);
    if let Err(error) = fs::remove_dir_all(&kept)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, kept = %kept.display(), "files that are not needed any more could not be removed");
    }
}

fn link(from: &Path, to: &Path, wanted: impl Fn(&Path) -> bool) -> io::Result<()> {
    for file in files::of(from)?.into_iter().filter(|file| wanted(file)) {
        let name = file.file_name().unwrap_or_default();
        match fs::hard_link(&file, to.join(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // A file system without second names: the few that a start removes are copied.
            Err(_) => drop(fs::copy(&file, to.join(name))?),
        }
    }
    Ok(())
}

pub(super) struct Salvaged {
    /// Records of the write-ahead logs.
    records: BTreeMap<u64, Vec<u8>>,
    /// The tables under their own list of files, and under one that was rebuilt.
    tables: Vec<Store>,
    /// Answers of commands that wrote no event: key and value.
    pub(super) answers: BTreeMap<Vec<u8>, Vec<u8>>,
    /// So many answers there were, where it says so.
    pub(super) answers_counted: Option<u64>,
    /// Nothing that could hold an answer was unreadable.
    pub(super) answers_whole: bool,
    /// How the newest write-ahead log ended.
    pub(super) ending: Ending,
}

impl Salvaged {
    /// Reads the database in a folder of a log, and what is kept of it. What is damaged is left out.
    ///
    /// # Errors
    /// The system refuses: then what could not be read may be whole, and must not be given up.
    pub(super) fn of(dir: &Path) -> Result<Self, StoreFault> {
        let mut found = Self {
            records: BTreeMap::new(),
            tables: Vec::new(),
            answers: BTreeMap::new(),
            answers_counted: None,
            answers_whole: true,
            ending: Ending::Clean,
        };
        if let Some(kept) = left(dir)? {
            each_wal(&kept, |bytes| found.take_wal(bytes))?;
            found.take_tables(&kept)?;
        }
        let newest = found.newest()?;
        tracing::warn!(
            records = found.records.len(),
            answers = found.answers.len(),
            newest,
            "read what the damaged database still holds"
        );
        Ok(found)
    }

    fn take_wal(&mut self, bytes: &[u8]) {
        let (records, answers) = (&mut self.records, &mut self.answers);
        let counted = &mut self.answers_counted;
        self.ending = wal::read(bytes, |(_, key, value)| {
            // What a row is follows from itself: the numbers of the families stand in a file that may be the damaged one.
            if let Some(position) = record_of(key, value) {
                records.insert(position, value.to_vec());
            } else if key == keys::META_ANSWERS {
                *counted = keys::number(value).max(*counted);
            } else if is_answer(key, value) {
                answers.insert(key.to_vec(), value.to_vec());
            }
        });
        self.answers_whole &= self.ending == Ending::Clean;
    }

    fn take_tables(&mut self, kept: &Path) -> Result<(), StoreFault> {
        for opened in tables(kept, &keys::ALL)? {
            match opened {
                Some(store) => self.take_answers(store)?,
                None => self.answers_whole = false,
            }
        }
        Ok(())
    }

    fn take_answers(&mut self, store: Store) -> Result<(), StoreFault> {
        if store.has(keys::META) {
            let counted = unless_damaged(store.number(keys::META, keys::META_ANSWERS))?;
            self.answers_counted = counted.flatten().max(self.answers_counted);
        }
        if store.has(keys::COMMANDS) {
            self.answers_whole &= each_answer(&store, |key, value| {
                self.answers.insert(key.to_vec(), value.to_vec());
            })?;
        }
        if store.has(keys::EVENTS) {
            self.tables.push(store);
        }
        Ok(())
    }

    /// The record at a position, where it is found.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn record(&self, position: LogPosition) -> Result<Option<Vec<u8>>, StoreFault> {
        if let Some(in_wal) = self.records.get(&position.get()) {
            return Ok(Some(in_wal.clone()));
        }
        for tables in &self.tables {
            if let Some(found) = unless_damaged(tables.record(position))?.flatten() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The newest position that was seen, whatever is missing before it.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn newest(&self) -> Result<u64, StoreFault> {
        let mut newest = self.records.last_key_value().map_or(0, |(position, _)| *position);
        for tables in &self.tables {
            let last = unless_damaged(tables.last_position())?.flatten();
            newest = newest.max(LogPosition::or_zero(last));
        }
        Ok(newest)
    }

    /// The last position from `after` on, without a gap, up to `limit`.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn reaches(&self, after: u64, limit: u64) -> Result<u64, StoreFault> {
        let mut last = after;
        while last < limit
            && let Some(next) = LogPosition::new(last + 1)
            && self.record(next)?.is_some()
        {
            last += 1;
        }
        Ok(last)
    }
}

/// The value that was read; none where it is damaged.
fn unless_damaged<T>(read: Result<T, StoreFault>) -> Result<Option<T>, StoreFault> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(fault) if fault.is_damage() => Ok(None),
        Err(refused) => Err(refused),
    }
}

/// The position of a row that is a record.
fn record_of(key: &[u8], value: &[u8]) -> Option<u64> {
    let position = keys::number(key)?;
    Head::read(value).filter(|record| record.position == position).map(|_| position)
}

/// True for the answer of a command that wrote no event: its key is a tenant, 0, and an id.
fn is_answer(key: &[u8], value: &[u8]) -> bool {
    let named = key.len().checked_sub(17).is_some_and(|tenant| tenant > 0 && key[tenant] == 0);
    named && CommandOutcome::decode(value).is_ok_and(|row| row.first_position == 0 && !row.reply.is_empty())
}

/// Visits the answers of commands that wrote no event; false where some are damaged.
fn each_answer(store: &Store, mut visit: impl FnMut(&[u8], &[u8])) -> Result<bool, StoreFault> {
    let (mut from, mut whole) = (Vec::new(), true);
    // Past a block that cannot be read: as far as must be, doubling. What lies in between is missed, and counted.
    let mut step = 1_u128 << 64;
    loop {
        let mut last = Vec::new();
        let read = store.disk().visit(keys::COMMANDS, &from, Reading::Once, |key, value| {
            if is_answer(key, value) {
                visit(key, value);
            }
            last = key.to_vec();
            true
        });
        if unless_damaged(read)?.is_some() {
            return Ok(whole);
        }
        whole = false;
        if !last.is_empty() {
            (from, step) = (last, 1 << 64);
        }
        let Some(next) = beyond(&from, step) else { return Ok(false) };
        (from, step) = (next, step.saturating_mul(2));
    }
}

/// A key of the same tenant that is further by so much; `None`: there is none.
fn beyond(key: &[u8], step: u128) -> Option<Vec<u8>> {
    let (tenant, id) = key.split_last_chunk::<16>()?;
    let next = u128::from_be_bytes(*id).checked_add(step)?;
    Some([tenant, &next.to_be_bytes()].concat())
}

/// The rows of a damaged database of any kind, where no row is ever deleted or written twice.
pub(super) struct Rows {
    in_wal: BTreeMap<Vec<u8>, Vec<u8>>,
    tables: Vec<Store>,
}

impl Rows {
    /// Reads what is left of the database in a folder.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn of(dir: &Path, known: &[&'static str]) -> Result<Self, StoreFault> {
        let mut found = Self { in_wal: BTreeMap::new(), tables: Vec::new() };
        if let Some(kept) = left(dir)? {
            each_wal(&kept, |bytes| {
                let ending = wal::read(bytes, |(_, key, value)| {
                    found.in_wal.insert(key.to_vec(), value.to_vec());
                });
                if ending == Ending::Unreadable {
                    tracing::warn!("a write-ahead log of the damaged database ends with what cannot be read");
                }
            })?;
            found.tables = tables(&kept, known)?.into_iter().flatten().collect();
        }
        Ok(found)
    }

    /// Every copy of a row that can be read.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn copies(&self, family: &str, key: &[u8]) -> Result<Vec<Vec<u8>>, StoreFault> {
        let mut copies: Vec<_> = self.in_wal.get(key).cloned().into_iter().collect();
        for tables in self.tables.iter().filter(|tables| tables.has(family)) {
            copies.extend(unless_damaged(tables.get(family, key))?.flatten());
        }
        Ok(copies)
    }
}

/// Where the files of the database in a folder are, if there are any: under their second names, or where they were.
fn left(dir: &Path) -> Result<Option<PathBuf>, StoreFault> {
    for candidate in [dir.join(KEPT), dir.join(DATABASE)] {
        let there = candidate.try_exists().map_err(|e| StoreFault::refused("look for the database", e))?;
        if there {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// Visits the bytes of each write-ahead log, oldest first.
fn each_wal(kept: &Path, mut visit: impl FnMut(&[u8])) -> Result<(), StoreFault> {
    let disk = |e: io::Error| StoreFault::refused("read the write-ahead logs", e);
    for file in wal::files(kept).map_err(disk)? {
        visit(&fs::read(&file).map_err(disk)?);
    }
    Ok(())
}

/// The tables under their own list of files, and under one that is rebuilt; `None` where they cannot be opened so. Under a
/// list that is damaged, RocksDB finds some of the tables or none; under a new one it finds all that have no damage
/// inside. Each finds what the other misses.
fn tables(kept: &Path, known: &[&'static str]) -> Result<[Option<Store>; 2], StoreFault> {
    let usable = |opened: Result<Store, StoreFault>| match opened {
        Ok(store) => Ok(Some(store)),
        Err(fault) if fault.is_damage() => {
            tracing::warn!(%fault, "tables of the damaged database could not be opened");
            Ok(None)
        }
        Err(refused) => Err(refused),
    };
    Ok([usable(Store::open_damaged(kept, known))?, usable(listed_again(kept, known))?])
}

/// The tables of a database under a new list of files, made beside it.
fn listed_again(kept: &Path, known: &[&'static str]) -> Result<Store, StoreFault> {
    let dir = kept.join(TABLES);
    let disk = |e: io::Error| StoreFault::refused("list the tables of the damaged database", e);
    if dir.exists() {
        fs::remove_dir_all(&dir).map_err(disk)?;
    }
    fs::create_dir_all(&dir).map_err(disk)?;
    link(kept, &dir, |file| file.extension().is_some_and(|ending| ending == "sst")).map_err(disk)?;
    Db::repair(&Options::default(), &dir)
        .map_err(StoreFault::of("list the tables of the damaged database"))?;
    Store::open_damaged(&dir, known)
}
