//! ISO weeks of a zone.

use chrono::{Datelike as _, Days, NaiveDate};
use chrono_tz::Tz;
use guichet_schemas::time::Timestamp;

/// Cuts time into weeks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weeks(pub(super) Tz);

impl Weeks {
    /// The Monday of the week of an instant.
    pub(super) fn of(self, at: Timestamp) -> NaiveDate {
        let day = at.to_chrono().unwrap_or_default().with_timezone(&self.0).date_naive();
        let since = u64::from(day.weekday().num_days_from_monday());
        day.checked_sub_days(Days::new(since)).unwrap_or(day)
    }

    /// Its name: 2026-W11.
    pub(super) fn name(self, monday: NaiveDate) -> String {
        monday.format("%G-W%V").to_string()
    }
}
