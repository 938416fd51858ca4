//! Reads the dates of an export as instants. Naive times are wall clock of one zone, or of the zone that the
//! row names. A pattern that cannot read what it names is refused when the mapping is read.

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems};
use chrono::{
    DateTime, Datelike as _, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta,
    TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;
use guichet_schemas::time::Timestamp;

use super::month_names;

/// No clock change in the zone database leaves out more than this: Samoa skipped a day in 2011.
const GAP_HOURS_MAX: i64 = 48;

/// 1970-01-01T00:00:00Z.
const EARLIEST: Timestamp = Timestamp(0);
/// 2200-01-01T00:00:00Z, for who knows no better.
pub(super) const LATEST: Timestamp = Timestamp(7_258_118_400_000);
/// Fewer milliseconds since 1970 are seconds: they end in March 1973.
const MILLISECONDS_MIN: i64 = 100_000_000_000;

/// Patterns that are words.
const EPOCH_SECONDS: &str = "epoch_seconds";
const EPOCH_MILLISECONDS: &str = "epoch_milliseconds";

/// Why a text is no instant of a ticket's history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoInstant {
    /// No format reads it.
    #[error("which is none of source.date_formats and not RFC 3339")]
    Unread,
    /// It is one, but of no time at which tickets are worked on. Often a zero that was written as a date.
    #[error("which is outside 1970-01-01 to {}", day(.latest))]
    Outside {
        /// The last instant that is believed.
        latest: Timestamp,
    },
    /// `%Y` read a year of two digits.
    #[error(
        "which has a year of two digits where %Y stands; write %y, or source.two_digit_years = \"20xx\" where it means this century"
    )]
    TwoDigitYear,
    /// Milliseconds that can only be seconds.
    #[error("which is too small a number of milliseconds since 1970; are they seconds")]
    Seconds,
    /// The row names a zone that there is not.
    #[error("whose zone {0:?} is none of the IANA database and no offset such as +02:00")]
    Zone(String),
}

fn day(at: &Timestamp) -> String {
    DateTime::from_timestamp_millis(at.0).map_or_else(String::new, |t| t.date_naive().to_string())
}

/// An instant, and what had to be decided to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instant {
    pub(super) at: Timestamp,
    pub(super) change: Option<ClockChange>,
}

/// A wall clock that does not tell the instant alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClockChange {
    /// The hour came twice.
    Repeated,
    /// The hour never came; it was moved forward by what the clocks left out.
    Skipped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPattern {
    #[error("is no format, such as \"%d/%m/%Y %H:%M\"")]
    Unknown,
    #[error(
        "has %f, which counts nanoseconds; write %.f for the fraction with its point (\"%S%.f\"), or %3f, %6f or %9f for so many digits"
    )]
    Nanoseconds,
    #[error(
        "has %Z, which reads no zone; write the zone into source.zone, name its column in source.zone_column, or read an offset with %z"
    )]
    ZoneName,
    #[error("has %I or %l without %p: an hour of twelve alone is morning or afternoon")]
    HalfDay,
    #[error(
        "can never read a whole date: it must name year, month and day, or be epoch_seconds or epoch_milliseconds"
    )]
    NoDate,
    #[error("can never read a time of day: it names some of it, but not both hour and minute")]
    NoTime,
}

/// The formats of a mapping, in order, then RFC 3339.
#[derive(Debug, Clone)]
pub(super) struct Dates {
    formats: Vec<Format>,
    zone: Zone,
    /// Two digits under `%Y` are a year of this century.
    this_century: bool,
    latest: Timestamp,
    /// A fraction may stand behind a comma.
    decimal_comma: bool,
}

