//! Reads the dates of an export as instants. Naive times are wall clock of one zone.

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{DateTime, MappedLocalTime, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use guichet_schemas::time::Timestamp;

/// No clock change in the zone database leaves out more than this: Samoa skipped a day in 2011.
const GAP_HOURS_MAX: i64 = 48;

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

    pub(super) fn parse(&self, text: &str) -> Option<Timestamp> {
        self.formats.iter().find_map(|format| self.parse_as(format, text)).or_else(|| rfc3339(text))
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
    match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(t) | MappedLocalTime::Ambiguous(t, _) => t.to_utc(),
        MappedLocalTime::None => (1..=GAP_HOURS_MAX)
            .find_map(|hours| {
                let back = TimeDelta::hours(hours);
                // Before the gap the old offset was in force; in it, the wall clock went on by that much.
                zone.from_local_datetime(&(wall - back)).latest().map(|before| before.to_utc() + back)
            })
            .unwrap_or_else(|| wall.and_utc()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(zone: Tz, format: &str, text: &str) -> Option<String> {
        Dates::new(&[format.to_owned()], zone).unwrap().parse(text).map(|t| t.to_string())
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
}
