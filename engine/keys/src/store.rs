//! The key store: a database of its own, so that keys have a folder, permissions and backups of their own. A record
//! uses a key only after its row is on disk.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use guichet_fault::{Cause, FaultKind, files};
use guichet_schemas::ids::KeyId;
use nix::fcntl::{Flock, FlockArg};
use rocksdb::{
    Cache, ColumnFamilyDescriptor, DBWithThreadMode, MultiThreaded, WriteBatch, WriteBufferManager,
    WriteOptions,
};
use zeroize::Zeroizing;

use crate::dice::Dice;
use crate::kek::Kek;
use crate::key::{Commitment, DataKey};
use crate::rows::{self, KeyRow};
use crate::{NoDice, options};

/// Version of the rows. A store of another one is refused.
pub(crate) const FORMAT: u32 = 1;
/// Says that the store was found to be damaged while it was read; with the cause inside.
pub const MARK: &str = "damaged";

/// The store failed, or what it holds is damaged. What was being written may or may not be there.
#[derive(Debug, Clone, thiserror::Error)]
#[error("key store: {doing}: {cause}")]
pub struct KeyFault {
    pub doing: &'static str,
    /// The message of the database or the system, or our own finding.
    pub cause: Cause,
}

impl KeyFault {
    pub(crate) fn of(doing: &'static str) -> impl FnOnce(rocksdb::Error) -> Self {
        move |error| Self { doing, cause: error.into() }
    }

    /// A fault: the stored bytes are not those that were written.
    pub(crate) fn found(doing: &'static str, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { doing, cause: Cause::damage(why) }
    }

    /// The system refused: nothing is known about the keys.
    pub fn refused(doing: &'static str, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { doing, cause: Cause::refused(why) }
    }

    #[must_use]
    pub fn kind(&self) -> FaultKind {
        self.cause.kind()
    }
}

impl From<NoDice> for KeyFault {
    fn from(e: NoDice) -> Self {
        Self::refused("wrap a key", e)
    }
}

/// Why a key store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another engine has the folder.
    #[error("another engine uses the key store {0}; stop it first, or use another --data-dir")]
    Locked(PathBuf),
    /// The folder cannot be made or locked.
    #[error("could not open the folder {dir}: {cause}")]
    Folder { dir: PathBuf, cause: std::io::Error },
    /// Its keys are kept under another key-encryption key.
    #[error(
        "the key store {dir} was made under the key-encryption key {made}, the one given is {given}; give the right one with --kek-file or GUICHET_KEK"
    )]
    OtherKek {
        dir: PathBuf,
        /// Id of the key that it was made under.
        made: String,
        /// Id of the key that was given.
        given: String,
    },
    /// Another program made it.
    #[error(
        "the key store {dir} has format {found}, this program knows {FORMAT}; use the program that wrote it"
    )]
    OtherFormat {
        dir: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The database is damaged.
    #[error(
        "the key store {dir} cannot be opened: {fault}; bring back a copy of this folder, or start the engine, which rebuilds the store from what is left of it"
    )]
    Fault { dir: PathBuf, fault: KeyFault },
    /// The system refuses, and the keys may be whole.
    #[error(
        "the key store {dir} cannot be opened: {fault}; nothing says that the keys are damaged: leave the folder where it is, remove the cause, and start again"
    )]
    Refused { dir: PathBuf, fault: KeyFault },
}

impl OpenError {
    fn of(dir: &Path) -> impl Fn(KeyFault) -> Self + Copy {
        move |fault| {
            let dir = dir.to_owned();
            if fault.kind().is_damage() { Self::Fault { dir, fault } } else { Self::Refused { dir, fault } }
        }
    }
}

/// A key to be kept.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Of which tenant.
    pub tenant: String,
    /// Of which data subject.
    pub subject: String,
    pub id: KeyId,
    pub key: DataKey,
}

pub(crate) type Db = DBWithThreadMode<MultiThreaded>;

/// The open key store of a partition.
pub struct KeyStore {
    db: Db,
    dir: PathBuf,
    kek: Kek,
    names: Zeroizing<[u8; 32]>,
    made: bool,
    _lock: Flock<File>,
}

impl std::fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyStore").field("path", &self.db.path()).finish()
    }
}

impl KeyStore {
    /// True where a folder holds a key store, the beginning of one, or what is left of one.
    ///
    /// # Errors
    /// The system does not let us look.
    pub fn is_there(dir: &Path) -> Result<bool, OpenError> {
        let found = files::of(&dir.join("rocksdb"));
        Ok(!found.map_err(|cause| OpenError::Folder { dir: dir.to_owned(), cause })?.is_empty())
    }

