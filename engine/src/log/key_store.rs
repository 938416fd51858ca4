//! The key store that goes with a log.

use std::sync::Arc;

use guichet_keys::{KeyFault, KeyStore};
use guichet_schemas::position::LogPosition;

use super::{Memory, OpenError, StoreFault};
use crate::protection::Protection;

/// Opens the key store, or makes it. None: the log is measured without sealing.
pub(super) fn open(protection: &Protection, memory: &Memory) -> Result<Option<Arc<KeyStore>>, OpenError> {
    if !protection.has_sealing() {
        return Ok(None);
    }
    let kek = protection.kek.load(KeyStore::is_there(&protection.keys))?;
    let store = KeyStore::open(&protection.keys, &memory.cache, &memory.write_buffers, kek)?;
    Ok(Some(Arc::new(store)))
}

/// Says it where the keys of an older log are missing, all of them: that looks like a lost folder.
pub(super) fn check(store: Option<&Arc<KeyStore>>, last: Option<LogPosition>) {
    if let Some(last) = last.filter(|_| store.is_some_and(|store| store.is_new())) {
        tracing::error!(
            %last,
            "the key store was just made, but the log has records already: what was sealed before stays sealed; if the key store was lost, stop and bring it back from where it is kept"
        );
    }
}

impl From<KeyFault> for StoreFault {
    fn from(fault: KeyFault) -> Self {
        Self { doing: "key store", cause: format!("{}: {}", fault.doing, fault.cause) }
    }
}
