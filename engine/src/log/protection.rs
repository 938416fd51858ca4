//! How the personal texts of a log are kept: sealed. Only a bench may ask for a log without, to show the cost.

use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::Receiver;
use guichet_keys::{Kek, KeyFault, KeyStore, NewKey};
use guichet_schemas::position::LogPosition;

use super::key_writer::{KeyWriter, KeysOnDisk};
use super::{Memory, OpenError, StoreFault};
use crate::halt::Halt;

/// What protects the records of a log.
#[derive(Debug, Clone)]
pub enum Protection {
    /// Personal texts are sealed under the keys of this store.
    Sealed(Arc<KeyStore>),
    /// Nothing: to measure what protection costs.
    #[cfg(feature = "measure")]
    Off,
}

impl Protection {
    /// Opens the key store in `dir`, or makes it, under a key-encryption key.
    ///
    /// # Errors
    /// It was made under another key-encryption key, another engine has it, or it is damaged.
    pub fn open(dir: &Path, memory: &Memory, kek: Kek) -> Result<Self, OpenError> {
        let store = KeyStore::open(dir, &memory.cache, &memory.write_buffers, kek)?;
        Ok(Self::Sealed(Arc::new(store)))
    }

    /// The store of the keys.
    #[must_use]
    pub const fn keys(&self) -> Option<&Arc<KeyStore>> {
        match self {
            Self::Sealed(keys) => Some(keys),
            #[cfg(feature = "measure")]
            Self::Off => None,
        }
    }

    /// Says it where the keys of an older log are missing, all of them: that looks like a lost folder.
    pub(super) fn check(&self, last: Option<LogPosition>) {
        if let Some(last) = last.filter(|_| self.keys().is_some_and(|keys| keys.is_new())) {
            tracing::error!(
                %last,
                "the key store was just made, but the log has records already: what was sealed before stays sealed; if the key store was lost, stop and bring it back from where it is kept"
            );
        }
    }

    pub(super) fn key_writer(
        &self,
        groups: Receiver<Vec<NewKey>>,
        on_disk: Arc<KeysOnDisk>,
        halt: &Halt,
    ) -> Option<KeyWriter> {
        self.keys().map(|keys| KeyWriter::new(keys.clone(), groups, on_disk, halt.clone()))
    }

    pub(super) fn flush(&self) -> Result<(), StoreFault> {
        self.keys().map_or(Ok(()), |keys| keys.flush()).map_err(StoreFault::from)
    }
}

impl From<KeyFault> for StoreFault {
    fn from(fault: KeyFault) -> Self {
        Self { doing: "key store", cause: format!("{}: {}", fault.doing, fault.cause) }
    }
}
