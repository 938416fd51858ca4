//! The working hours of the made-up desk: Monday to Friday, 8:30 to 18:00 in Paris.

use chrono::{Datelike as _, NaiveDate, NaiveTime, TimeZone as _, Weekday};
use chrono_tz::Tz;
use guichet_schemas::time::Timestamp;

pub(super) const ZONE: Tz = Tz::Europe__Paris;
/// One minute in milliseconds.
pub(super) const MINUTE: i64 = 60_000;
/// One hour in milliseconds.
pub(super) const HOUR: i64 = 60 * MINUTE;
/// One day of the clock in milliseconds.
pub(super) const DAY: i64 = 24 * HOUR;

/// The day on which an instant falls.
pub(super) fn date(at: Timestamp) -> NaiveDate {
    at.to_chrono().map_or(NaiveDate::MIN, |t| ZONE.from_utc_datetime(&t.naive_utc()).date_naive())
}

/// True where nobody works.
pub(super) fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// An instant of a day, `ms` after midnight by the clock on the wall.
pub(super) fn instant(date: NaiveDate, ms: i64) -> Timestamp {
    let seconds = u32::try_from(ms / 1000).unwrap_or(0);
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).unwrap_or(NaiveTime::MIN);
    // The hour that a summer time leaves out is filled by the one after.
    let local = ZONE.from_local_datetime(&date.and_time(time)).earliest();
    let at = local.map_or_else(|| date.and_time(time).and_utc().timestamp_millis(), |t| t.timestamp_millis());
    Timestamp(at + ms % 1000)
}

/// The instant at which so much working time has passed since `at`.
pub(super) fn working(at: Timestamp, mut ms: i64) -> Timestamp {
    let mut day = date(at);
    loop {
        let (opens, closes) = (instant(day, 8 * HOUR + 30 * MINUTE), instant(day, 18 * HOUR));
        let start = at.max(opens);
        let room = closes.0 - start.0;
        if !is_weekend(day) && room > 0 {
            if ms < room {
                return Timestamp(start.0 + ms);
            }
            ms -= room;
        }
        day = day.succ_opt().expect("the demo ends before the last day of the calendar");
    }
}

/// The instant itself by day, else the next morning: people do not answer at night.
pub(super) fn awake(at: Timestamp) -> Timestamp {
    let (morning, night) = (instant(date(at), 7 * HOUR), instant(date(at), 22 * HOUR));
    if at < morning {
        Timestamp(morning.0 + at.0.rem_euclid(HOUR))
    } else if at > night {
        Timestamp(morning.0 + DAY + at.0.rem_euclid(HOUR))
    } else {
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_stops_over_the_weekend() {
        // Friday 17:30 in Paris, and an hour of work: Monday 9:00.
        let friday = Timestamp::parse("2026-11-20T16:30:00Z").unwrap();
        assert_eq!(working(friday, HOUR).to_string(), "2026-11-23T08:00:00.000Z");
        let saturday = Timestamp::parse("2026-11-21T12:00:00Z").unwrap();
        assert_eq!(working(saturday, 0).to_string(), "2026-11-23T07:30:00.000Z");
    }
}
