//! The thread that makes new keys durable, one fsync a group. A record uses a key only when the key is on disk: the
//! other way round, a crash between the two would leave a text that nobody can ever read.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crossbeam_channel::Receiver;
use guichet_crash::{CrashPoint, crash_point};
use guichet_keys::{Dice, NewKey};

use super::StoreFault;
use super::key_store::KeyShelf;
use crate::halt::Halt;

/// Groups that may wait for the disk. The decider is one batch ahead at most.
pub(super) const GROUPS: usize = 8;

/// How many keys are on disk since the engine started, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct KeysOnDisk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    count: u64,
    failed: bool,
}

impl KeysOnDisk {
    /// Waits until the first `count` keys are on disk.
    ///
    /// # Errors
    /// The key store failed; also where nothing had to be waited for, because a doubt ends all answers.
    pub(super) fn wait_for(&self, count: u64) -> Result<(), StoreFault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.count < count && !state.failed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.failed {
            return Err(StoreFault::refused("wait for new keys", "the key store failed"));
        }
        Ok(())
    }

    /// True where [`KeysOnDisk::wait_for`] would not wait.
    pub(super) fn settled(&self, count: u64) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failed || state.count >= count
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

/// Writes keys as the decider makes them, while the committer writes the batch before theirs.
pub(super) struct KeyWriter {
    pub(super) keys: Arc<dyn KeyShelf>,
    pub(super) groups: Receiver<Vec<NewKey>>,
    pub(super) on_disk: Arc<KeysOnDisk>,
    pub(super) halt: Halt,
    pub(super) dice: Dice,
}

impl KeyWriter {
    /// Runs until the decider ends, or until the first storage error.
    pub(super) fn run(mut self) {
        while let Ok(group) = self.groups.recv() {
            if !self.write(group) {
                return;
            }
        }
    }

    /// Makes a group durable, with what has queued up behind it. False: nothing more may be written.
    pub(super) fn write(&mut self, mut group: Vec<NewKey>) -> bool {
        while let Ok(more) = self.groups.try_recv() {
            group.extend(more);
        }
        crash_point(CrashPoint::KeysBefore);
        if let Err(fault) = self.keys.put(&group, &mut self.dice) {
            self.halt.stop(StoreFault::from(fault).into());
            self.on_disk.set(|state| state.failed = true);
            return false;
        }
        crash_point(CrashPoint::KeysAfter);
        self.on_disk.set(|state| state.count += group.len() as u64);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_waits_for_its_keys_and_for_no_others() {
        let keys = Arc::new(KeysOnDisk::default());
        keys.wait_for(0).unwrap();
        let waiting = {
            let keys = keys.clone();
            std::thread::spawn(move || keys.wait_for(2))
        };
        keys.set(|state| state.count = 1);
        assert!(!waiting.is_finished());
        keys.set(|state| state.count = 3);
        waiting.join().unwrap().unwrap();
    }

    #[test]
    fn after_a_failure_nothing_is_written_any_more() {
        let keys = KeysOnDisk::default();
        keys.set(|state| state.failed = true);
        assert!(keys.wait_for(0).is_err(), "a batch without new keys too");
        assert!(keys.wait_for(1).is_err());
    }
}
