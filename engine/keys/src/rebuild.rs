//! A key store that is rebuilt from what is left of a damaged one, key by key as the log names them.
//!
//! A row proves itself: it opens under the key-encryption key, for this tenant and this id alone, to the key that the log
//! commits to. So it does not matter where a copy of it was found. Whose key it is the log says too; what the store keeps
//! of that is written again, also where the key of the tags is lost.

use std::fs::File;
use std::path::{Path, PathBuf};

use guichet_schemas::ids::KeyId;
use nix::fcntl::Flock;
use rocksdb::{Cache, WriteBatch, WriteBufferManager};
use zeroize::Zeroizing;

use crate::dice::Dice;
use crate::kek::Kek;
use crate::key::Commitment;
use crate::options;
use crate::rows::{self, KeyRow, Tag};
use crate::store::{self, Db, KeyFault, OpenError};

/// Column families of a key store.
pub const FAMILIES: [&str; 3] = rows::ALL;

/// Rows written at a time.
const STRETCH: usize = 1_000;

/// A key as the log names it.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Of which tenant.
    pub tenant: &'a str,
    /// Of which data subject.
    pub subject: &'a str,
    pub id: KeyId,
    /// What commits to it.
    pub commitment: Commitment,
}

/// The store that is being made.
pub struct Rebuilding<F> {
    db: Db,
    kek: Kek,
    names: Zeroizing<[u8; 32]>,
    dice: Dice,
    batch: WriteBatch,
    /// Finds copies of a row, by column family and key.
    copies: F,
    /// The folder of the store, for messages.
    dir: PathBuf,
    _lock: Flock<File>,
}

impl<F> std::fmt::Debug for Rebuilding<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rebuilding").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl<E, F> Rebuilding<F>
where
    E: From<KeyFault> + From<OpenError>,
    F: Fn(&str, &[u8]) -> Result<Vec<Vec<u8>>, E>,
{
    /// Begins a database `name` beside that of the store in `dir`, whose lock is taken.
    ///
    /// # Errors
    /// The folder or the disk; or what is left was made under another key-encryption key.
    pub fn begin(
        dir: &Path,
        name: &str,
        cache: &Cache,
        write_buffers: &WriteBufferManager,
        kek: Kek,
        copies: F,
    ) -> Result<Self, E> {
        let lock = store::lock(dir)?;
        let families = store::families(cache)?;
        let db = Db::open_cf_descriptors(&options::database(write_buffers), dir.join(name), families)
            .map_err(KeyFault::of("rebuild"))?;
        let mut dice = Dice::new();
        let mut names = None;
        for row in copies(rows::META, rows::NAMES)? {
            let Some((made, wrapped)) = row.split_first_chunk::<16>() else { continue };
            names = names.or(kek.unwrap(wrapped, rows::NAMES_AAD).map(|opened| (opened, row.clone())));
            if names.is_none() && *made != kek.id() {
                return Err(other_kek(dir, made, &kek).into());
            }
        }
        let (names, row) = match names {
            Some(found) => found,
            None => {
                let names = dice.key().map_err(KeyFault::from)?;
                let wrapped = kek.wrap(&names, rows::NAMES_AAD, &mut dice).map_err(KeyFault::from)?;
                (names, [kek.id().as_slice(), &wrapped].concat())
            }
        };
        let mut batch = WriteBatch::default();
        let meta = store::cf(&db, rows::META);
        batch.put_cf(&meta, rows::FORMAT, store::FORMAT.to_be_bytes());
        batch.put_cf(&meta, rows::NAMES, row);
        drop(meta);
        Ok(Self { db, kek, names, dice, batch, copies, dir: dir.to_owned(), _lock: lock })
    }

    /// Takes a key, if some copy of its row proves itself. False: none does.
    ///
    /// # Errors
    /// The disk, or all that is left was made under another key-encryption key.
    pub fn take(&mut self, named: Named<'_>) -> Result<bool, E> {
        let mut other = None;
        for bytes in (self.copies)(rows::KEYS, &rows::key(named.tenant, named.id))? {
            let Some(row) = KeyRow::read(&bytes) else { continue };
            let key = row.open(&self.kek, named.tenant, named.id);
            let Some(key) = key.filter(|key| key.commitment() == named.commitment) else {
                other = other.or((row.kek != self.kek.id()).then_some(row.kek));
                continue;
            };
            let tag = rows::tag(&self.names, named.tenant, named.subject);
            if tag == row.tag {
                store::put_row(&self.db, &mut self.batch, named.tenant, named.id, &row);
            } else {
                let wrapped = self.wrap(&named, &tag, key.reveal())?;
                let row = KeyRow { tag, wrapped: &wrapped, ..row };
                store::put_row(&self.db, &mut self.batch, named.tenant, named.id, &row);
            }
            if self.batch.len() >= STRETCH {
                store::write_synced(&self.db, std::mem::take(&mut self.batch))?;
            }
            return Ok(true);
        }
        match other {
            Some(made) => Err(other_kek(&self.dir, &made, &self.kek).into()),
            None => Ok(false),
        }
    }

    fn wrap(&mut self, named: &Named<'_>, tag: &Tag, secret: &[u8; 32]) -> Result<Vec<u8>, KeyFault> {
        let aad = rows::key_aad(named.tenant, named.id, tag, &named.commitment);
        Ok(self.kek.wrap(secret, &aad, &mut self.dice)?)
    }

    /// Brings all of it to the disk.
    ///
    /// # Errors
    /// The disk.
    pub fn finish(self) -> Result<(), E> {
        store::write_synced(&self.db, self.batch)?;
        Ok(store::flush(&self.db)?)
    }
}

fn other_kek(dir: &Path, made: &[u8; 16], kek: &Kek) -> OpenError {
    OpenError::OtherKek { dir: dir.to_owned(), made: hex::encode(made), given: hex::encode(kek.id()) }
}