#[derive(Debug, Clone)]
enum Format {
    Pattern { items: Vec<Item<'static>>, names: Vec<month_names::Name> },
    Seconds,
    Milliseconds,
}

/// Where the clock on the wall hangs.
#[derive(Debug, Clone, Copy)]
enum Zone {
    Iana(Tz),
    Offset(FixedOffset),
}

/// A format's reading of a text.
enum Read {
    At(Instant),
    TwoDigitYear,
    Seconds,
}

impl Dates {
    /// `Err` holds the index of the format that is refused.
    pub(super) fn new(formats: &[String], zone: Tz) -> Result<Self, (usize, NoPattern)> {
        let formats = formats.iter().enumerate().map(|(i, f)| format(f).map_err(|e| (i, e)));
        let formats = formats.collect::<Result<_, _>>()?;
        Ok(Self {
            formats,
            zone: Zone::Iana(zone),
            this_century: false,
            latest: LATEST,
            decimal_comma: false,
        })
    }

    pub(super) const fn set_zone(&mut self, zone: Tz) {
        self.zone = Zone::Iana(zone);
    }

    /// Two digits under `%Y` mean a year of this century.
    pub(super) const fn set_this_century(&mut self) {
        self.this_century = true;
    }

    /// Sets the decimal mark of a number.
    pub(super) const fn set_decimal(&mut self, decimal: char) {
        self.decimal_comma = decimal == ',';
    }

    /// The last instant that is believed.
    pub(super) const fn set_latest(&mut self, latest: Timestamp) {
        self.latest = latest;
    }

    /// Does a text look like a time of this export?
    pub(super) fn reads(&self, text: &str) -> bool {
        !text.is_empty() && self.parse(text).is_ok()
    }

    /// As [`Dates::read`], without a zone of the row and without an order.
    pub(super) fn parse(&self, text: &str) -> Result<Timestamp, NoInstant> {
        self.read(text, None, None).map(|instant| instant.at)
    }

    /// The first format that reads the text decides, also where what it reads lies outside. An hour that
    /// comes twice is the one that the instant before it in the file asks for, else the first.
    pub(super) fn read(
        &self,
        text: &str,
        zone: Option<&str>,
        before: Option<Timestamp>,
    ) -> Result<Instant, NoInstant> {
        let zone =
            zone.map_or(Ok(self.zone), |name| zone_of(name).ok_or_else(|| NoInstant::Zone(name.to_owned())))?;
        let mut fault = NoInstant::Unread;
        for format in &self.formats {
            match self.read_as(format, text, zone, before) {
                Some(Read::At(instant)) => return self.believed(instant),
                // Another format may be meant.
                Some(Read::TwoDigitYear) => fault = NoInstant::TwoDigitYear,
                Some(Read::Seconds) => fault = NoInstant::Seconds,
                None => {}
            }
        }
        rfc3339(text).map_or(Err(fault), |at| self.believed(Instant { at, change: None }))
    }

    fn believed(&self, instant: Instant) -> Result<Instant, NoInstant> {
        if (EARLIEST..=self.latest).contains(&instant.at) {
            Ok(instant)
        } else {
            Err(NoInstant::Outside { latest: self.latest })
        }
    }

    fn read_as(&self, format: &Format, text: &str, zone: Zone, before: Option<Timestamp>) -> Option<Read> {
        let (items, names) = match format {
            Format::Seconds => return epoch_seconds(text).map(plain),
            Format::Milliseconds => {
                let at = text.parse::<i64>().ok()?;
                return Some(if (1..MILLISECONDS_MIN).contains(&at) {
                    Read::Seconds
                } else {
                    plain(Timestamp(at))
                });
            }
            Format::Pattern { items, names } => (items, names),
        };
        let parsed = parse(items, text).or_else(|| {
            let english = month_names::in_english(text, names)?;
            parse(items, &english)
        });
        let parsed = parsed.or_else(|| parse(items, &self.with_point(text)?))?;
        if parsed.offset().is_some() && parsed.timestamp().is_none() {
            return self.with_offset(parsed);
        }
        if parsed.timestamp().is_some() {
            return parsed.to_naive_datetime_with_offset(0).ok().map(|t| plain(t.and_utc().into()));
        }
        let wall = wall(&parsed)?;
        let Some(wall) = self.whole_year(&parsed, wall) else { return Some(Read::TwoDigitYear) };
        Some(Read::At(instant(wall, zone, before)))
    }

    /// The text with a point before its fraction, where a comma may stand there.
    fn with_point(&self, text: &str) -> Option<String> {
        let (whole, fraction) = text.rsplit_once(',').filter(|_| self.decimal_comma)?;
        Some(format!("{whole}.{fraction}"))
    }

