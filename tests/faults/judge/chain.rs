//! I3: no position, no version and no number is missing, and every record names the one before it.

use std::collections::HashMap;

use guichet_schemas::event::{Event, LifeCycle, LogEvent, TicketEvent};
use guichet_schemas::hash::Hash;

use super::Written;
use crate::finding::{Finding, Invariant};

/// Checks the whole log.
pub(super) fn check(written: &Written) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut broken = |what: String| findings.push(Finding::of(Invariant::I3, what));
    let mut streams: HashMap<(&str, &str), (u64, Hash)> = HashMap::new();
    let mut numbers: HashMap<&str, u64> = HashMap::new();
    let (mut recorded_at, mut epoch) = (i64::MIN, 0);
    for (position, record) in (1_u64..).zip(&written.records) {
        if record.position.get() != position {
            broken(format!("position {position} holds a record of position {}", record.position));
        }
        let stream =
            streams.entry((record.tenant.as_str(), record.stream_id.as_str())).or_insert((0, Hash::ZERO));
        if (record.version.get(), record.prev_hash) != (stream.0 + 1, stream.1) {
            broken(format!(
                "position {position}: version {} of {} follows version {}, or its chain is broken",
                record.version, record.stream_id, stream.0
            ));
        }
        let hash = written.bytes(position).map_or(Hash::ZERO, Hash::of_record);
        *stream = (record.version.get(), hash);
        if record.recorded_at.0 < recorded_at {
            broken(format!("position {position} was recorded before the one before it"));
        }
        recorded_at = record.recorded_at.0;
        if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(created))) = &record.event {
            let last = numbers.entry(record.tenant.as_str()).or_insert(0);
            if created.number != *last + 1 {
                broken(format!("position {position}: number {} follows number {last}", created.number));
            }
            *last = created.number;
        }
        if let Event::Log(LogEvent::EpochStarted(started)) = &record.event {
            if started.epoch != epoch + 1 {
                broken(format!("position {position}: epoch {} follows epoch {epoch}", started.epoch));
            }
            epoch = started.epoch;
        }
        if record.epoch.0 != epoch {
            broken(format!("position {position} is of epoch {}, written in epoch {epoch}", record.epoch.0));
        }
    }
    findings
}
