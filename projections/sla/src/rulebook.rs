//! What is configured: policies, calendars and time rules, with what was published before.

use std::collections::BTreeMap;

use guichet_config::{HoursKind, Policy, PolicySet, TimeRule};
use guichet_rules::calendar::{Calendar, Hours};
use guichet_schemas::time::Timestamp;

/// Everything that clocks are judged by. Sets of policies are only added: a clock may keep an old one.
#[derive(Debug, Default)]
pub struct Rulebook {
    sets: Vec<PolicySet>,
    calendars: BTreeMap<String, Calendar>,
    /// Time rules, in their order.
    pub time_rules: Vec<TimeRule>,
}

impl Rulebook {
    /// Publishes a set of policies in the place of the one before.
    pub fn publish_policies(&mut self, set: PolicySet) {
        self.sets.push(set);
    }

    /// Gives a calendar other hours from an instant on; `None`: as if it had always had them.
    pub fn publish_calendar(&mut self, name: &str, effective_from: Option<Timestamp>, hours: Hours) {
        match (self.calendars.get_mut(name), effective_from) {
            (Some(calendar), Some(from)) => calendar.publish(from, hours),
            (Some(_) | None, None) | (None, Some(_)) => {
                self.calendars.insert(name.to_owned(), Calendar::new(hours));
            }
        }
    }

    /// True where there is a calendar of that name.
    #[must_use]
    pub fn has(&self, calendar: &str) -> bool {
        self.calendars.contains_key(calendar)
    }

    /// Number of the newest set.
    pub(crate) fn newest(&self) -> usize {
        self.sets.len().saturating_sub(1)
    }

    pub(crate) fn set(&self, number: usize) -> &[Policy] {
        self.sets.get(number).map_or(&[], Vec::as_slice)
    }

    /// The time that counts for a clock.
    pub(crate) fn measure(&self, hours: HoursKind, calendar: Option<&str>) -> Measure<'_> {
        match (hours, calendar) {
            (HoursKind::Calendar, _) => Measure::All,
            (HoursKind::Business, Some(name)) => {
                self.calendars.get(name).map_or(Measure::None, Measure::Open)
            }
            (HoursKind::Business, None) => Measure::None,
        }
    }
}

/// How time is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Measure<'a> {
    /// All of it.
    All,
    /// While the desk is open.
    Open(&'a Calendar),
    /// There is no such calendar: never.
    None,
}

impl Measure<'_> {
    pub(crate) fn elapsed(self, from: i64, to: i64) -> i64 {
        match self {
            Self::All => (to - from).max(0),
            Self::Open(calendar) => calendar.elapsed(Timestamp(from), Timestamp(to)),
            Self::None => 0,
        }
    }

    pub(crate) fn add(self, from: i64, ms: i64) -> Option<i64> {
        match self {
            Self::All => from.checked_add(ms.max(0)),
            Self::Open(calendar) => calendar.add(Timestamp(from), ms).map(|at| at.0),
            Self::None => None,
        }
    }
}