    fn with_offset(&self, parsed: Parsed) -> Option<Read> {
        let at = parsed.to_datetime().ok()?;
        let Some(wall) = self.whole_year(&parsed, at.naive_local()) else { return Some(Read::TwoDigitYear) };
        let at = at.offset().from_local_datetime(&wall).single()?;
        Some(plain(Timestamp(at.timestamp_millis())))
    }

    /// A year of two digits under `%Y` in the century that the mapping means; `None` where it means none.
    fn whole_year(&self, parsed: &Parsed, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        if !parsed.year().is_some_and(|year| (0..100).contains(&year)) {
            return Some(wall);
        }
        // 2000 years are whole cycles of the calendar: the same days, leap days and weekdays.
        if self.this_century { wall.with_year(wall.year().checked_add(2000)?) } else { None }
    }
}

fn plain(at: Timestamp) -> Read {
    Read::At(Instant { at, change: None })
}

fn parse(items: &[Item<'static>], text: &str) -> Option<Parsed> {
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter()).ok()?;
    Some(parsed)
}

fn wall(parsed: &Parsed) -> Option<NaiveDateTime> {
    match parsed.to_naive_datetime_with_offset(0) {
        Ok(wall) => Some(wall),
        // A format without a time of day means its midnight; one that names some of it was refused.
        Err(_) if parsed.to_naive_time().is_err() => {
            Some(parsed.to_naive_date().ok()?.and_time(NaiveTime::MIN))
        }
        Err(_) => None,
    }
}

/// Seconds since 1970, with or without a fraction.
fn epoch_seconds(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis = format!("{fraction:0<3}").get(..3)?.parse::<i64>().ok()?;
    let at = seconds.parse::<i64>().ok()?.checked_mul(1000)?;
    at.checked_add(if at < 0 { 0 } else { millis }).map(Timestamp)
}

fn format(pattern: &str) -> Result<Format, NoPattern> {
    match pattern {
        EPOCH_SECONDS => return Ok(Format::Seconds),
        EPOCH_MILLISECONDS => return Ok(Format::Milliseconds),
        _ => {}
    }
    let items = StrftimeItems::new(pattern).parse_to_owned().map_err(|_| NoPattern::Unknown)?;
    let has = |wanted: &[Numeric]| {
        items.iter().any(|item| matches!(item, Item::Numeric(n, _) if wanted.contains(n)))
    };
    if has(&[Numeric::Nanosecond]) {
        return Err(NoPattern::Nanoseconds);
    }
    if items.contains(&Item::Fixed(Fixed::TimezoneName)) {
        return Err(NoPattern::ZoneName);
    }
    let half = [Fixed::LowerAmPm, Fixed::UpperAmPm].map(Item::Fixed).iter().any(|item| items.contains(item));
    if has(&[Numeric::Hour12]) && !half {
        return Err(NoPattern::HalfDay);
    }
    let back = reads_back(&items).ok_or(NoPattern::NoDate)?;
    let names_time = half || has(&[Numeric::Hour, Numeric::Hour12, Numeric::Minute, Numeric::Second]);
    if names_time && back.hour() == 0 {
        return Err(NoPattern::NoTime);
    }
    let names = month_names::of(&items);
    Ok(Format::Pattern { items, names })
}

/// The instant that a pattern reads from its own output; `None` where the date is another.
fn reads_back(items: &[Item<'static>]) -> Option<NaiveDateTime> {
    let date = NaiveDate::from_ymd_opt(2031, 11, 24)?;
    let at = date.and_hms_milli_opt(13, 46, 58, 123)?.and_utc().fixed_offset();
    let text = at.format_with_items(items.iter()).to_string();
    let parsed = parse(items, &text)?;
    let wall = if parsed.timestamp().is_some() {
        parsed.to_naive_datetime_with_offset(0).ok()?
    } else {
        wall(&parsed)?
    };
    (wall.date() == date).then_some(wall)
}

fn rfc3339(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(|t| Timestamp(t.timestamp_millis()))
}

/// `Europe/Paris`, `+02:00`, `-0330` or `Z`.
fn zone_of(name: &str) -> Option<Zone> {
    if let Ok(zone) = name.parse() {
        return Some(Zone::Iana(zone));
    }
    let offset = if name == "Z" { "+00:00" } else { name };
    // With a sign only: the parser of offsets takes more than an offset.
    offset.starts_with(['+', '-']).then(|| offset.parse().ok()).flatten().map(Zone::Offset)
}

/// The instant at which the clocks of a zone show this time.
fn instant(wall: NaiveDateTime, zone: Zone, before: Option<Timestamp>) -> Instant {
    let (at, change) = match zone {
        Zone::Iana(zone) => on_the_wall(wall, zone, before),
        Zone::Offset(offset) => {
            let at = offset.from_local_datetime(&wall).single();
            (at.map_or_else(|| wall.and_utc(), |at| at.to_utc()), None)
        }
    };
    Instant { at: at.into(), change }
}

/// An hour that comes twice is its second pass where the instant before it in the file lies after the first;
/// one that never comes is moved forward by what the clocks left out.
fn on_the_wall(
    wall: NaiveDateTime,
    zone: Tz,
    before: Option<Timestamp>,
) -> (DateTime<Utc>, Option<ClockChange>) {
    // Near the ends of the calendar its arithmetic has none of the days that a zone or a gap asks for.
    if zone == Tz::UTC || !(1969..=2201).contains(&wall.year()) {
        return (wall.and_utc(), None);
    }
    match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(t) => (t.to_utc(), None),
        MappedLocalTime::Ambiguous(first, second) => {
            let (first, second) = (first.to_utc(), second.to_utc());
            let later =
                before.is_some_and(|before| first < instant_of(before) && instant_of(before) <= second);
            (if later { second } else { first }, Some(ClockChange::Repeated))
        }
        MappedLocalTime::None => {
            let moved = (1..=GAP_HOURS_MAX).find_map(|hours| {
                let back = TimeDelta::hours(hours);
                // Before the gap the old offset was in force; in it, the wall clock went on by that much.
                let before = zone.from_local_datetime(&wall.checked_sub_signed(back)?).latest()?;
                before.to_utc().checked_add_signed(back)
            });
            (moved.unwrap_or_else(|| wall.and_utc()), Some(ClockChange::Skipped))
        }
    }
}

fn instant_of(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.0).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(zone: Tz, format: &str) -> Dates {
        Dates::new(&[format.to_owned()], zone).unwrap()
    }

