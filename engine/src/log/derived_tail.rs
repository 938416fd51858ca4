//! What a crash took of the derived rows, written again from the records.

use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::codec::decode_record;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;
use guichet_schemas::record::Record;

use super::derived::{Derived, Families};
use super::disk::{Disk, Rows as _};
use super::{Store, StoreFault, keys};

/// Writes again what a crash took of the derived rows.
pub(super) fn rebuild_derived<D: Disk>(
    store: &Store<D>,
    last: Option<LogPosition>,
) -> Result<(), StoreFault> {
    let mark = store.number(keys::META, keys::META_DERIVED)?.and_then(LogPosition::new);
    if mark > last {
        return Err(StoreFault::found(
            "open the log",
            format!(
                "the log ends at {}, but its indexes reach {}: records that were on disk are missing",
                LogPosition::or_zero(last),
                LogPosition::or_zero(mark)
            ),
        ));
    }
    let Some(last) = last.filter(|l| Some(*l) > mark) else { return Ok(()) };
    let families = Families::of(store);
    let mut batch = D::Rows::default();
    let mut fault = None;
    store.scan(LogPosition::after(mark), |position, bytes| {
        let step = decode_record(bytes)
            .map_err(|e| {
                StoreFault::found("rebuild the indexes", format!("position {position} does not read: {e}"))
            })
            .and_then(|record| {
                derived(&record)?.put(&families, &mut batch);
                if batch.bytes() > 1 << 20 || position == last {
                    families.put_mark(&mut batch, position);
                    store.write_derived(std::mem::take(&mut batch))?;
                    crash_point(CrashPoint::OpenDerived);
                }
                Ok(())
            });
        fault = step.err();
        fault.is_none()
    })?;
    fault.map_or(Ok(()), Err)
}

/// The derived rows of a record.
pub(super) fn derived(record: &Record) -> Result<Derived, StoreFault> {
    Derived::of(record).ok_or_else(|| {
        let cause = format!("position {} belongs to tenant {:?}", record.position, record.tenant);
        StoreFault::found("index a record", cause)
    })
}

/// A record and its hash.
pub(super) fn decode<D: Disk>(store: &Store<D>, position: LogPosition) -> Result<(Record, Hash), StoreFault> {
    let bytes = store
        .record(position)?
        .ok_or_else(|| StoreFault::found("open the log", format!("position {position} is missing")))?;
    let record = decode_record(&bytes)
        .map_err(|e| StoreFault::found("open the log", format!("position {position} does not read: {e}")))?;
    Ok((record, Hash::of_record(&bytes)))
}
