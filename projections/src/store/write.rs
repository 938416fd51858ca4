//! One batch: the effect of some records and the checkpoint behind them, atomically.

use guichet_crash::{Sabotage, sabotaged};
use rocksdb::{ColumnFamily, DB, WriteBatch};

use super::{Checkpoint, StoreError};
use crate::keys;

/// The changes that a batch of records makes.
pub struct Batch<'a> {
    db: &'a DB,
    writes: WriteBatch,
    /// Looked up once: a fold puts a hundred thousand rows a second.
    families: Vec<(&'static str, &'a ColumnFamily)>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(db: &'a DB, families: Vec<(&'static str, &'a ColumnFamily)>) -> Self {
        Self { db, writes: WriteBatch::default(), families }
    }

    /// Sets a row.
    pub fn put(&mut self, family: &'static str, key: &[u8], value: &[u8]) {
        self.writes.put_cf(self.family(family), key, value);
    }

    /// Joins a value to a row, in a family that says how.
    pub fn merge(&mut self, family: &'static str, key: &[u8], value: &[u8]) {
        self.writes.merge_cf(self.family(family), key, value);
    }

    /// Takes a row away.
    pub fn delete(&mut self, family: &'static str, key: &[u8]) {
        self.writes.delete_cf(self.family(family), key);
    }

    fn family(&self, name: &'static str) -> &'a ColumnFamily {
        let found = self.families.iter().find(|(known, _)| *known == name);
        found.expect("a model writes into families that it has named").1
    }

    /// Writes everything, and that it has been folded up to `checkpoint`.
    pub(crate) fn commit(mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        if sabotaged(Sabotage::CheckpointBeforeData) {
            self.db.put_cf(self.family(keys::META), keys::META_CHECKPOINT, checkpoint.encode())?;
        }
        self.put(keys::META, keys::META_CHECKPOINT, &checkpoint.encode());
        Ok(self.db.write_without_wal(self.writes)?)
    }
}
