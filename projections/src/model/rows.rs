//! The rows that a batch touches, and those that the next one may touch again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::store::StoreError;

/// Memory for rows between batches. Most events are about tickets that had one a moment ago; without this
/// a third of the time goes into reading and decoding rows that were just written.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

type Key = Arc<[u8]>;

pub(super) trait Row {
    /// About how much memory it takes.
    fn bytes(&self) -> usize;
}

/// Rows of the last batches, in two halves: what was not used while the young half filled up is dropped.
pub(super) struct RowCache<R> {
    young: HashMap<Key, R>,
    young_bytes: usize,
    old: HashMap<Key, R>,
}

impl<R> Default for RowCache<R> {
    fn default() -> Self {
        Self { young: HashMap::new(), young_bytes: 0, old: HashMap::new() }
    }
}

impl<R: Row> RowCache<R> {
    /// Gives a row out of the cache. Who changes it brings it back, or the store has the right one.
    fn take(&mut self, key: &[u8]) -> Option<R> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }

    /// Takes in what a batch has written.
    pub(super) fn keep(&mut self, rows: Rows<R>) {
        for (key, row) in rows.rows {
            let Some(row) = row else { continue };
            self.young_bytes += key.len() + row.bytes();
            self.young.insert(key, row);
            if self.young_bytes > CACHE_BYTES / 2 {
                self.old = std::mem::take(&mut self.young);
                self.young_bytes = 0;
            }
        }
    }
}

/// The rows of one batch, each read once.
pub(super) struct Rows<R> {
    at: HashMap<Key, usize>,
    rows: Vec<(Key, Option<R>)>,
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self { at: HashMap::new(), rows: Vec::new() }
    }
}

impl<R: Row> Rows<R> {
    /// The place of a row, filled from the cache or by `load` when it is asked for first.
    pub(super) fn slot(
        &mut self,
        key: &[u8],
        cache: &mut RowCache<R>,
        load: impl FnOnce() -> Result<Option<R>, StoreError>,
    ) -> Result<&mut Option<R>, StoreError> {
        let index = match self.at.get(key) {
            Some(index) => *index,
            None => {
                let row = match cache.take(key) {
                    Some(row) => Some(row),
                    None => load()?,
                };
                let key = Key::from(key);
                self.rows.push((Arc::clone(&key), row));
                self.at.insert(key, self.rows.len() - 1);
                self.rows.len() - 1
            }
        };
        Ok(&mut self.rows[index].1)
    }

    /// Every row that there is, in the order of the batch.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &R)> {
        self.rows.iter().filter_map(|(key, row)| row.as_ref().map(|row| (key.as_ref(), row)))
    }

    /// Changes every row that there is, in the order of the batch.
    pub(super) fn each(&mut self, mut change: impl FnMut(&[u8], &mut R)) {
        for (key, row) in &mut self.rows {
            if let Some(row) = row {
                change(key, row);
            }
        }
    }
}
