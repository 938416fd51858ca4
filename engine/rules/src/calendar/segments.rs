//! Stretches of time in which a zone keeps one offset to UTC.

use chrono::{DateTime, Offset as _, TimeZone as _, Utc};
use chrono_tz::Tz;

/// No zone has changed its clock twice within it.
const STEP_MS: i64 = 3_600_000;

/// From (included) to (excluded), milliseconds of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) from: i64,
    pub(super) to: i64,
    /// Local wall clock minus UTC.
    pub(super) offset_ms: i64,
}

/// The stretches of a time.
pub(super) fn segments(zone: Tz, from: i64, to: i64) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut open = Segment { from, to, offset_ms: offset(zone, from) };
    let mut at = from;
    while at < to {
        let next = at.saturating_add(STEP_MS).min(to);
        let after = offset(zone, next);
        if next < to && after != open.offset_ms {
            let change = change(zone, open.offset_ms, at, next);
            found.push(Segment { to: change, ..open });
            open = Segment { from: change, to, offset_ms: after };
        }
        at = next;
    }
    found.push(open);
    found
}

/// The first millisecond of another offset than `before`, which `low` has and `high` has not.
fn change(zone: Tz, before: i64, mut low: i64, mut high: i64) -> i64 {
    while high.saturating_sub(low) > 1 {
        let middle = low.midpoint(high);
        if offset(zone, middle) == before { low = middle } else { high = middle }
    }
    high
}

fn offset(zone: Tz, at: i64) -> i64 {
    let at = DateTime::<Utc>::from_timestamp_millis(at).unwrap_or_default();
    i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()).saturating_mul(1000)
}
