//! Periods of a report: days, ISO weeks and months between the midnights of a zone, or one free range.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Period;

/// Most rows of periods that one answer may ask for; a day a row, that is more than a century.
const PERIODS_MAX: usize = 40_000;
/// Periods shown where nobody says from when.
const PERIODS_BEFORE: u32 = 12;
/// Days by which an instant may lie before the first instant of its local date; no zone turns back further than one.
const STEPS_BACK_MAX: u32 = 2;

/// From the start of one period to the end of another, in milliseconds UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first instant.
    pub from: i64,
    /// The first instant after.
    pub to: i64,
}

/// A fault in the span that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// Neither a date nor an instant.
    #[error("must be a date such as 2026-03-09, or an instant such as 2026-03-09T00:00:00Z")]
    Unreadable(&'static str),
    /// It ends before it begins.
    #[error("must be later than from")]
    Backwards,
    /// More periods than anybody reads.
    #[error("must be at most {PERIODS_MAX} periods after from")]
    TooLong,
}

impl SpanError {
    /// The field that is wrong.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Unreadable(field) => field,
            Self::Backwards | Self::TooLong => "to",
        }
    }
}

/// The first day of a period. Days of a zone, so that no period is ever 23 hours by mistake.
pub(crate) type Start = NaiveDate;

/// A way to cut time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Cutting {
    pub(crate) zone: Tz,
    pub(crate) period: Period,
}

impl Cutting {
    /// The first day of the period that holds an instant.
    fn start_at(self, at: i64) -> Start {
        // What no date can be written of is taken for the first or the last one: years 0 to 9999.
        let at = at.clamp(Timestamp::FIRST.0, Timestamp::LAST.0);
        let instant = DateTime::<Utc>::from_timestamp_millis(at).unwrap_or_default();
        let mut day = instant.with_timezone(&self.zone).date_naive();
        // Where clocks go back over midnight, a day's last hour comes twice; it belongs to where its first instant is.
        for _ in 0..STEPS_BACK_MAX {
            if at >= self.instant(day) {
                break;
            }
            day = day.pred_opt().unwrap_or(day);
        }
        self.start_of(day)
    }

    fn start_of(self, day: NaiveDate) -> Start {
        match self.period {
            Period::Day | Period::Range => day,
            Period::Week => {
                let days = Days::new(u64::from(day.weekday().num_days_from_monday()));
                day.checked_sub_days(days).unwrap_or(day)
            }
            Period::Month => day.with_day(1).unwrap_or(day),
        }
    }

    pub(crate) fn next(self, start: Start) -> Start {
        self.after(start, 1).unwrap_or(Start::MAX)
    }

    /// So many periods on; `None` where the calendar ends.
    pub(crate) fn after(self, start: Start, count: u64) -> Option<Start> {
        match self.period {
            Period::Day | Period::Range => start.checked_add_days(Days::new(count)),
            Period::Week => start.checked_add_days(Days::new(count.checked_mul(7)?)),
            Period::Month => start.checked_add_months(Months::new(u32::try_from(count).ok()?)),
        }
    }

    fn back(self, start: Start, count: u32) -> Start {
        let days = |count: u32| start.checked_sub_days(Days::new(u64::from(count)));
        let back = match self.period {
            Period::Day | Period::Range => days(count),
            Period::Week => days(count.saturating_mul(7)),
            Period::Month => start.checked_sub_months(Months::new(count)),
        };
        back.unwrap_or(start)
    }

    /// The first instant of a day. Where clocks skip midnight, the first after the gap.
    pub(crate) fn instant(self, day: NaiveDate) -> i64 {
        let midnight = day.and_time(NaiveTime::MIN);
        let step = TimeDelta::minutes(15);
        (0..96)
            .filter_map(|n| midnight.checked_add_signed(step.checked_mul(n)?))
            .find_map(|local| self.zone.from_local_datetime(&local).earliest())
            .map_or_else(|| midnight.and_utc().timestamp_millis(), |t| t.timestamp_millis())
    }

    pub(crate) fn name(self, start: Start) -> String {
        match self.period {
            Period::Day => start.to_string(),
            Period::Week => start.format("%G-W%V").to_string(),
            Period::Month => start.format("%Y-%m").to_string(),
            Period::Range => "range".to_owned(),
        }
    }