    fn read(zone: Tz, format: &str, text: &str) -> Option<String> {
        dates(zone, format).parse(text).ok().map(|t| t.to_string())
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
        assert_eq!(read(zone, "%d.%m.%Y", "2010-03-31T16:59:42+02:00").unwrap(), "2010-03-31T14:59:42.000Z");
        assert_eq!(read(zone, "%s", "1457182800").unwrap(), "2016-03-05T13:00:00.000Z");
    }

    #[test]
    fn numbers_since_1970_are_seconds_or_milliseconds_as_the_mapping_says() {
        let utc = Tz::UTC;
        assert_eq!(read(utc, EPOCH_SECONDS, "1457182800").unwrap(), "2016-03-05T13:00:00.000Z");
        assert_eq!(read(utc, EPOCH_SECONDS, "1457182800.25").unwrap(), "2016-03-05T13:00:00.250Z");
        assert_eq!(read(utc, EPOCH_MILLISECONDS, "1457182800123").unwrap(), "2016-03-05T13:00:00.123Z");
        assert_eq!(dates(utc, EPOCH_MILLISECONDS).parse("1457182800"), Err(NoInstant::Seconds));
        let outside = dates(utc, EPOCH_SECONDS).parse("1457182800123");
        assert_eq!(outside, Err(NoInstant::Outside { latest: LATEST }));
        assert_eq!(dates(utc, EPOCH_SECONDS).parse("12.x"), Err(NoInstant::Unread));
    }

