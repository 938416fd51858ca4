//! A disk for the log that fails as disks fail: what was not synced may be gone after a crash, from its end on; a sync
//! may fail, and what it was to save may be there all the same; a write may find no room.
//!
//! What is flushed is safe. Since the last flush, synced writes stand in a write-ahead log, in their order, and derived
//! rows in memory only. RocksDB flushes all families at once (`atomic_flush`), so this disk does too.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guichet_engine::log::disk::{Disk, Durable, Reading, Rows};
use guichet_engine::log::{StoreFault, keys};

use crate::life::Life;
use crate::sim::Sim;

/// How a disk lies, to see whether that is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lies {
    /// A sync returns at once and does nothing.
    pub(crate) no_sync: bool,
    /// What a command led to is not found again.
    pub(crate) no_outcomes: bool,
}

/// Rows of one write: family, key, value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written(Vec<(usize, Vec<u8>, Vec<u8>)>);

type Families = Vec<BTreeMap<Vec<u8>, Vec<u8>>>;

/// What survives, and what is only in memory.
#[derive(Clone)]
pub(crate) struct Platter {
    flushed: Families,
    /// Written since, in order; true: synced.
    wal: Vec<(Written, bool)>,
}

/// The disk of one process.
#[derive(Clone)]
pub(crate) struct FakeDisk {
    sim: Sim,
    life: Life,
    lies: Lies,
    state: Arc<Mutex<State>>,
}

struct State {
    platter: Platter,
    memory: Families,
    /// After the first error RocksDB takes no more writes until it is opened again.
    broken: bool,
}

impl Platter {
    pub(crate) fn empty() -> Self {
        Self { flushed: vec![BTreeMap::new(); keys::ALL.len()], wal: Vec::new() }
    }

    /// What is there after a crash: everything that was synced, and of the rest a part from its beginning on. A write
    /// that is torn in the middle is none: the write-ahead log knows its own end.
    pub(crate) fn after_crash(mut self, sim: &Sim) -> Self {
        let synced = self.wal.iter().rposition(|(_, synced)| *synced).map_or(0, |last| last + 1);
        let kept = synced + sim.index(self.wal.len() - synced + 1);
        if kept < self.wal.len() {
            sim.note(format_args!("disk: {} unsynced writes are gone", self.wal.len() - kept));
        }
        for (rows, _) in self.wal.drain(..).take(kept) {
            apply(&mut self.flushed, rows);
        }
        self
    }

    /// The records that a crash has left, by position.
    pub(crate) fn into_records(mut self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.flushed.swap_remove(family(keys::EVENTS))
    }
}

impl FakeDisk {
    /// Opens what lies on a platter.
    pub(crate) fn open(sim: &Sim, life: &Life, lies: Lies, platter: Platter) -> Self {
        let mut memory = platter.flushed.clone();
        platter.wal.iter().for_each(|(rows, _)| apply(&mut memory, rows.clone()));
        let state = Arc::new(Mutex::new(State { platter, memory, broken: false }));
        Self { sim: sim.clone(), life: life.clone(), lies, state }
    }

    /// What lies on it now, as it lies.
    pub(crate) fn platter(&self) -> Platter {
        self.state().platter.clone()
    }

    /// Writes everything out of memory, as RocksDB does when its buffers are full.
    pub(crate) fn flush(&self) {
        let mut state = self.state();
        state.platter.flushed = state.memory.clone();
        state.platter.wal.clear();
    }

    fn write_synced(&self, state: &mut State, rows: Written) -> Result<(), StoreFault> {
        let failed = |cause: &str| Err(StoreFault::refused("write and fsync a batch", cause));
        // All the same to the caller of a process that dies: it never returns.
        if self.sim.fault(2) {
            self.life.end();
            self.sim.note(format_args!("disk: crash before the write"));
            return failed("the process died");
        }
        if self.sim.fault(1) {
            state.broken = true;
            self.sim.note(format_args!("disk: no space left"));
            return failed("No space left on device");
        }
        state.platter.wal.push((rows.clone(), false));
        if self.sim.fault(3) {
            self.life.end();
            self.sim.note(format_args!("disk: crash before the sync"));
            return failed("the process died");
        }
        if self.sim.fault(1) {
            state.broken = true;
            self.sim.note(format_args!("disk: the sync fails"));
            return failed("Input/output error");
        }
        if !self.lies.no_sync {
            state.platter.wal.iter_mut().for_each(|(_, synced)| *synced = true);
        }
        apply(&mut state.memory, rows);
        if self.sim.fault(3) {
            self.life.end();
            self.sim.note(format_args!("disk: crash after the sync"));
            return failed("the process died");
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for FakeDisk {
    type Rows = Written;
    type Family<'a> = usize;

    fn family(&self, name: &str) -> usize {
        family(name)
    }

    fn put(rows: &mut Written, family: &usize, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        rows.0.push((*family, key.as_ref().to_vec(), value.as_ref().to_vec()));
    }

    fn read(&self, name: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        if self.lies.no_outcomes && name == keys::COMMANDS {
            return Ok(None);
        }
        Ok(self.state().memory[family(name)].get(key).cloned())
    }

    fn visit(
        &self,
        name: &str,
        from: &[u8],
        _: Reading,
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreFault> {
        // Row after row: whoever visits may write meanwhile.
        let mut after = Bound::Included(from.to_vec());
        loop {
            let next = {
                let state = self.state();
                let mut rows = state.memory[family(name)].range((after, Bound::Unbounded));
                rows.next().map(|(key, value)| (key.clone(), value.clone()))
            };
            let Some((key, value)) = next.filter(|(key, value)| visit(key, value)) else { return Ok(()) };
            drop(value);
            after = Bound::Excluded(key);
        }
    }

    fn last_key(&self, name: &str, through: Option<&[u8]>) -> Result<Option<Vec<u8>>, StoreFault> {
        let state = self.state();
        let rows = &state.memory[family(name)];
        Ok(match through {
            Some(key) => rows.range(..=key.to_vec()).next_back().map(|(key, _)| key.clone()),
            None => rows.last_key_value().map(|(key, _)| key.clone()),
        })
    }

    fn write(&self, rows: Written, durable: Durable) -> Result<(), StoreFault> {
        let mut state = self.state();
        if state.broken || !self.life.goes_on() {
            return Err(StoreFault::refused("write to the log", "an earlier write failed"));
        }
        match durable {
            Durable::Synced => self.write_synced(&mut state, rows),
            Durable::Derived => {
                apply(&mut state.memory, rows);
                Ok(())
            }
        }
    }
}

impl Rows for Written {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|(_, key, value)| key.len() + value.len()).sum()
    }
}

fn family(name: &str) -> usize {
    keys::ALL.iter().position(|known| *known == name).expect("a family of the log")
}

fn apply(families: &mut Families, rows: Written) {
    for (family, key, value) in rows.0 {
        families[family].insert(key, value);
    }
}
