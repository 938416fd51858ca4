//! One version of a calendar, and the open spans of each year that it was asked about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use guichet_schemas::time::Timestamp;

use super::segments::segments;
use super::year::Year;
use super::{END, FIRST};

/// The years that there are, each made when it is first asked about: those from [`FIRST`] to [`END`].
const FIRST_YEAR: i32 = 1970;
const YEARS: usize = 231;
const DAY_MS: i64 = 86_400_000;
/// Days from the first of the year 1 to 1970-01-01, both counted.
const DAYS_TO_1970: i32 = 719_163;

/// A window of a day, in seconds of the local wall clock since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Window {
    pub(super) opens_s: u32,
    pub(super) closes_s: u32,
}

#[derive(Debug)]
pub struct Hours {
    zone: Tz,
    weekly: [Vec<Window>; 7],
    holidays: BTreeSet<NaiveDate>,
    special: BTreeMap<NaiveDate, Vec<Window>>,
    years: Vec<OnceLock<Year>>,
}

impl Hours {
    pub(super) fn new(
        zone: Tz,
        weekly: [Vec<Window>; 7],
        holidays: BTreeSet<NaiveDate>,
        special: BTreeMap<NaiveDate, Vec<Window>>,
    ) -> Self {
        let years = std::iter::repeat_with(OnceLock::new).take(YEARS).collect();
        Self { zone, weekly, holidays, special, years }
    }

    /// Open milliseconds from one instant to another, both from [`FIRST`] to [`END`].
    pub(super) fn elapsed(&self, from: Timestamp, to: Timestamp) -> i64 {
        if to <= from {
            return 0;
        }
        let (first, last) = (year_of(from), year_of(to));
        let before = self.with_year(first, |year| year.open_before(from.0));
        if first == last {
            return self.with_year(last, |year| year.open_before(to.0)).saturating_sub(before);
        }
        let between = (first..last).map(|year| self.with_year(year, Year::open));
        let until = self.with_year(last, |year| year.open_before(to.0));
        between.fold(until, i64::saturating_add).saturating_sub(before)
    }

    /// The earliest instant up to `to` at which so many open milliseconds have passed since `from`; else how many have
    /// until then.
    pub(super) fn reach(&self, from: Timestamp, to: Timestamp, open_ms: i64) -> Result<Timestamp, i64> {
        let (first, last) = (year_of(from), year_of(to));
        let mut wanted = open_ms.saturating_add(self.with_year(first, |year| year.open_before(from.0)));
        for number in first..=last {
            match self.with_year(number, |year| year.when_open(wanted).ok_or_else(|| year.open())) {
                Ok(reached) if reached <= to.0 => return Ok(Timestamp(reached)),
                Ok(_) => break,
                Err(open) => wanted = wanted.saturating_sub(open),
            }
        }
        Err(self.elapsed(from, to))
    }

    fn with_year<R>(&self, number: i32, ask: impl FnOnce(&Year) -> R) -> R {
        let index = usize::try_from(number.saturating_sub(FIRST_YEAR)).ok();
        match index.and_then(|index| self.years.get(index)) {
            Some(kept) => ask(kept.get_or_init(|| self.year(number))),
            None => ask(&Year::new(Vec::new())),
        }
    }

    /// The open spans of a year of UTC: in each stretch of one offset to UTC, the windows, shifted and clipped.
    fn year(&self, number: i32) -> Year {
        let (Some(begins), Some(ends)) = (new_year(number), new_year(number.saturating_add(1))) else {
            return Year::new(Vec::new());
        };
        let mut spans = Vec::new();
        for segment in segments(self.zone, begins, ends) {
            let local = |utc: i64| utc.saturating_add(segment.offset_ms);
            let (local_from, local_to) = (local(segment.from), local(segment.to));
            // The day before may have a window that passes midnight.
            let mut day = date(local_from).and_then(|day| day.checked_sub_days(Days::new(1)));
            while let Some(today) = day.filter(|today| midnight(*today) < local_to) {
                for window in self.windows(today) {
                    let (opens, closes) =
                        (window_ms(today, window.opens_s), window_ms(today, window.closes_s));
                    let (opens, closes) = (opens.max(local_from), closes.min(local_to));
                    if opens < closes {
                        let utc = |local: i64| local.saturating_sub(segment.offset_ms);
                        spans.push((utc(opens), utc(closes)));
                    }
                }
                day = today.succ_opt();
            }
        }
        Year::new(spans)
    }

    fn windows(&self, day: NaiveDate) -> &[Window] {
        if let Some(special) = self.special.get(&day) {
            return special;
        }
        if self.holidays.contains(&day) {
            return &[];
        }
        self.weekly.get(day.weekday().num_days_from_monday() as usize).map_or(&[], Vec::as_slice)
    }
}

/// The year of an instant from [`FIRST`] to [`END`].
fn year_of(at: Timestamp) -> i32 {
    DateTime::<Utc>::from_timestamp_millis(at.0.clamp(FIRST.0, END.0)).map_or(FIRST_YEAR, |at| at.year())
}

/// An instant of a local wall clock, counted as if it were UTC.
fn window_ms(day: NaiveDate, second: u32) -> i64 {
    midnight(day).saturating_add(i64::from(second).saturating_mul(1000))
}

fn new_year(number: i32) -> Option<i64> {
    NaiveDate::from_ymd_opt(number, 1, 1).map(midnight)
}

/// Milliseconds of a local wall clock at midnight, counted as if it were UTC.
fn midnight(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce().saturating_sub(DAYS_TO_1970)).saturating_mul(DAY_MS)
}

fn date(local_ms: i64) -> Option<NaiveDate> {
    let days = i32::try_from(local_ms.div_euclid(DAY_MS)).ok()?;
    NaiveDate::from_num_days_from_ce_opt(days.checked_add(DAYS_TO_1970)?)
}
