//! What a column holds, as far as its values show: how often it is filled, how many values it has, which date patterns
//! read them.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::super::bounds::shown;
use super::super::dates::Dates;
use super::sample::Sample;

/// Different values of a column that are counted.
const DISTINCT_MAX: usize = 5_000;
/// Values that a comment shows.
const SHOWN_MAX: usize = 3;
/// Bytes of a value that a comment shows.
const VALUE_SHOWN: usize = 40;

/// Patterns that are tried, with the one that reads the same texts with day and month the other way round.
const PATTERNS: &[(&str, Option<&str>)] = &[
    ("%Y-%m-%d %H:%M:%S", None),
    ("%Y-%m-%d %H:%M:%S%.f", None),
    ("%Y-%m-%d %H:%M", None),
    ("%Y-%m-%d %I:%M %p", None),
    ("%Y-%m-%dT%H:%M:%S", None),
    ("%Y-%m-%dT%H:%M:%S%.f", None),
    ("%Y-%m-%dT%H:%M:%S%.f%z", None),
    ("%Y-%m-%d %H:%M:%S %z", None),
    ("%Y-%m-%d", None),
    ("%Y/%m/%d %H:%M:%S", None),
    ("%Y/%m/%d %H:%M", None),
    ("%d/%m/%Y %H:%M:%S", Some("%m/%d/%Y %H:%M:%S")),
    ("%m/%d/%Y %H:%M:%S", Some("%d/%m/%Y %H:%M:%S")),
    ("%d/%m/%Y %H:%M", Some("%m/%d/%Y %H:%M")),
    ("%m/%d/%Y %H:%M", Some("%d/%m/%Y %H:%M")),
    ("%d/%m/%Y %I:%M %p", Some("%m/%d/%Y %I:%M %p")),
    ("%m/%d/%Y %I:%M %p", Some("%d/%m/%Y %I:%M %p")),
    ("%d/%m/%Y", Some("%m/%d/%Y")),
    ("%m/%d/%Y", Some("%d/%m/%Y")),
    ("%d-%m-%Y %H:%M:%S", Some("%m-%d-%Y %H:%M:%S")),
    ("%m-%d-%Y %H:%M:%S", Some("%d-%m-%Y %H:%M:%S")),
    ("%d-%m-%Y %H:%M", Some("%m-%d-%Y %H:%M")),
    ("%m-%d-%Y %H:%M", Some("%d-%m-%Y %H:%M")),
    ("%d.%m.%Y %H:%M:%S", None),
    ("%d.%m.%Y %H:%M", None),
    ("%d.%m.%Y", None),
    ("%d/%b/%y %I:%M %p", None),
    ("%d/%b/%Y %H:%M", None),
    ("%d %b %Y %H:%M", None),
    ("%d %B %Y %H:%M", None),
    ("%d %B %Y", None),
    ("%B %d, %Y %I:%M %p", None),
    ("%b %d, %Y %I:%M %p", None),
    ("epoch_seconds", None),
    ("epoch_milliseconds", None),
];

/// A column of an export.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) place: usize,
    pub(super) name: String,
    /// Rows in which it has a value.
    pub(super) filled: usize,
    rows: usize,
    /// Its values with how often each occurs; the others are not counted one by one.
    pub(super) values: BTreeMap<String, usize>,
    /// There are more values than are counted.
    pub(super) has_more: bool,
    /// Which patterns read all its values; RFC 3339 needs none, and then there is an empty one.
    pub(super) dates: Vec<&'static str>,
    /// The pattern that reads most of its values, and their share.
    pub(super) best: Option<&'static str>,
    pub(super) date_share: f64,
}

impl Column {
    pub(super) fn of(sample: &Sample, place: usize) -> Self {
        let mut column = Self {
            place,
            name: sample.columns[place].clone(),
            filled: sample.values(place).flatten().count(),
            rows: sample.rows.len(),
            values: BTreeMap::new(),
            has_more: false,
            dates: Vec::new(),
            best: None,
            date_share: 0.0,
        };
        for value in sample.each_value(place) {
            if let Some(count) = column.values.get_mut(value) {
                *count = count.saturating_add(1);
            } else if column.values.len() < DISTINCT_MAX {
                column.values.insert(value.to_owned(), 1);
            } else {
                column.has_more = true;
            }
        }
        column.look_for_dates();
        column
    }

    fn look_for_dates(&mut self) {
        let all = self.values.len();
        if all == 0 {
            return;
        }
        // What has no digits, or is long, is no date: most columns end here.
        let may_be = |text: &String| text.len() <= 40 && text.bytes().filter(u8::is_ascii_digit).count() >= 3;
        let candidates = self.values.keys().filter(|text| may_be(text)).count();
        if candidates.saturating_mul(2) < all {
            return;
        }
        let rfc_3339 = std::iter::once(("", Vec::new()));
        let patterns =
            rfc_3339.chain(PATTERNS.iter().map(|(pattern, _)| (*pattern, vec![(*pattern).to_owned()])));
        for (pattern, formats) in patterns {
            let Ok(dates) = Dates::new(&formats, Tz::UTC) else { continue };
            let read = self.values.keys().filter(|text| dates.parse(text).is_ok()).count();
            let share = read as f64 / all as f64;
            if share > self.date_share {
                (self.best, self.date_share) = (Some(pattern), share);
            }
            if read == all {
                self.dates.push(pattern);
            }
            if pattern.is_empty() && read == all {
                // RFC 3339 is read anyway, with every pattern.
                break;
            }
        }
    }

    /// Most of its values can be read as dates; whether they are dates, the name of the column says.
    pub(super) fn may_be_date(&self) -> bool {
        self.date_share >= 0.5
    }

    pub(super) fn is_always_filled(&self) -> bool {
        self.filled == self.rows
    }

    /// No value occurs twice.
    pub(super) fn is_unique(&self) -> bool {
        !self.has_more && self.values.values().all(|count| *count == 1)
    }

    /// The comment about it.
    pub(super) fn says(&self) -> String {
        let share = |part: usize, whole: usize| part.saturating_mul(100).checked_div(whole).unwrap_or(0);
        let mut said = format!("filled in {} % of the rows", share(self.filled, self.rows));
        let more = if self.has_more { "more than " } else { "" };
        said.push_str(&format!(", {more}{} different", self.values.len()));
        if self.date_share > 0.0 {
            said.push_str(&format!(", {:.0} % read as dates", self.date_share * 100.0));
        }
        let mut often: Vec<(&String, &usize)> = self.values.iter().collect();
        often.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let shown: Vec<String> = often.iter().take(SHOWN_MAX).map(|(value, _)| quoted(value)).collect();
        if !shown.is_empty() {
            said.push_str(&format!(", such as {}", shown.join(", ")));
        }
        said
    }
}

/// A value in a comment: on one line, without control characters, and not longer than a reader needs.
pub(super) fn quoted(value: &str) -> String {
    format!("\"{}\"", shown(value, VALUE_SHOWN))
}

/// The pattern with day and month the other way round.
pub(super) fn turned(pattern: &str) -> Option<&'static str> {
    PATTERNS.iter().find(|(one, _)| *one == pattern).and_then(|(_, turned)| *turned)
}