    /// Reads what was asked for, and widens it to whole periods.
    pub(crate) fn span(self, from: Option<&str>, to: Option<&str>, now: i64) -> Result<Span, SpanError> {
        let from = from.map(|text| self.read(text).ok_or(SpanError::Unreadable("from"))).transpose()?;
        let to = to.map(|text| self.read(text).ok_or(SpanError::Unreadable("to"))).transpose()?;
        // The end is outside: the period that holds the last instant before it is the last.
        let now = now.clamp(Timestamp::FIRST.0, Timestamp::LAST.0);
        let last = self.start_at(to.map_or(now, |to| to.saturating_sub(1)));
        let first = from.map_or_else(|| self.back(last, PERIODS_BEFORE), |from| self.start_at(from));
        let span = if self.period == Period::Range {
            Span { from: from.unwrap_or_else(|| self.instant(first)), to: to.unwrap_or(now) }
        } else {
            Span { from: self.instant(first), to: self.instant(self.next(last)) }
        };
        if from.zip(to).is_some_and(|(from, to)| to <= from) || span.to <= span.from {
            return Err(SpanError::Backwards);
        }
        let longest = first.checked_add_days(Days::new(PERIODS_MAX as u64));
        if self.period != Period::Range && longest.is_some_and(|longest| longest < last) {
            return Err(SpanError::TooLong);
        }
        Ok(span)
    }

    fn read(self, text: &str) -> Option<i64> {
        match text.parse::<NaiveDate>() {
            // chrono also takes +10000-01-01 and 2026-3-9.
            Ok(day) if text.len() == 10 => Some(self.instant(day)),
            Ok(_) | Err(_) => Timestamp::parse(text).map(|t| t.0),
        }
    }
}

/// Finds the period of an instant, remembering those it met.
#[derive(Debug, Clone)]
pub(crate) struct Periods {
    pub(crate) cutting: Cutting,
    /// The only period there is, where the report is of one range.
    range: Option<Span>,
    known: BTreeMap<i64, (i64, Start)>,
    last: (i64, i64, Start),
}

impl Periods {
    pub(crate) fn new(cutting: Cutting, range: Option<Span>) -> Self {
        Self { cutting, range, known: BTreeMap::new(), last: (0, 0, Start::MIN) }
    }

    /// The period of an instant. Before and after a range there is none: the dates next to it stand for that.
    pub(crate) fn of(&mut self, at: i64) -> Start {
        if let Some(range) = self.range {
            return match at {
                at if at < range.from => BEFORE_RANGE,
                at if at < range.to => RANGE,
                _ => AFTER_RANGE,
            };
        }
        let (from, to, start) = self.last;
        if (from..to).contains(&at) {
            return start;
        }
        let found = match self.known.range(..=at).next_back() {
            Some((from, (to, start))) if at < *to => (*from, *to, *start),
            Some(_) | None => {
                let start = self.cutting.start_at(at);
                let (from, to) =
                    (self.cutting.instant(start), self.cutting.instant(self.cutting.next(start)));
                self.known.insert(from, (to, start));
                (from, to, start)
            }
        };
        self.last = found;
        found.2
    }

    /// The same, and the first instant after it. Nothing is said of what lies behind a range.
    pub(crate) fn of_until(&mut self, at: i64) -> (Start, i64) {
        let start = self.of(at);
        let end = match self.range {
            Some(range) if at < range.from => range.from,
            Some(range) => range.to,
            None => self.last.1,
        };
        (start, end)
    }

    /// The periods of a span without the first so many, and from when to when each is.
    pub(crate) fn within(&self, span: Span, skip: u64) -> impl Iterator<Item = (Start, Span)> + use<> {
        let cutting = self.cutting;
        let range = self.range;
        let first = match range {
            Some(_) => (skip == 0).then_some(RANGE),
            None => cutting.after(cutting.start_at(span.from), skip),
        };
        std::iter::successors(first, move |start| range.map_or_else(|| cutting.after(*start, 1), |_| None))
            .map(move |start| {
                let whole =
                    || Span { from: cutting.instant(start), to: cutting.instant(cutting.next(start)) };
                (start, range.unwrap_or_else(whole))
            })
            .take_while(move |(_, period)| period.from < span.to)
    }

    /// The first and the last period of a span.
    pub(crate) fn bounds(&self, span: Span) -> (Start, Start) {
        if self.range.is_some() {
            return (RANGE, RANGE);
        }
        (self.cutting.start_at(span.from), self.cutting.start_at(span.to.saturating_sub(1)))
    }
}

/// Stands for what happened before a range, in it, and after it.
const BEFORE_RANGE: Start = NaiveDate::from_ymd_opt(1, 1, 1).expect("a date");
const RANGE: Start = NaiveDate::from_ymd_opt(1, 1, 2).expect("a date");
const AFTER_RANGE: Start = NaiveDate::from_ymd_opt(1, 1, 3).expect("a date");

#[cfg(test)]
#[path = "periods_tests.rs"]
mod tests;
