//! A log that an engine may be writing, opened beside it to be copied.
//!
//! A secondary instance of RocksDB: it takes no lock, changes nothing in the folder, and sees what was there when it
//! was opened.

use std::path::{Path, PathBuf};

use guichet_schemas::position::LogPosition;

use super::identity::FILE;
use super::store::DATABASE;
use super::{Memory, OpenError, Store, StoreFault};

/// A log as it was at one instant.
#[derive(Debug)]
pub struct LiveLog {
    dir: PathBuf,
    store: Store,
    head: u64,
}

impl LiveLog {
    /// Opens the log in `dir`. RocksDB keeps notes of its own in `work`, which is removed by whoever made it.
    ///
    /// # Errors
    /// There is no log, or it is damaged.
    pub fn open(dir: &Path, work: &Path, memory: &Memory) -> Result<Self, OpenError> {
        let database = dir.join(DATABASE);
        let folder = |cause| OpenError::Folder { dir: database.clone(), cause };
        if !database.try_exists().map_err(folder)? {
            return Err(folder(std::io::Error::new(std::io::ErrorKind::NotFound, "there is no log")));
        }
        let store = Store::open_secondary(&database, work, memory)?;
        let head = LogPosition::or_zero(store.last_position()?);
        Ok(Self { dir: dir.to_owned(), store, head })
    }

    /// Newest position; 0: none.
    #[must_use]
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// Records from a position on, at most so many.
    ///
    /// # Errors
    /// The disk, damage, or a missing position.
    pub fn read(&self, from: LogPosition, most: usize) -> Result<Vec<Vec<u8>>, StoreFault> {
        let mut records = Vec::with_capacity(most);
        self.store.scan(from, |_, record| {
            records.push(record.to_vec());
            records.len() < most
        })?;
        Ok(records)
    }

    /// Visits the answers of commands that wrote no event, which follow from no record.
    ///
    /// # Errors
    /// The disk, damage, or what `visit` says.
    pub fn answers<E: From<StoreFault>>(
        &self,
        visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.store.answers_without_events(visit)
    }

    /// The file that says which log this is.
    ///
    /// # Errors
    /// The disk.
    pub fn identity(&self) -> std::io::Result<Vec<u8>> {
        std::fs::read(self.dir.join(FILE))
    }
}
