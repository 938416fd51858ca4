//! A calendar as it is written: zone, weekly windows, holidays and special days.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::hours::{Hours, Window};

/// Names of the days, in the order of [`Hours`].
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// A window may end on the day after: at 48:00 at the latest.
const END_MAX_S: u32 = 48 * 3600;

/// A calendar as it is published. Times are `HH:MM` or `HH:MM:SS` of the local wall clock; a window that passes
/// midnight ends behind 24:00.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// From when on; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<String>,
    /// IANA zone.
    pub tz: String,
    /// Windows of each day of the week; a day that is not named is closed.
    #[serde(default)]
    pub weekly: BTreeMap<String, Vec<(String, String)>>,
    /// Closed dates.
    #[serde(default)]
    pub holidays: Vec<String>,
    /// Dates with windows of their own; they win over a holiday.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub special: BTreeMap<String, Vec<(String, String)>>,
}

/// A fault in a calendar, and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {rule}")]
pub struct CalendarError {
    /// Place in the definition.
    pub path: String,
    pub rule: String,
}

impl CalendarError {
    fn at(path: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { path: path.into(), rule: rule.into() }
    }
}

impl Definition {
    /// The hours that it means.
    ///
    /// # Errors
    /// The first fault in it.
    pub fn hours(&self) -> Result<Hours, CalendarError> {
        let zone: Tz = self
            .tz
            .parse()
            .map_err(|_| CalendarError::at("tz", format!("{:?} is no zone of the IANA database", self.tz)))?;
        let mut weekly: [Vec<Window>; 7] = Default::default();
        for (day, written) in &self.weekly {
            let path = format!("weekly.{day}");
            let index = DAYS.iter().position(|name| name == day);
            let index = index
                .ok_or_else(|| CalendarError::at(&path, "days are mon, tue, wed, thu, fri, sat, sun"))?;
            if let Some(windows_of_day) = weekly.get_mut(index) {
                *windows_of_day = windows(&path, written)?;
            }
        }
        let holidays: BTreeSet<NaiveDate> = (self.holidays.iter().enumerate())
            .map(|(n, written)| date(&format!("holidays[{n}]"), written))
            .collect::<Result<_, _>>()?;
        let special = (self.special.iter())
            .map(|(day, written)| {
                let path = format!("special.{day}");
                Ok((date(&path, day)?, windows(&path, written)?))
            })
            .collect::<Result<_, _>>()?;
        Ok(Hours::new(zone, weekly, holidays, special))
    }
}

fn windows(path: &str, written: &[(String, String)]) -> Result<Vec<Window>, CalendarError> {
    let mut windows = Vec::with_capacity(written.len());
    for (n, (from, to)) in written.iter().enumerate() {
        let path = format!("{path}[{n}]");
        let (opens_s, closes_s) = (second(&path, from)?, second(&path, to)?);
        if opens_s >= closes_s {
            return Err(CalendarError::at(
                path,
                "a window opens before it closes; past midnight is 24:00 and later",
            ));
        }
        if opens_s >= 24 * 3600 || closes_s > END_MAX_S {
            return Err(CalendarError::at(
                path,
                "a window opens on its day and closes at 48:00 at the latest",
            ));
        }
        windows.push(Window { opens_s, closes_s });
    }
    windows.sort_unstable();
    if let Some(pair) = windows.windows(2).find(|pair| matches!(pair, [a, b] if a.closes_s > b.opens_s)) {
        return Err(CalendarError::at(path, format!("two windows overlap: {pair:?}")));
    }
    Ok(windows)
}

fn second(path: &str, written: &str) -> Result<u32, CalendarError> {
    let parts: Vec<Option<u32>> =
        written.split(':').map(|part| (part.len() == 2).then(|| part.parse().ok()).flatten()).collect();
    let time = match parts.as_slice() {
        [Some(h), Some(m)] if *m < 60 => Some(seconds(*h, *m, 0)),
        [Some(h), Some(m), Some(s)] if *m < 60 && *s < 60 => Some(seconds(*h, *m, *s)),
        _ => None,
    };
    time.ok_or_else(|| CalendarError::at(path, format!("{written:?} is no time of day, HH:MM or HH:MM:SS")))
}

fn seconds(hours: u32, minutes: u32, seconds: u32) -> u32 {
    hours.saturating_mul(3600).saturating_add(minutes.saturating_mul(60)).saturating_add(seconds)
}

fn date(path: &str, written: &str) -> Result<NaiveDate, CalendarError> {
    NaiveDate::parse_from_str(written, "%Y-%m-%d")
        .map_err(|_| CalendarError::at(path, format!("{written:?} is no date, YYYY-MM-DD")))
}
