//! Every start is an event, with what the start had to do to the log.

use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::codec::encode_record;
use guichet_schemas::event::{Actor, EpochStarted, Event, LogEvent};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, EventId, TenantId};
use guichet_schemas::position::{Epoch, Generation, LogPosition, Partition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, StreamKind};

use super::derived::Families;
use super::derived_tail::{decode, derived};
use super::disk::Disk;
use super::head::Head;
use super::repair::Continued;
use super::restore::Restored;
use super::{OpenError, Store, StoreFault, keys};
use crate::clock::{EngineClock, IdSource};

/// Stream of the epochs, in tenant `_system`.
const LOG_STREAM: &str = "log";
/// How far the wall clock may be behind the newest record.
const BEHIND_MAX_MS: u64 = 5 * 60 * 1000;

/// The circumstances of a start that an auditor should know.
#[derive(Debug, Default)]
pub(super) struct Circumstances {
    /// Records that were brought back from the stream, and what was not.
    pub(super) continued: Continued,
    /// The wall clock was behind by so much, and somebody accepted it.
    pub(super) clock_behind_ms: Option<u64>,
    /// The anchor was lost or damaged, and the stream vouched for the log.
    pub(super) anchor_replaced: bool,
    /// The log was made from a backup since the start before.
    pub(super) restored: Option<Restored>,
}

/// By how much the wall clock is behind the newest record, where somebody accepts it.
///
/// # Errors
/// It is behind, and nobody does.
pub(super) fn check_clock(
    last_recorded: Timestamp,
    wall: Timestamp,
    accept: bool,
) -> Result<Option<u64>, OpenError> {
    let behind_ms = last_recorded.since(wall);
    match behind_ms {
        ..=BEHIND_MAX_MS => Ok(None),
        _ if accept => {
            tracing::error!(behind_ms, "the wall clock is behind the newest record; accepted");
            Ok(Some(behind_ms))
        }
        _ => Err(OpenError::ClockBehind { behind_ms }),
    }
}

/// Every start is an event: from here on, an auditor knows, another process wrote.
pub(super) fn start_epoch<D: Disk>(
    store: &Store<D>,
    partition: Partition,
    generation: Generation,
    last: Option<LogPosition>,
    circumstances: &Circumstances,
    (clock, ids): (&mut EngineClock, &mut IdSource),
) -> Result<Head, StoreFault> {
    let previous = match store.number(keys::META, keys::META_EPOCH)?.and_then(LogPosition::new) {
        Some(position) => Some(decode(store, position)?),
        None => None,
    };
    let now = clock.now();
    let epoch = Epoch(previous.as_ref().map_or(0, |(r, _)| r.epoch.0) + 1);
    let position = LogPosition::after(last);
    let record = Record {
        position,
        partition,
        epoch,
        tenant: TenantId::system().as_str().to_owned(),
        stream_kind: StreamKind::System,
        stream_id: LOG_STREAM.to_owned(),
        version: StreamVersion::after(previous.as_ref().map(|(r, _)| r.version)),
        event_id: EventId(ids.next(now)),
        recorded_at: now,
        occurred_at: now,
        caller: "engine".to_owned(),
        actor: Actor { kind: ActorKind::System, id: "engine".to_owned(), on_behalf_of: None },
        command_id: CommandId(ids.next(now)),
        request_hash: Hash::ZERO,
        channel: None,
        causation_id: None,
        correlation_id: None,
        traceparent: None,
        config_version: 0,
        prev_hash: previous.as_ref().map_or(Hash::ZERO, |(_, hash)| *hash),
        source_time: None,
        command_index: 0,
        command_count: 1,
        event: Event::Log(LogEvent::EpochStarted(EpochStarted {
            repaired_from: circumstances.continued.repaired.map(|r| r.from.get()),
            repaired_through: circumstances.continued.repaired.map(|r| r.through.get()),
            stream_refused_from: circumstances.continued.refused_from.map(LogPosition::get),
            clock_behind_ms: circumstances.clock_behind_ms,
            anchor_replaced: circumstances.anchor_replaced.then_some(true),
            restored_through: circumstances.restored.as_ref().map(|r| r.through),
            restored_behind: circumstances.restored.as_ref().and_then(|r| r.behind.clone()),
            ..EpochStarted::uneventful(epoch.0, generation.0, env!("CARGO_PKG_VERSION"))
        })),
    };
    let derived = derived(&record)?;
    let bytes = encode_record(record);
    let mut batch = D::Rows::default();
    D::put(&mut batch, &store.cf(keys::EVENTS), keys::event(position), &bytes);
    crash_point(CrashPoint::EpochBefore);
    store.write_synced(batch)?;
    crash_point(CrashPoint::EpochAfter);
    let mut rows = D::Rows::default();
    let families = Families::of(store);
    derived.put(&families, &mut rows);
    families.put_mark(&mut rows, position);
    store.write_derived(rows)?;
    Ok(Head { position, hash: Hash::of_record(&bytes), epoch, generation })
}
