//! A log of which no engine runs, opened to be read: nothing in its folder is changed.

use std::path::Path;

use guichet_schemas::position::LogPosition;

use super::fence::Fence;
use super::{Memory, OpenError, Store, StoreFault, keys};

/// A log that stands still.
#[derive(Debug)]
pub struct StoppedLog {
    store: Store,
    head: u64,
    _fence: Fence,
}

impl StoppedLog {
    /// Opens the log in `dir`, and keeps engines out of it while it is open.
    ///
    /// # Errors
    /// An engine runs on it, there is none, or the database is damaged.
    pub fn open(dir: &Path, memory: &Memory) -> Result<Self, OpenError> {
        let database = dir.join("rocksdb");
        let folder = |cause| OpenError::Folder { dir: database.clone(), cause };
        if !database.try_exists().map_err(folder)? {
            return Err(folder(std::io::Error::new(std::io::ErrorKind::NotFound, "there is no log")));
        }
        let fence = Fence::take(dir)?;
        let store = Store::open_read_only(&database, memory)?;
        let head = LogPosition::or_zero(store.last_position()?);
        Ok(Self { store, head, _fence: fence })
    }

    /// Newest position; 0: none.
    #[must_use]
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// Visits the records from `first` to `last`, as they are: what is missing is left out.
    ///
    /// # Errors
    /// The disk, or damage.
    pub fn scan(
        &self,
        first: u64,
        last: u64,
        visit: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), StoreFault> {
        self.store.scan_keys(keys::EVENTS, &first.to_be_bytes(), &last.to_be_bytes(), |key, record| {
            // A key of another length is no position; the record that should be there will be missed.
            keys::number(key).is_none_or(|position| visit(position, record))
        })
    }

    /// A full tile of the tree, as it is stored.
    ///
    /// # Errors
    /// The disk, or damage.
    pub fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreFault> {
        self.store.get(keys::TREE, &keys::tile(level, index))
    }
}
