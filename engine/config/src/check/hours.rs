//! Calendars that open, and targets that they reach.

use chrono::{Datelike as _, NaiveDate};
use guichet_rules::calendar::{Calendar, Definition, HORIZON_MS, HORIZON_YEARS};
use guichet_schemas::time::Timestamp;

use crate::configuration::Configuration;
use crate::fault::Fault;
use crate::policy::HoursKind;

const DAY_MS: i64 = 86_400_000;
/// Windows of a day: more make the tables of a calendar big, and nobody opens so often.
const WINDOWS_MAX: usize = 24;
/// Tickets of each day of a year: every weekday, both changes of the clocks, every holiday.
const STARTS: i64 = 366;

pub(crate) fn faults(calendar: &Definition, from: Timestamp) -> Vec<Fault> {
    if calendar.effective_from.is_some() {
        let rule = "stands beside the body, not in it: a calendar with two beginnings has none";
        return vec![Fault::at("effective_from", rule)];
    }
    let days = calendar.weekly.iter().map(|(day, windows)| ("weekly", day, windows));
    let days = days.chain(calendar.special.iter().map(|(day, windows)| ("special", day, windows)));
    for (of, day, windows) in days {
        if windows.len() > WINDOWS_MAX {
            return vec![Fault::at(format!("{of}.{day}"), format!("holds at most {WINDOWS_MAX} windows"))];
        }
    }
    let hours = match calendar.hours() {
        Ok(hours) => hours,
        Err(fault) => return vec![Fault::at(fault.path, fault.rule)],
    };
    if let Some(fault) = dates(calendar).find_map(|(path, written)| beyond(&path, written)) {
        return vec![fault];
    }
    if Calendar::new(hours).add(from, 1).is_none() {
        return vec![Fault::at(
            "weekly",
            format!("it is never open in the {HORIZON_YEARS} years from {from}"),
        )];
    }
    Vec::new()
}

/// Every date that is written in a calendar, with its place.
fn dates(calendar: &Definition) -> impl Iterator<Item = (String, &str)> {
    let holidays = calendar.holidays.iter().enumerate();
    let holidays = holidays.map(|(n, written)| (format!("holidays[{n}]"), written.as_str()));
    holidays.chain(calendar.special.keys().map(|written| (format!("special.{written}"), written.as_str())))
}

/// Nothing is counted so far away. The date itself reads already.
fn beyond(path: &str, written: &str) -> Option<Fault> {
    let date = NaiveDate::parse_from_str(written, "%Y-%m-%d").ok()?;
    (!(1970..2200).contains(&date.year()))
        .then(|| Fault::at(path, format!("{written:?} is no date of the years 1970 to 2199, YYYY-MM-DD")))
}

/// True for a desk that never closes: it has no holidays to forget.
pub(crate) fn is_always_open(calendar: &Definition) -> bool {
    calendar.weekly.len() == 7
        && calendar.weekly.values().all(|day| {
            matches!(day.as_slice(), [(from, to)] if from.starts_with("00:00") && to.starts_with("24:00"))
        })
}

/// How much open time tickets find, at worst.
#[derive(Debug)]
pub(crate) struct Reach<'a> {
    configuration: &'a Configuration,
    at: Timestamp,
    /// Found before, by the name of the calendar: open milliseconds, and for a ticket of which instant.
    known: std::collections::BTreeMap<String, (i64, Timestamp)>,
}

impl<'a> Reach<'a> {
    /// For tickets of the year from an instant on.
    pub(crate) const fn from(configuration: &'a Configuration, at: Timestamp) -> Self {
        Self { configuration, at, known: std::collections::BTreeMap::new() }
    }

    /// The fault in promising so many seconds of these hours. Business hours need a calendar, even if none is
    /// configured: without one the clock would never run.
    pub(crate) fn fault(&mut self, hours: HoursKind, calendar: Option<&str>, seconds: u32) -> Option<Fault> {
        let wanted_ms = i64::from(seconds).saturating_mul(1000);
        if hours == HoursKind::Calendar {
            let rule = || format!("is at most {HORIZON_YEARS} years, {} s", HORIZON_MS / 1000);
            return (wanted_ms > HORIZON_MS).then(|| Fault::at("seconds", rule()));
        }
        let name = calendar?;
        if !self.configuration.has_calendar(name, self.at) {
            return Some(Fault::at("calendar", format!("there is no calendar {name:?}")));
        }
        let (open_ms, worst) = self.open(name)?;
        (wanted_ms > open_ms).then(|| {
            let rule = format!(
                "a ticket of {worst} does not reach it within {HORIZON_YEARS} years: calendar {name:?} is open for \
                 {} s until then",
                open_ms / 1000
            );
            Fault::at("seconds", rule)
        })
    }

    /// The least open time up to the horizon.
    fn open(&mut self, name: &str) -> Option<(i64, Timestamp)> {
        if let Some(known) = self.known.get(name) {
            return Some(*known);
        }
        let calendar = self.configuration.calendars().get(name)?;
        let starts = (0..STARTS).map(|day| Timestamp(self.at.0.saturating_add(day.saturating_mul(DAY_MS))));
        let open = starts.map(|start| {
            let end = Timestamp(start.0.saturating_add(HORIZON_MS));
            (calendar.elapsed(start, end), start)
        });
        let worst = open.min()?;
        self.known.insert(name.to_owned(), worst);
        Some(worst)
    }
}

impl Configuration {
    /// True where a calendar can be counted by, and is not retired. Its first version holds also before its instant.
    pub(crate) fn has_calendar(&self, name: &str, at: Timestamp) -> bool {
        use crate::kind::Kind::Calendar;
        let retired = || {
            let entries = self.entries(Calendar, name).iter().rev();
            entries.map(|e| &e.publication).find(|p| p.effective_from <= at).is_some_and(|p| p.retired)
        };
        self.calendars().contains_key(name) && !retired()
    }

    /// The instants at which something begins to hold.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Timestamp> {
        let items: Vec<_> = self.items().collect();
        items.into_iter().flat_map(|(kind, id)| self.entries(kind, id)).map(|e| e.publication.effective_from)
    }
}