    /// Opens the store in `dir`, or makes it. Its memory is that of the databases of the process.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        dir: &Path,
        cache: &Cache,
        write_buffers: &WriteBufferManager,
        kek: Kek,
    ) -> Result<Self, OpenError> {
        let lock = lock(dir)?;
        let database = dir.join("rocksdb");
        let fault = OpenError::of(dir);
        match std::fs::read_to_string(dir.join(MARK)) {
            Ok(why) => return Err(fault(KeyFault::found("open", why))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(OpenError::Folder { dir: dir.join(MARK), cause }),
        }
        if files::lost_their_beginning(&database).map_err(|e| fault(KeyFault::refused("open", e)))? {
            // The database would be rebuilt here, and the files of the old one removed.
            let why = "its file CURRENT is gone, but there are tables or write-ahead logs";
            return Err(fault(KeyFault { doing: "open", cause: Cause::missing(why) }));
        }
        let families = families(cache).map_err(fault)?;
        let db = Db::open_cf_descriptors(&options::database(write_buffers), database, families)
            .map_err(KeyFault::of("open"))
            .map_err(fault)?;
        let (names, made) = names(&db, dir, &kek)?;
        Ok(Self { db, dir: dir.to_owned(), kek, names, made, _lock: lock })
    }

    /// True where this start made the store.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.made
    }

    /// Keeps keys: one write, one fsync. After an error the outcome is unknown.
    ///
    /// # Errors
    /// The disk.
    pub fn put(&self, keys: &[NewKey], dice: &mut Dice) -> Result<(), KeyFault> {
        let mut batch = WriteBatch::default();
        for new in keys {
            let tag = rows::tag(&self.names, &new.tenant, &new.subject);
            let commitment = new.key.commitment();
            let aad = rows::key_aad(&new.tenant, new.id, &tag, &commitment);
            let wrapped = self.kek.wrap(new.key.reveal(), &aad, dice)?;
            let row = KeyRow { tag, commitment, kek: self.kek.id(), wrapped: &wrapped };
            put_row(&self.db, &mut batch, &new.tenant, new.id, &row);
        }
        write_synced(&self.db, batch)
    }

    /// A key of a tenant, with what commits to it; `None` where there is none, or none any more.
    ///
    /// # Errors
    /// The disk, or a damaged row.
    pub fn get(&self, tenant: &str, id: KeyId) -> Result<Option<(DataKey, Commitment)>, KeyFault> {
        self.read(tenant, id).map_err(|fault| self.note(fault))
    }

    fn read(&self, tenant: &str, id: KeyId) -> Result<Option<(DataKey, Commitment)>, KeyFault> {
        let found = self.db.get_cf(&cf(&self.db, rows::KEYS), rows::key(tenant, id));
        let Some(bytes) = found.map_err(KeyFault::of("read a key"))? else { return Ok(None) };
        let damaged = |cause: &str| KeyFault::found("read a key", format!("the row of key {id} {cause}"));
        let row = KeyRow::read(&bytes).ok_or_else(|| damaged("is not of the known form"))?;
        if row.kek != self.kek.id() {
            return Err(damaged("was wrapped under another key-encryption key"));
        }
        let key = row.open(&self.kek, tenant, id);
        key.map(|key| Some((key, row.commitment))).ok_or_else(|| damaged("does not open"))
    }

    /// Notes damage that was met, for the next start, which rebuilds the store: opening it alone would not find that.
    fn note(&self, fault: KeyFault) -> KeyFault {
        if fault.kind().is_damage()
            && let Err(error) = std::fs::write(self.dir.join(MARK), fault.to_string())
        {
            tracing::error!(%error, "damage of the key store could not be noted for the next start");
        }
        fault
    }

    /// The ids of all keys of a data subject.
    ///
    /// # Errors
    /// The disk, or damage.
    pub fn keys_of(&self, tenant: &str, subject: &str) -> Result<Vec<KeyId>, KeyFault> {
        let prefix = rows::subject(tenant, &rows::tag(&self.names, tenant, subject));
        let mut iter = self.db.raw_iterator_cf(&cf(&self.db, rows::SUBJECTS));
        let mut ids = Vec::new();
        iter.seek(&prefix);
        while let Some(rest) = iter.key().and_then(|key| key.strip_prefix(prefix.as_slice())) {
            let id = KeyId::from_slice(rest);
            ids.push(id.ok_or_else(|| KeyFault::found("list the keys of a subject", "a row is too long"))?);
            iter.next();
        }
        iter.status().map_err(KeyFault::of("list the keys of a subject"))?;
        Ok(ids)
    }

    /// Writes all tables to disk.
    ///
    /// # Errors
    /// The disk.
    pub fn flush(&self) -> Result<(), KeyFault> {
        flush(&self.db)
    }
}

