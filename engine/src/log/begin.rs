//! The last steps of a start, the same on every disk: what is derived is completed, what is missing is brought back
//! from the copy, the clock is checked, and the start becomes an event.

use guichet_proof::SignedCheckpoint;
use guichet_schemas::position::{Generation, LogPosition, Partition};
use guichet_schemas::time::Timestamp;

use super::copy::EventCopy;
use super::derived_tail::{decode, rebuild_derived};
use super::disk::Disk;
use super::epoch::{Circumstances, check_clock, start_epoch};
use super::head::Head;
use super::identity::Identity;
use super::repair::{self, Continued};
use super::{OpenError, Store};
use crate::clock::{EngineClock, IdSource, TimeSource};

/// Where a log ends that is whole, and what had to be brought back for it. Nothing is added that was not there.
pub(super) fn complete<D: Disk>(
    store: &Store<D>,
    identity: &Identity,
    partition: Partition,
    anchored: Option<&SignedCheckpoint>,
    copy: &dyn EventCopy,
) -> Result<(Option<LogPosition>, Continued), OpenError> {
    let last = store.last_position()?;
    rebuild_derived(store, last)?;
    let continued = repair::continue_log(store, identity, partition, last, anchored, copy)?;
    Ok((continued.repaired.map_or(last, |repaired| Some(repaired.through)), continued))
}

/// The readings of clock and dice with which an epoch begins.
pub(super) struct Now {
    pub(super) time: Box<dyn TimeSource>,
    pub(super) ids: IdSource,
    /// Go on although the wall clock is behind the newest record.
    pub(super) accept_clock: bool,
}

/// Begins an epoch behind the newest record. From here on the clock never goes back.
pub(super) fn begin<D: Disk>(
    store: &Store<D>,
    partition: Partition,
    generation: Generation,
    last: Option<LogPosition>,
    mut circumstances: Circumstances,
    now: Now,
) -> Result<(Head, EngineClock, IdSource), OpenError> {
    let last_recorded = match last {
        Some(position) => decode(store, position)?.0.recorded_at,
        None => Timestamp(0),
    };
    let Now { time, mut ids, accept_clock } = now;
    circumstances.clock_behind_ms = check_clock(last_recorded, time.wall(), accept_clock)?;
    let mut clock = EngineClock::new(time, last_recorded);
    let head = start_epoch(store, partition, generation, last, &circumstances, (&mut clock, &mut ids))?;
    Ok((head, clock, ids))
}
