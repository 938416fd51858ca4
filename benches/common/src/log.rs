//! A log that benches read: with how much memory, and full of the events of a workload.

use std::path::Path;
use std::time::Duration;

use guichet_engine::halt::Halt;
use guichet_engine::log::{Log, Memory};
use guichet_engine::protection::Protection;
use guichet_schemas::position::{LogPosition, Partition};

use crate::drive::Drive;
use crate::workload::{Tickets, Workload};

/// Cache of the databases of a process, as in the binary.
pub const CACHE_BYTES: usize = 32 << 20;
/// Tables that are not written yet, as in the binary.
pub const WRITE_BUFFER_BYTES: usize = 56 << 20;

/// Writes a log of at least so many events; says how many it holds.
///
/// # Panics
/// The folder cannot be written.
#[must_use]
pub fn fill(dir: &Path, events_min: u64) -> u64 {
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let protection = Protection::within(dir, Partition(0));
    let log = Log::open(dir, Partition(0), &memory, &protection, &Halt::new()).expect("a fresh log opens");
    let reader = log.reader();
    let mut drive = Drive::new(log.inlet(), log.reader(), Workload::new(Tickets::Many));
    while LogPosition::or_zero(reader.head()) < events_min {
        drive.turn(512, Duration::from_secs(1));
    }
    drop(drive);
    log.close().expect("the log closes");
    LogPosition::or_zero(reader.head())
}
