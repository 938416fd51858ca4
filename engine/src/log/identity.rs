//! What makes a data folder this one and no other: its format, its lineage, the secret of its request hashes.
//!
//! They stand in the database and, so that they outlive it, in a file beside it: a log that is restored from the
//! stream must know a repeated command by the same hash as before.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::codec::RequestKey;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::Generation;
use rocksdb::WriteBatch;

use super::{OpenError, Store, StoreFault, keys};
use crate::clock::secret;

/// Version of the data folder's layout. A folder of another one is refused; in format 1, personal texts were readable.
pub(super) const FORMAT: u32 = 2;
/// Name of the file in the folder of the log.
pub(super) const FILE: &str = "identity";
const FIRST_LINE: &str = "guichet log folder";

/// What a folder is.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) generation: Generation,
    pub(super) request_key: RequestKey,
}

impl Identity {
    /// What the database says, else what the file says, else a new one; afterwards both say the same.
    ///
    /// # Errors
    /// Another format, the disk, or the two differ.
    pub(super) fn settle(store: &Store, dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(FILE);
        let stored = Self::of_database(store)?;
        let (filed, unreadable) = match std::fs::read(&path) {
            Ok(bytes) => {
                let read = Self::parse(&bytes);
                let unreadable = read.is_none();
                (read, unreadable)
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => (None, false),
            Err(cause) => return Err(OpenError::Folder { dir: path, cause }),
        };
        let identity = match (stored, filed) {
            (Some(stored), Some(filed)) if stored.same(&filed) => return Ok(stored),
            (Some(_), Some(_)) => {
                let cause = format!(
                    "{} says otherwise than the database: one of them is another log's",
                    path.display()
                );
                return Err(StoreFault::found("read the identity of the folder", cause).into());
            }
            (Some(stored), None) => stored,
            (None, Some(filed)) => filed,
            (None, None) if unreadable => {
                let cause =
                    format!("{} is damaged and the database holds none; bring the file back", path.display());
                return Err(StoreFault::found("read the identity of the folder", cause).into());
            }
            (None, None) => Self::new()?,
        };
        // The file first: what the database says must never stand in the database alone.
        identity.write(&path).map_err(|cause| OpenError::Folder { dir: path, cause })?;
        identity.put(store)?;
        Ok(identity)
    }

    fn new() -> Result<Self, StoreFault> {
        let key = secret().map_err(|e| StoreFault::found("make the secret of the folder", e.to_string()))?;
        Ok(Self { generation: Generation(1), request_key: RequestKey(key) })
    }

    fn same(&self, other: &Self) -> bool {
        self.generation == other.generation && self.request_key.0 == other.request_key.0
    }

    fn of_database(store: &Store) -> Result<Option<Self>, OpenError> {
        let Some(format) = store.get(keys::META, keys::META_FORMAT)? else { return Ok(None) };
        let format = <[u8; 4]>::try_from(format.as_slice()).map(u32::from_be_bytes);
        match format {
            Ok(found) if found > FORMAT => return Err(OpenError::NewerFormat { found }),
            Ok(found) if found < FORMAT => return Err(OpenError::OlderFormat { found }),
            Ok(_) => {}
            Err(_) => {
                return Err(StoreFault::found("read the format of the folder", "it is no number").into());
            }
        }
        let key = store.get(keys::META, keys::META_REQUEST_KEY)?.and_then(|k| k.try_into().ok());
        let key = key.ok_or_else(|| {
            StoreFault::found("read the secret of the folder", "it is missing or has the wrong length")
        })?;
        let generation = Generation(store.number(keys::META, keys::META_GENERATION)?.unwrap_or(1));
        Ok(Some(Self { generation, request_key: RequestKey(key) }))
    }

    fn put(&self, store: &Store) -> Result<(), StoreFault> {
        let mut batch = WriteBatch::default();
        let meta = store.cf(keys::META);
        batch.put_cf(&meta, keys::META_FORMAT, FORMAT.to_be_bytes());
        batch.put_cf(&meta, keys::META_REQUEST_KEY, self.request_key.0);
        batch.put_cf(&meta, keys::META_GENERATION, self.generation.0.to_be_bytes());
        store.write_synced(batch)
    }

    /// Four lines and a checksum of them, so that a flipped bit is not another secret.
    fn text(&self) -> String {
        let lines = format!(
            "{FIRST_LINE}\nformat {FORMAT}\ngeneration {}\nrequest-key {}\n",
            self.generation.0,
            Hash(self.request_key.0)
        );
        let sum = Hash::of_record(lines.as_bytes());
        format!("{lines}sum {sum}\n")
    }

    /// What a file says; `None`: it is damaged.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let field = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        let key = hex::decode(field("request-key")?).ok()?.try_into().ok()?;
        let read =
            Self { generation: Generation(field("generation")?.parse().ok()?), request_key: RequestKey(key) };
        (read.text() == text).then_some(read)
    }

    pub(super) fn write(&self, path: &Path) -> std::io::Result<()> {
        let draft = path.with_extension("next");
        let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
        file.write_all(self.text().as_bytes())?;
        file.sync_all()?;
        crash_point(CrashPoint::IdentityDrafted);
        std::fs::rename(&draft, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_no_flipped_bit_is() {
        let identity = Identity { generation: Generation(3), request_key: RequestKey([0x5a; 32]) };
        let text = identity.text().into_bytes();
        assert!(Identity::parse(&text).is_some_and(|read| read.same(&identity)));
        for bit in 0..text.len() * 8 {
            let mut flipped = text.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Identity::parse(&flipped).is_none(), "bit {bit}");
        }
    }
}
