//! What makes a data folder this one and no other: its format, its lineage, its secret, and from where on that secret
//! proves what the stream holds.
//!
//! Requests are hashed under the secret, and the key of the MACs in the stream is made of it ([`guichet_proof::stream_key`]).
//! They stand in the database and, so that they outlive it, in a file beside it: a log that is restored from the
//! stream must know a repeated command by the same hash as before.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use guichet_crash::{CrashPoint, crash_point};
use guichet_proof::{Authorship, StreamKey};
use guichet_schemas::codec::RequestKey;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{Generation, LogPosition, Partition};
use rocksdb::WriteBatch;

use super::{OpenError, Store, StoreFault, keys};
use crate::clock::secret;

/// Version of the data folder's layout. A folder of another one is refused; in format 1, personal texts were readable.
pub(super) const FORMAT: u32 = 2;
/// Name of the file in the folder of the log.
pub(super) const FILE: &str = "identity";
const FIRST_LINE: &str = "guichet log folder";

#[derive(Clone)]
pub(super) struct Identity {
    pub(super) generation: Generation,
    pub(super) request_key: RequestKey,
    /// From this position on the messages of the stream have a MAC. `None`: a program wrote them that made none.
    pub(super) macs_from: Option<u64>,
}

impl Identity {
    /// Takes the identity from the database, else from the file, else, where the log `is_new`, makes one; afterwards
    /// database and file agree.
    ///
    /// # Errors
    /// Another format, the disk, the two differ, or both are gone.
    pub(super) fn settle(store: &Store, dir: &Path, is_new: bool) -> Result<Self, OpenError> {
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
            (Some(stored), Some(filed)) if stored.same(&filed) && stored.macs_from == filed.macs_from => {
                return Ok(stored);
            }
            // A crash came between the two, or an older program wrote one of them again.
            (Some(stored), Some(filed)) if stored.same(&filed) => {
                Self { macs_from: stored.macs_from.or(filed.macs_from), ..stored }
            }
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
            (None, None) if is_new => Self::new()?,
            (None, None) => return Err(OpenError::IdentityGone { path }),
        };
        // The file first: what the database says must never stand in the database alone.
        identity.write(&path).map_err(|cause| OpenError::Folder { dir: path, cause })?;
        identity.put(store)?;
        Ok(identity)
    }

    fn new() -> Result<Self, StoreFault> {
        let key = secret().map_err(|e| StoreFault::refused("make the secret of the folder", e))?;
        Ok(Self { generation: Generation(1), request_key: RequestKey(key), macs_from: Some(1) })
    }

    /// The author of the messages in the stream of this log.
    pub(super) fn authorship(&self, partition: Partition) -> Authorship {
        let key = StreamKey::of_secret(&self.request_key.0);
        Authorship::new(key, partition, self.generation, self.macs_from)
    }

    /// Notes that the messages of the stream have MACs from here on, where that was not known yet: the first start after
    /// a program that made none. Before anything is published.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn makes_macs_from(
        &mut self,
        position: LogPosition,
        store: &Store,
        dir: &Path,
    ) -> Result<(), OpenError> {
        if self.macs_from.is_none() {
            self.macs_from = Some(position.get());
            let path = dir.join(FILE);
            self.write(&path).map_err(|cause| OpenError::Folder { dir: path, cause })?;
            self.put(store)?;
        }
        Ok(())
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
        let macs_from = store.number(keys::META, keys::META_MACS_FROM)?;
        Ok(Some(Self { generation, request_key: RequestKey(key), macs_from }))
    }

    fn put(&self, store: &Store) -> Result<(), StoreFault> {
        let mut batch = WriteBatch::default();
        let meta = store.cf(keys::META);
        batch.put_cf(&meta, keys::META_FORMAT, FORMAT.to_be_bytes());
        batch.put_cf(&meta, keys::META_REQUEST_KEY, self.request_key.0);
        batch.put_cf(&meta, keys::META_GENERATION, self.generation.0.to_be_bytes());
        if let Some(from) = self.macs_from {
            batch.put_cf(&meta, keys::META_MACS_FROM, from.to_be_bytes());
        }
        store.write_synced(batch)
    }

    /// Four or five lines and a checksum of them, so that a flipped bit is not another secret.
    fn text(&self) -> String {
        let macs_from = self.macs_from.map(|from| format!("macs-from {from}\n")).unwrap_or_default();
        let lines = format!(
            "{FIRST_LINE}\nformat {FORMAT}\ngeneration {}\nrequest-key {}\n{macs_from}",
            self.generation.0,
            Hash(self.request_key.0)
        );
        let sum = Hash::of_record(lines.as_bytes());
        format!("{lines}sum {sum}\n")
    }

    /// Parses the file; `None`: it is damaged.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let field = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        let key = hex::decode(field("request-key")?).ok()?.try_into().ok()?;
        let macs_from = match field("macs-from") {
            Some(from) => Some(from.parse().ok()?),
            None => None,
        };
        let generation = Generation(field("generation")?.parse().ok()?);
        let read = Self { generation, request_key: RequestKey(key), macs_from };
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

/// The author of the messages in the stream of the log in `dir`, from the file beside the database; nothing is opened
/// or changed.
///
/// # Errors
/// There is no such file, or it is damaged.
pub fn authorship(dir: &Path, partition: Partition) -> Result<Authorship, OpenError> {
    let path = dir.join(FILE);
    let bytes = std::fs::read(&path).map_err(|cause| OpenError::Folder { dir: path.clone(), cause })?;
    let identity = Identity::parse(&bytes).ok_or_else(|| {
        StoreFault::found("read the identity of the folder", format!("{} is damaged", path.display()))
    })?;
    Ok(identity.authorship(partition))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_no_flipped_bit_is() {
        for macs_from in [None, Some(41)] {
            let request_key = RequestKey([0x5a; 32]);
            let identity = Identity { generation: Generation(3), request_key, macs_from };
            let text = identity.text().into_bytes();
            assert!(Identity::parse(&text).is_some_and(|r| r.same(&identity) && r.macs_from == macs_from));
            for bit in 0..text.len() * 8 {
                let mut flipped = text.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(Identity::parse(&flipped).is_none(), "bit {bit}");
            }
        }
    }
}
