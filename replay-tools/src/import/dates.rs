//! Reads the dates of an export as instants. Naive times are wall clock of one zone.

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{
    DateTime, Datelike as _, MappedLocalTime, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc,
};
use chrono_tz::Tz;
use guichet_schemas::time::Timestamp;

/// No clock change in the zone database leaves out more than this: Samoa skipped a day in 2011.
const GAP_HOURS_MAX: i64 = 48;

/// 1970-01-01T00:00:00Z.
const EARLIEST: Timestamp = Timestamp(0);
/// 2200-01-01T00:00:00Z.
const LATEST: Timestamp = Timestamp(7_258_118_400_000);

/// Why a text is no instant of a ticket's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoInstant {
    /// No format reads it.
    #[error("which is none of source.date_formats and not RFC 3339")]
    Unread,
    /// It is one, but of no time at which tickets are worked on. Often a zero that was written as a date.
    #[error("which is outside 1970-01-01 to 2200-01-01")]
    Outside,
}

/// The formats of a mapping, in order, then RFC 3339.
#[derive(Debug, Clone)]
pub(super) struct Dates {
    formats: Vec<Vec<Item<'static>>>,
    zone: Tz,
}

impl Dates {
    /// `Err` holds the index of the format that is none.
    pub(super) fn new(formats: &[String], zone: Tz) -> Result<Self, usize> {
        let formats = formats
            .iter()
            .enumerate()
            .map(|(i, f)| StrftimeItems::new(f).parse_to_owned().map_err(|_| i))
            .collect::<Result<_, _>>()?;
        Ok(Self { formats, zone })
    }

    pub(super) const fn set_zone(&mut self, zone: Tz) {
        self.zone = zone;
    }

    /// The first format that reads the text decides, also where what it reads lies outside.
    pub(super) fn parse(&self, text: &str) -> Result<Timestamp, NoInstant> {
        let read = self.formats.iter().find_map(|format| self.parse_as(format, text));
        let at = read.or_else(|| rfc3339(text)).ok_or(NoInstant::Unread)?;
        if (EARLIEST..=LATEST).contains(&at) { Ok(at) } else { Err(NoInstant::Outside) }
    }

