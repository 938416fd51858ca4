//! The key store that goes with a log.

use guichet_keys::{Commitment, DataKey, Dice, KeyFault, KeyStore, NewKey};
use guichet_schemas::ids::KeyId;

use super::{Memory, OpenError, StoreFault};
use crate::protection::Protection;

/// Where the keys of data subjects are kept, as far as a writer of the log needs it.
pub trait KeyShelf: Send + Sync {
    /// The key with this id and what the log says about it; none: it was destroyed.
    ///
    /// # Errors
    /// The disk, or damage.
    fn get(&self, tenant: &str, id: KeyId) -> Result<Option<(DataKey, Commitment)>, KeyFault>;

    /// Stores new keys; when this returns, they are on disk.
    ///
    /// # Errors
    /// The disk. What is there is unknown then: stop.
    fn put(&self, keys: &[NewKey], dice: &mut Dice) -> Result<(), KeyFault>;
}

impl KeyShelf for KeyStore {
    fn get(&self, tenant: &str, id: KeyId) -> Result<Option<(DataKey, Commitment)>, KeyFault> {
        Self::get(self, tenant, id)
    }

    fn put(&self, keys: &[NewKey], dice: &mut Dice) -> Result<(), KeyFault> {
        Self::put(self, keys, dice)
    }
}

/// Opens the key store, or makes it.
pub(super) fn open(protection: &Protection, memory: &Memory) -> Result<KeyStore, OpenError> {
    let kek = protection.kek.load(KeyStore::is_there(&protection.keys)?)?;
    Ok(KeyStore::open(&protection.keys, &memory.cache, &memory.write_buffers, kek)?)
}

impl From<KeyFault> for StoreFault {
    fn from(fault: KeyFault) -> Self {
        // Whatever became of the keys, the log is not rebuilt for it.
        Self::refused("use the keys", fault)
    }
}
