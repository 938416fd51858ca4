//! Opening the key store: it has the newest key that the log names, or it is rebuilt from what is left of it, or the start
//! is refused and says from where on keys are missing.
//!
//! The log names every key that was made and commits to it, so what a rebuilt store must have is known exactly, and each
//! row that is found of the damaged one proves itself. No key is ever deleted today: once erasure comes, keys that the log
//! says were destroyed must not be brought over.

use std::path::Path;

use guichet_keys::rebuild::{FAMILIES, Named, Rebuilding};
use guichet_keys::{KeyFault, KeyStore, MARK};
use guichet_schemas::codec::{Head, decode_record};
use guichet_schemas::event::{Event, KeyCreated, LogEvent};
use guichet_schemas::position::LogPosition;

use super::repair::{self, NEXT};
use super::salvage::Rows;
use super::{GivenUp, Lost, Memory, OpenError, Store, StoreFault, key_check, key_store, salvage};
use crate::protection::Protection;

/// How a record calls the event that makes a key.
const KEY_CREATED: &str = "KeyCreated";

/// A key store, and the log that says what must be in it.
pub(super) struct Keys<'a> {
    /// Folder of the log.
    pub(super) dir: &'a Path,
    pub(super) protection: &'a Protection,
    pub(super) memory: &'a Memory,
    pub(super) store: &'a Store,
    /// Where the log ends.
    pub(super) last: Option<LogPosition>,
    pub(super) accepted: GivenUp,
}

impl Keys<'_> {
    /// Opens the key store, or makes it with its log. None: the log is measured without sealing.
    ///
    /// # Errors
    /// Keys are missing and nobody accepts that, or the system refuses.
    pub(super) fn open(&self) -> Result<Option<KeyStore>, OpenError> {
        if !self.protection.has_sealing() {
            return Ok(None);
        }
        let folder = &self.protection.keys;
        let fault = |cause| OpenError::Folder { dir: folder.clone(), cause };
        repair::settle(folder).map_err(fault)?;
        salvage::keep(folder).map_err(fault)?;
        let given_up = key_check::given_up(self.dir)?;
        let damage = match key_store::open(self.protection, self.memory) {
            Ok(keys) => match key_check::missing(self.store, &keys, self.last, given_up)? {
                None => return Ok(Some(keys)),
                Some(position) => OpenError::Lost(Lost::Keys { position, more: 0 }),
            },
            Err(error) if error.is_damage_of_keys() => error,
            Err(error) => return Err(error),
        };
        tracing::error!(%damage, "the key store is damaged or has lost keys; it is rebuilt from what is left of it");
        self.rebuild(given_up)?;
        Ok(Some(key_store::open(self.protection, self.memory)?))
    }

    /// Puts a store in the place of the damaged one that has every key which the log names and which can be found.
    fn rebuild(&self, given_up: u64) -> Result<(), OpenError> {
        let folder = &self.protection.keys;
        let fault = |cause| OpenError::Folder { dir: folder.clone(), cause };
        let next = folder.join(NEXT);
        if next.try_exists().map_err(fault)? {
            std::fs::remove_dir_all(&next).map_err(fault)?;
        }
        let filled = self.fill().and_then(|found| {
            let missing = found.missing.iter().filter(|position| **position > given_up);
            let (first, count) = (missing.clone().min().copied(), missing.count());
            if let Some(position) = first {
                self.accepted.check(Lost::Keys { position, more: count as u64 - 1 })?;
            }
            Ok(found)
        });
        let found = match filled {
            Ok(found) => found,
            Err(error) => {
                // Half of a store must never be found where the whole one is missing.
                std::fs::remove_dir_all(&next).map_err(fault)?;
                return Err(error);
            }
        };
        if let Some(last) = found.missing.last().filter(|last| **last > given_up) {
            key_check::give_up(self.dir, *last)?;
        }
        repair::replace(folder).map_err(fault)?;
        match std::fs::remove_file(folder.join(MARK)) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(fault(cause)),
            Ok(()) | Err(_) => {}
        }
        tracing::warn!(
            keys = found.taken,
            missing = found.missing.len(),
            "the key store was rebuilt: the log names these keys, and each of them opens"
        );
        Ok(())
    }

    fn fill(&self) -> Result<Found, OpenError> {
        let folder = &self.protection.keys;
        let rows = Rows::of(folder, &FAMILIES)?;
        let kek = self.protection.kek.load(true)?;
        let Memory { cache, write_buffers, .. } = self.memory;
        let copies = |family: &str, key: &[u8]| rows.copies(family, key).map_err(OpenError::from);
        let mut rebuilding = Rebuilding::begin(folder, NEXT, cache, write_buffers, kek, copies)?;
        let mut found = Found::default();
        each_key(self.store, self.last, |position, tenant, key| {
            let KeyCreated { subject, key_id, commitment } = key;
            let named = Named { tenant, subject, id: *key_id, commitment: *commitment };
            match rebuilding.take(named)? {
                true => found.taken += 1,
                false => found.missing.push(position.get()),
            }
            Ok(())
        })?;
        rebuilding.finish()?;
        Ok(found)
    }
}

/// Of the keys that the log names.
#[derive(Debug, Default)]
struct Found {
    taken: u64,
    /// Positions of the records that made the others.
    missing: Vec<u64>,
}

/// Visits every key that the log names.
fn each_key(
    store: &Store,
    last: Option<LogPosition>,
    mut visit: impl FnMut(LogPosition, &str, &KeyCreated) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let Some(last) = last else { return Ok(()) };
    let mut fault = None;
    store.scan(LogPosition::FIRST, |position, bytes| {
        // Few of a hundred make a key; the others are not decoded.
        let may_be = Head::read(bytes).is_none_or(|head| head.r#type == KEY_CREATED);
        let visited = if may_be { key_of(position, bytes) } else { Ok(None) };
        fault = match visited {
            Ok(Some((tenant, key))) => visit(position, &tenant, &key).err(),
            Ok(None) => None,
            Err(damage) => Some(damage.into()),
        };
        fault.is_none() && position < last
    })?;
    fault.map_or(Ok(()), Err)
}

fn key_of(position: LogPosition, bytes: &[u8]) -> Result<Option<(String, KeyCreated)>, StoreFault> {
    let record = decode_record(bytes).map_err(|error| {
        StoreFault::found("look for the keys", format!("position {position} does not read: {error}"))
    })?;
    let Event::Log(LogEvent::KeyCreated(created)) = record.event else { return Ok(None) };
    Ok(Some((record.tenant, created)))
}

impl From<KeyFault> for OpenError {
    fn from(fault: KeyFault) -> Self {
        Self::Store(fault.into())
    }
}