/// Puts a key into a batch, and under its data subject.
pub(crate) fn put_row(db: &Db, batch: &mut WriteBatch, tenant: &str, id: KeyId, row: &KeyRow<'_>) {
    batch.put_cf(&cf(db, rows::KEYS), rows::key(tenant, id), row.to_bytes());
    batch.put_cf(&cf(db, rows::SUBJECTS), rows::subject_key(tenant, &row.tag, id), []);
}

pub(crate) fn families(cache: &Cache) -> Result<Vec<ColumnFamilyDescriptor>, KeyFault> {
    rows::ALL
        .iter()
        .map(|name| Ok(ColumnFamilyDescriptor::new(*name, options::column_family(cache)?)))
        .collect::<Result<_, _>>()
        .map_err(KeyFault::of("prepare the column families"))
}

/// Writes all tables of a store to disk.
pub(crate) fn flush(db: &Db) -> Result<(), KeyFault> {
    let families: Vec<_> = rows::ALL.iter().map(|name| cf(db, name)).collect();
    let refs: Vec<_> = families.iter().collect();
    db.flush_cfs_opt(&refs, &rocksdb::FlushOptions::default()).map_err(KeyFault::of("flush"))
}

pub(crate) fn cf<'a>(db: &'a Db, name: &str) -> std::sync::Arc<rocksdb::BoundColumnFamily<'a>> {
    db.cf_handle(name).expect("every column family was opened")
}

pub(crate) fn write_synced(db: &Db, batch: WriteBatch) -> Result<(), KeyFault> {
    let mut write = WriteOptions::default();
    write.set_sync(true);
    db.write_opt(batch, &write).map_err(KeyFault::of("write and fsync keys"))
}

/// The key of the tags, made with the store. Tells a store of another key-encryption key or format.
fn names(db: &Db, dir: &Path, kek: &Kek) -> Result<(Zeroizing<[u8; 32]>, bool), OpenError> {
    let meta = cf(db, rows::META);
    let at = OpenError::of(dir);
    let get = |key| db.get_cf(&meta, key).map_err(KeyFault::of("read what is true of the store")).map_err(at);
    let damaged = |cause: &str| at(KeyFault::found("read what is true of the store", cause));
    let Some(format) = get(rows::FORMAT)? else {
        let mut dice = Dice::new();
        let names = dice.key().map_err(KeyFault::from).map_err(at)?;
        let wrapped = kek.wrap(&names, rows::NAMES_AAD, &mut dice).map_err(KeyFault::from).map_err(at)?;
        let mut batch = WriteBatch::default();
        batch.put_cf(&meta, rows::FORMAT, FORMAT.to_be_bytes());
        batch.put_cf(&meta, rows::NAMES, [kek.id().as_slice(), &wrapped].concat());
        write_synced(db, batch).map_err(at)?;
        return Ok((names, true));
    };
    let found = format.as_slice().try_into().map(u32::from_be_bytes);
    let found = found.map_err(|_| damaged("its format is no number"))?;
    if found != FORMAT {
        return Err(OpenError::OtherFormat { dir: dir.to_owned(), found });
    }
    let row = get(rows::NAMES)?.ok_or_else(|| damaged("the key of the tags is missing"))?;
    let (made, wrapped) =
        row.split_first_chunk::<16>().ok_or_else(|| damaged("the key of the tags is too short"))?;
    if *made != kek.id() {
        let (made, given) = (hex::encode(made), hex::encode(kek.id()));
        return Err(OpenError::OtherKek { dir: dir.to_owned(), made, given });
    }
    let names = kek.unwrap(wrapped, rows::NAMES_AAD);
    Ok((names.ok_or_else(|| damaged("the key of the tags does not open"))?, false))
}

pub(crate) fn lock(dir: &Path) -> Result<Flock<File>, OpenError> {
    let folder = |cause| OpenError::Folder { dir: dir.to_owned(), cause };
    std::fs::create_dir_all(dir).map_err(folder)?;
    // The name of the folder outlives a power cut, like what is put into it.
    if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(folder)?;
    }
    let file = File::open(dir).map_err(folder)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| {
        if errno == nix::errno::Errno::EWOULDBLOCK {
            OpenError::Locked(dir.to_owned())
        } else {
            folder(errno.into())
        }
    })
}

#[cfg(test)]
mod tests;
