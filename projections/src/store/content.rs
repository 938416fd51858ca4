//! One hash over the whole model, to compare two of them.

use super::{Store, StoreError, View};
use crate::keys;
use guichet_schemas::hash::Hash;

impl Store {
    /// A hash of every row and of the checkpoint. Two models with the same hash are the same, however they
    /// came to be: in batches of whatever size, with restarts or without.
    ///
    /// # Errors
    /// The model cannot be read.
    pub fn content_hash(&self) -> Result<Hash, StoreError> {
        self.view().content_hash(self)
    }
}

impl View<'_> {
    /// The same of this instant.
    ///
    /// # Errors
    /// The model cannot be read.
    pub fn content_hash(&self, store: &Store) -> Result<Hash, StoreError> {
        let mut hash = Hash::ZERO;
        for name in store.content() {
            for entry in self.scan(name, Vec::new(), &[]) {
                let (key, value) = entry?;
                hash = chained(hash, &[name.as_bytes(), &key, &value]);
            }
        }
        Ok(chained(hash, &[keys::META.as_bytes(), &self.checkpoint()?.encode()]))
    }
}

/// Each part with its length, so that no two entries look alike.
fn chained(hash: Hash, parts: &[&[u8]]) -> Hash {
    let mut bytes = hash.0.to_vec();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    Hash::of_record(&bytes)
}