    fn parse_as(&self, format: &[Item<'static>], text: &str) -> Option<Timestamp> {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, text, format.iter()).ok()?;
        if parsed.offset().is_some() {
            return parsed.to_datetime().ok().map(|t| Timestamp(t.timestamp_millis()));
        }
        if parsed.timestamp().is_some() {
            return parsed.to_naive_datetime_with_offset(0).ok().map(|t| t.and_utc().into());
        }
        let wall = match parsed.to_naive_datetime_with_offset(0) {
            Ok(wall) => wall,
            // A format without a time of day means its midnight.
            Err(_) if parsed.to_naive_time().is_err() => {
                parsed.to_naive_date().ok()?.and_time(NaiveTime::MIN)
            }
            Err(_) => return None,
        };
        Some(instant(wall, self.zone).into())
    }
}

fn rfc3339(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(|t| Timestamp(t.timestamp_millis()))
}

/// The instant at which the clocks of a zone show this time. An hour that comes twice means its first
/// pass; one that never comes is moved forward by what the clocks left out.
fn instant(wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    if zone == Tz::UTC {
        return wall.and_utc();
    }
    // Near the ends of the calendar its arithmetic has none of the days that a zone or a gap asks for.
    if !(1969..=2201).contains(&wall.year()) {
        return wall.and_utc();
    }
    match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(t) | MappedLocalTime::Ambiguous(t, _) => t.to_utc(),
        MappedLocalTime::None => (1..=GAP_HOURS_MAX)
            .find_map(|hours| {
                let back = TimeDelta::hours(hours);
                // Before the gap the old offset was in force; in it, the wall clock went on by that much.
                let before = zone.from_local_datetime(&wall.checked_sub_signed(back)?).latest()?;
                before.to_utc().checked_add_signed(back)
            })
            .unwrap_or_else(|| wall.and_utc()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(zone: Tz, format: &str, text: &str) -> Option<String> {
        Dates::new(&[format.to_owned()], zone).unwrap().parse(text).ok().map(|t| t.to_string())
    }

    #[test]
    fn days_come_before_months_where_the_format_says_so() {
        assert_eq!(read(Tz::UTC, "%d/%m/%Y %H:%M", "5/3/2016 12:00").unwrap(), "2016-03-05T12:00:00.000Z");
        assert_eq!(read(Tz::UTC, "%d/%m/%Y %H:%M", "5/13/2016 12:00"), None);
    }

    #[test]
    fn an_offset_beats_the_zone_and_rfc_3339_is_always_read() {
        let zone = Tz::Asia__Tokyo;
        assert_eq!(
            read(zone, "%Y-%m-%d %H:%M %z", "2016-03-05 12:00 +0100").unwrap(),
            "2016-03-05T11:00:00.000Z"
        );
        assert_eq!(read(zone, "%d", "2010-03-31T16:59:42+02:00").unwrap(), "2010-03-31T14:59:42.000Z");
        assert_eq!(read(zone, "%s", "1457182800").unwrap(), "2016-03-05T13:00:00.000Z");
    }

    #[test]
    fn a_date_alone_is_its_midnight_in_the_zone() {
        assert_eq!(read(Tz::Europe__Paris, "%Y-%m-%d", "2016-07-01").unwrap(), "2016-06-30T22:00:00.000Z");
    }

    #[test]
    fn an_hour_that_comes_twice_means_its_first_pass() {
        let t = read(Tz::Europe__Stockholm, "%Y-%m-%d %H:%M", "2012-10-28 02:30").unwrap();
        assert_eq!(t, "2012-10-28T00:30:00.000Z");
    }

    #[test]
    fn an_hour_that_never_comes_is_moved_forward_by_the_gap() {
        // 02:30 does not exist; 03:30 summer time is 01:30 UTC.
        let t = read(Tz::Europe__Stockholm, "%Y-%m-%d %H:%M", "2012-03-25 02:30").unwrap();
        assert_eq!(t, "2012-03-25T01:30:00.000Z");
        // Apia had no 30 December 2011; it becomes the 31st.
        let t = read(Tz::Pacific__Apia, "%Y-%m-%d %H:%M", "2011-12-30 10:00").unwrap();
        assert_eq!(t, read(Tz::Pacific__Apia, "%Y-%m-%d %H:%M", "2011-12-31 10:00").unwrap());
    }

    #[test]
    fn what_lies_outside_the_time_of_tickets_is_no_instant() {
        let utc = Dates::new(&["%Y-%m-%d %H:%M".to_owned(), "%s".to_owned()], Tz::UTC).unwrap();
        let paris = Dates::new(&["%Y-%m-%d %H:%M".to_owned(), "%s".to_owned()], Tz::Europe__Paris).unwrap();
        let outside = [
            "1899-12-30 00:00",
            "1969-12-31 22:00",
            "0001-01-01T00:00:00Z",
            "2200-01-01T00:00:01Z",
            "9999-12-31 23:59",
            "+262142-12-31 23:59",
            "-262143-01-01 00:00",
            "8210266876799",
        ];
        for text in outside {
            assert_eq!(utc.parse(text), Err(NoInstant::Outside), "{text}");
            assert_eq!(paris.parse(text), Err(NoInstant::Outside), "{text}");
        }
        for text in
            ["9223372036854775807", "-9223372036854775", "99999999999999999999", "2026-13-01 00:00", ""]
        {
            assert_eq!(utc.parse(text), Err(NoInstant::Unread), "{text}");
        }
        for text in ["1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z"] {
            assert!(utc.parse(text).is_ok(), "{text}");
        }
    }
}
