//! Keys of data subjects on a disk that may die before or after they are on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use guichet_engine::log::KeyShelf;
use guichet_keys::{Commitment, DataKey, Dice, KeyFault, NewKey};
use guichet_schemas::ids::KeyId;

use crate::life::Life;
use crate::sim::Sim;

/// The keys that are on disk.
pub(crate) type Kept = Arc<Mutex<BTreeMap<KeyId, DataKey>>>;

/// The key store of one process.
pub(crate) struct Shelf {
    pub(crate) sim: Sim,
    pub(crate) life: Life,
    pub(crate) kept: Kept,
}

impl KeyShelf for Shelf {
    fn get(&self, _: &str, id: KeyId) -> Result<Option<(DataKey, Commitment)>, KeyFault> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.get(&id).map(|key| (key.clone(), key.commitment())))
    }

    fn put(&self, keys: &[NewKey], _: &mut Dice) -> Result<(), KeyFault> {
        if !self.life.goes_on() || self.sim.fault(3) {
            self.sim.note(format_args!("keys: crash before the write"));
            self.life.end();
            return Err(KeyFault::refused("store keys", "the process died"));
        }
        if self.sim.fault(2) {
            self.sim.note(format_args!("keys: the sync fails"));
            return Err(KeyFault::refused("store keys", "Input/output error"));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(keys.iter().map(|new| (new.id, new.key.clone())));
        if self.sim.fault(3) {
            self.sim.note(format_args!("keys: crash after the write"));
            self.life.end();
        }
        Ok(())
    }
}