    #[test]
    fn a_pattern_that_cannot_read_what_it_names_is_refused() {
        for (pattern, why) in [
            ("%Q", NoPattern::Unknown),
            ("%Y-%m-%d %H:%M:%S.%f", NoPattern::Nanoseconds),
            ("%Y-%m-%d %H:%M %Z", NoPattern::ZoneName),
            ("%Y-%m-%d %I:%M", NoPattern::HalfDay),
            ("%Y-%m-%d %M", NoPattern::NoTime),
            ("%d.%m.%Y um %H Uhr", NoPattern::NoTime),
            ("%H:%M:%S", NoPattern::NoDate),
            ("%d/%m", NoPattern::NoDate),
            ("%Y-%d %H:%M", NoPattern::NoDate),
            ("DD/MM/YYYY", NoPattern::NoDate),
            ("", NoPattern::NoDate),
        ] {
            assert_eq!(Dates::new(&[pattern.to_owned()], Tz::UTC).unwrap_err(), (0, why), "{pattern}");
        }
        for pattern in [
            "%d/%b/%y %I:%M %p",
            "%Y-%m-%dT%H:%M:%S%.f%z",
            "%Y-%m-%dT%H:%M:%S%.3f%:z",
            "%Y%m%d%H%M%S%3f",
            "%+",
            "%s",
            "%Y-%j",
            "%A %d %B %Y",
            "%G-W%V-%u",
            "%c",
            "%D %T",
            "%e %h %C%y %k:%M",
            "%d.%m.%Y um %H:%M Uhr",
        ] {
            assert!(Dates::new(&[pattern.to_owned()], Tz::UTC).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn a_year_of_two_digits_under_a_whole_one_needs_the_mapping_to_say_so() {
        let mut dates = dates(Tz::UTC, "%Y-%m-%d");
        assert_eq!(dates.parse("26-02-28"), Err(NoInstant::TwoDigitYear));
        dates.set_this_century();
        assert_eq!(dates.parse("24-02-29").unwrap().to_string(), "2024-02-29T00:00:00.000Z");
        assert_eq!(dates.parse("1999-01-01").unwrap().to_string(), "1999-01-01T00:00:00.000Z");
        let both = ["%Y/%m/%d", "%d/%m/%y"].map(str::to_owned);
        let both = Dates::new(&both, Tz::UTC).unwrap();
        assert_eq!(both.parse("02/03/26").unwrap().to_string(), "2026-03-02T00:00:00.000Z");
        let offset = Dates::new(&["%Y-%m-%d %H:%M %z".to_owned()], Tz::UTC).unwrap();
        assert_eq!(offset.parse("26-02-28 10:00 +0100"), Err(NoInstant::TwoDigitYear));
    }

    #[test]
    fn months_and_days_have_their_french_names_too() {
        for (pattern, text) in [
            ("%d %B %Y", "2 mars 2026"),
            ("%d %b %Y", "2 mars 2026"),
            ("%d %B %Y", "02 March 2026"),
            ("%A %d %B %Y", "Lundi 2 Mars 2026"),
            ("%a %d %b %Y", "lun. 2 mars 2026"),
        ] {
            assert_eq!(read(Tz::UTC, pattern, text).unwrap(), "2026-03-02T00:00:00.000Z", "{text}");
        }
        for (text, month) in [
            ("févr.", 2),
            ("aout", 8),
            ("août", 8),
            ("sept.", 9),
            ("DÉC.", 12),
            ("décembre", 12),
            ("juil", 7),
            ("Juin", 6),
        ] {
            let read = read(Tz::UTC, "%d/%b/%y", &format!("01/{text}/26"));
            assert_eq!(read, Some(format!("2026-{month:02}-01T00:00:00.000Z")), "{text}");
        }
        assert_eq!(read(Tz::UTC, "%a %d %b %Y", "mar. 3 mars 2026").unwrap(), "2026-03-03T00:00:00.000Z");
        assert_eq!(read(Tz::UTC, "%d %b %Y", "2 brumaire 2026"), None);
    }

    #[test]
    fn a_row_may_name_its_own_zone() {
        let dates = dates(Tz::UTC, "%Y-%m-%d %H:%M");
        let at = |zone| dates.read("2026-07-01 12:00", Some(zone), None).map(|i| i.at.to_string());
        assert_eq!(at("Europe/Paris").unwrap(), "2026-07-01T10:00:00.000Z");
        assert_eq!(at("-03:30").unwrap(), "2026-07-01T15:30:00.000Z");
        assert_eq!(at("Z").unwrap(), "2026-07-01T12:00:00.000Z");
        assert_eq!(at("CET/Mars"), Err(NoInstant::Zone("CET/Mars".to_owned())));
    }

    #[test]
    fn a_date_alone_is_its_midnight_in_the_zone() {
        assert_eq!(read(Tz::Europe__Paris, "%Y-%m-%d", "2016-07-01").unwrap(), "2016-06-30T22:00:00.000Z");
    }

    #[test]
    fn an_hour_that_comes_twice_is_the_pass_that_the_order_asks_for() {
        let dates = dates(Tz::Europe__Stockholm, "%Y-%m-%d %H:%M");
        let mut before = None;
        let passes = ["01:50", "02:30", "02:50", "02:10", "02:40", "03:05"].map(|time| {
            let instant = dates.read(&format!("2012-10-28 {time}"), None, before).unwrap();
            before = Some(instant.at);
            (instant.at.to_string()[11..16].to_owned(), instant.change.is_some())
        });
        let wanted = [
            ("23:50", false),
            ("00:30", true),
            ("00:50", true),
            ("01:10", true),
            ("01:40", true),
            ("02:05", false),
        ];
        assert_eq!(passes, wanted.map(|(time, noted)| (time.to_owned(), noted)));
        // What lies after both passes orders nothing.
        let late = dates.parse("2012-10-29 00:00").unwrap();
        let t = dates.read("2012-10-28 02:30", None, Some(late)).unwrap();
        assert_eq!(t.at.to_string(), "2012-10-28T00:30:00.000Z");
    }

    #[test]
    fn an_hour_that_never_comes_is_moved_forward_by_the_gap_and_told() {
        // 02:30 does not exist; 03:30 summer time is 01:30 UTC.
        let dates = dates(Tz::Europe__Stockholm, "%Y-%m-%d %H:%M");
        let t = dates.read("2012-03-25 02:30", None, None).unwrap();
        assert_eq!(
            (t.at.to_string().as_str(), t.change),
            ("2012-03-25T01:30:00.000Z", Some(ClockChange::Skipped))
        );
        // Apia had no 30 December 2011; it becomes the 31st.
        let t = read(Tz::Pacific__Apia, "%Y-%m-%d %H:%M", "2011-12-30 10:00").unwrap();
        assert_eq!(t, read(Tz::Pacific__Apia, "%Y-%m-%d %H:%M", "2011-12-31 10:00").unwrap());
    }

    #[test]
    fn what_lies_outside_the_time_of_tickets_is_no_instant() {
        let formats = ["%Y-%m-%d %H:%M".to_owned(), "%s".to_owned()];
        let utc = Dates::new(&formats, Tz::UTC).unwrap();
        let paris = Dates::new(&formats, Tz::Europe__Paris).unwrap();
        let outside = [
            "1899-12-30 00:00",
            "1969-12-31 22:00",
            "0101-01-01T00:00:00Z",
            "2200-01-01T00:00:01Z",
            "9999-12-31 23:59",
            "+262142-12-31 23:59",
            "-262143-01-01 00:00",
            "8210266876799",
        ];
        for text in outside {
            assert_eq!(utc.parse(text), Err(NoInstant::Outside { latest: LATEST }), "{text}");
            assert_eq!(paris.parse(text), Err(NoInstant::Outside { latest: LATEST }), "{text}");
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

    #[test]
    fn what_lies_after_tomorrow_is_named_with_the_day() {
        let mut dates = dates(Tz::UTC, "%Y-%m-%d");
        dates.set_latest(Timestamp(1_772_496_000_000));
        assert!(dates.parse("2026-03-03").is_ok());
        let error = dates.parse("2026-03-04").unwrap_err().to_string();
        assert!(error.contains("outside 1970-01-01 to 2026-03-03"), "{error}");
    }
}
