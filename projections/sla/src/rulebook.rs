//! What was published, in the order of the log: policies, time rules and calendars. Nothing is taken away, so a ticket
//! can be looked at as it stood under any of it.

use std::collections::BTreeMap;

use guichet_config::body::{Body, Lifecycle};
use guichet_config::{Apply, HoursKind, Kind, Policy, PolicySet, Publication, TimeRule};
use guichet_rules::AUTO_CLOSE;
use guichet_rules::calendar::{Calendar, Hours};
use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything that clocks are judged by.
#[derive(Debug, Clone, Default)]
pub struct Rulebook {
    published: Vec<Published>,
    /// The rule that closes resolved tickets, as long as no `lifecycle` is in force.
    auto_close: Option<TimeRule>,
    /// Each calendar as it was after each of its publications, with the number of publications known then.
    calendars: BTreeMap<String, Vec<(u32, Calendar)>>,
}

/// One publication.
#[derive(Debug, Clone)]
struct Published {
    recorded_at: i64,
    effective_from: i64,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Policies(PolicySet, Apply),
    TimeRules(Vec<TimeRule>),
    AutoClose(TimeRule),
    Calendar(String),
}

/// The publications that hold for a ticket now, by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InForce {
    /// The policies; `None`: none were ever in force.
    pub(crate) policies: Option<u32>,
    pub(crate) time_rules: Option<u32>,
    pub(crate) auto_close: Option<u32>,
    /// Calendars are those after so many publications.
    pub(crate) calendars: u32,
}

#[derive(Debug)]
pub(crate) enum Change<'a> {
    Policies(Apply),
    TimeRules,
    Calendar(&'a str),
}

impl Rulebook {
    /// The rulebook of a desk that has published nothing.
    #[must_use]
    pub fn of_desk() -> Self {
        Self { auto_close: Some(Lifecycle::default().auto_close()), ..Self::default() }
    }

    /// Takes a publication of the log. Kinds that no clock goes by, and what cannot be read, change nothing.
    pub fn take(&mut self, recorded_at: Timestamp, publication: &Publication) {
        let (from, retired) = (publication.effective_from, publication.retired);
        match (publication.kind, publication.body()) {
            (Kind::SlaPolicies, Some(Body::SlaPolicies(body))) => {
                self.publish_policies(recorded_at, from, publication.apply, body.policies);
            }
            (Kind::SlaPolicies, _) if retired => {
                self.publish_policies(recorded_at, from, publication.apply, PolicySet::new());
            }
            (Kind::TimeRules, Some(Body::TimeRules(mut body))) => {
                // Refused today; a log may have it.
                body.rules.retain(|rule| rule.id != AUTO_CLOSE);
                self.publish_time_rules(recorded_at, from, body.rules);
            }
            (Kind::TimeRules, _) if retired => self.publish_time_rules(recorded_at, from, Vec::new()),
            (Kind::Lifecycle, Some(Body::Lifecycle(life))) => {
                self.publish(recorded_at, from, What::AutoClose(life.auto_close()));
            }
            (Kind::Lifecycle, _) if retired => {
                self.publish(recorded_at, from, What::AutoClose(Lifecycle::default().auto_close()));
            }
            (Kind::Calendar, Some(Body::Calendar(definition))) => {
                if let Ok(hours) = definition.hours() {
                    self.publish_calendar(recorded_at, from, &publication.id, hours);
                }
            }
            // A calendar that is retired stays: clocks that began under it count on.
            (_, _) => {}
        }
    }

    /// A set of policies takes the place of the one before.
    pub fn publish_policies(
        &mut self,
        recorded_at: Timestamp,
        effective_from: Timestamp,
        apply: Apply,
        set: PolicySet,
    ) {
        self.publish(recorded_at, effective_from, What::Policies(set, apply));
    }

    /// Time rules take the place of those before.
    pub fn publish_time_rules(
        &mut self,
        recorded_at: Timestamp,
        effective_from: Timestamp,
        rules: Vec<TimeRule>,
    ) {
        self.publish(recorded_at, effective_from, What::TimeRules(rules));
    }

    /// Gives a calendar other hours from an instant on. The first version holds also before its instant.
    pub fn publish_calendar(
        &mut self,
        recorded_at: Timestamp,
        effective_from: Timestamp,
        name: &str,
        hours: Hours,
    ) {
        self.publish(recorded_at, effective_from, What::Calendar(name.to_owned()));
        let known = self.len();
        let versions = self.calendars.entry(name.to_owned()).or_default();
        let calendar = match versions.last() {
            Some((_, before)) => {
                let mut calendar = before.clone();
                calendar.publish(effective_from, hours);
                calendar
            }
            None => Calendar::new(hours),
        };
        versions.push((known, calendar));
    }

    fn publish(&mut self, recorded_at: Timestamp, effective_from: Timestamp, what: What) {
        let (recorded_at, effective_from) = (recorded_at.0, effective_from.0);
        self.published.push(Published { recorded_at, effective_from, what });
    }

    /// When something takes hold that is planned for later than an instant.
    #[must_use]
    pub fn next_plan(&self, after: Timestamp) -> Option<Timestamp> {
        let planned = self.published.iter().map(|one| Timestamp(one.effective_from));
        planned.filter(|at| *at > after).min()
    }

    /// Count of publications.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.published.len()).unwrap_or(u32::MAX)
    }

    /// True where nothing was published.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.published.is_empty()
    }

    /// True where there is a calendar of that name.
    #[must_use]
    pub fn has(&self, calendar: &str) -> bool {
        self.calendars.contains_key(calendar)
    }

    /// When a publication takes hold of a ticket that came into the log after `born` publications; `None`: never,
    /// another took its place before.
    ///
    /// A ticket that was there hears of it when it is recorded, or later if it is planned. One that came into the log
    /// afterwards with an older history is judged by what was in force at each of its instants. Hours of a calendar
    /// hold from their own instants on, so only the news of them has a time.
    pub(crate) fn takes_hold(&self, number: u32, born: u32) -> Option<i64> {
        let at = self.would_hold_from(number, born)?;
        (!self.is_replaced(number, born, at)).then_some(at)
    }

    /// The same, whatever took its place.
    pub(crate) fn would_hold_from(&self, number: u32, born: u32) -> Option<i64> {
        let one = self.one(number)?;
        Some(match (&one.what, number < born) {
            (What::Calendar(_), true) => i64::MIN,
            (What::Calendar(_), false) => one.recorded_at,
            (What::Policies(..) | What::TimeRules(_) | What::AutoClose(_), true) => one.effective_from,
            (What::Policies(..) | What::TimeRules(_) | What::AutoClose(_), false) => {
                one.effective_from.max(one.recorded_at)
            }
        })
    }

    fn is_replaced(&self, number: u32, born: u32, at: i64) -> bool {
        let Some(one) = self.one(number).filter(|one| !matches!(one.what, What::Calendar(_))) else {
            return false;
        };
        (number.saturating_add(1)..self.len()).any(|later| {
            self.one(later).is_some_and(|other| {
                std::mem::discriminant(&other.what) == std::mem::discriminant(&one.what)
                    && other.effective_from <= one.effective_from
                    && (later < born || other.recorded_at < at)
            })
        })
    }

    /// Puts a publication into force.
    pub(crate) fn enforce(&self, number: u32, in_force: &mut InForce) -> Option<Change<'_>> {
        Some(match &self.one(number)?.what {
            What::Policies(_, apply) => {
                in_force.policies = Some(number);
                Change::Policies(*apply)
            }
            What::TimeRules(_) => {
                in_force.time_rules = Some(number);
                Change::TimeRules
            }
            What::AutoClose(_) => {
                in_force.auto_close = Some(number);
                Change::TimeRules
            }
            What::Calendar(name) => {
                in_force.calendars = in_force.calendars.max(number.saturating_add(1));
                Change::Calendar(name)
            }
        })
    }

    fn one(&self, number: u32) -> Option<&Published> {
        self.published.get(number as usize)
    }
}

/// The rules that a ticket goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) book: &'a Rulebook,
    pub(crate) in_force: InForce,
}

impl<'a> Rules<'a> {
    /// The policies of a publication.
    pub(crate) fn set(&self, number: Option<u32>) -> &'a [Policy] {
        match number.and_then(|number| self.book.one(number)).map(|one| &one.what) {
            Some(What::Policies(set, _)) => set,
            Some(What::TimeRules(_) | What::AutoClose(_) | What::Calendar(_)) | None => &[],
        }
    }

    /// The policies in force, but for clocks that keep others.
    pub(crate) fn policies(&self) -> &'a [Policy] {
        self.set(self.in_force.policies)
    }

    pub(crate) fn time_rules(&self) -> &'a [TimeRule] {
        match self.in_force.time_rules.and_then(|number| self.book.one(number)).map(|one| &one.what) {
            Some(What::TimeRules(rules)) => rules,
            Some(What::Policies(..) | What::AutoClose(_) | What::Calendar(_)) | None => &[],
        }
    }

    /// The rule that closes resolved tickets.
    pub(crate) fn auto_close(&self) -> Option<&'a TimeRule> {
        match self.in_force.auto_close.and_then(|number| self.book.one(number)).map(|one| &one.what) {
            Some(What::AutoClose(rule)) => Some(rule),
            Some(What::Policies(..) | What::TimeRules(_) | What::Calendar(_)) | None => {
                self.book.auto_close.as_ref()
            }
        }
    }

    pub(crate) fn time_rule(&self, id: &str) -> Option<&'a TimeRule> {
        self.time_rules().iter().chain(self.auto_close()).find(|rule| rule.id == id)
    }

    /// The time that counts for a clock.
    pub(crate) fn measure(&self, hours: HoursKind, calendar: Option<&str>) -> Measure<'a> {
        match (hours, calendar.and_then(|name| self.calendar(name))) {
            (HoursKind::Calendar, _) => Measure::All,
            (HoursKind::Business, Some(calendar)) => Measure::Open(calendar),
            (HoursKind::Business, None) => Measure::None,
        }
    }

    fn calendar(&self, name: &str) -> Option<&'a Calendar> {
        let versions = self.book.calendars.get(name)?;
        versions.iter().rev().find(|(known, _)| *known <= self.in_force.calendars).map(|(_, one)| one)
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Measure<'a> {
    All,
    /// While the desk is open.
    Open(&'a Calendar),
    /// There is no such calendar: never.
    None,
}

impl Measure<'_> {
    pub(crate) fn elapsed(self, from: i64, to: i64) -> i64 {
        match self {
            Self::All => to.saturating_sub(from).max(0),
            Self::Open(calendar) => calendar.elapsed(Timestamp(from), Timestamp(to)),
            Self::None => 0,
        }
    }

    /// The same as [`Self::add`], looked for up to an instant however far away that is.
    pub(crate) fn add_until(self, from: i64, ms: i64, until: i64) -> Option<i64> {
        match self {
            Self::All => from.checked_add(ms.max(0)),
            Self::Open(calendar) => calendar.add_until(Timestamp(from), ms, Timestamp(until)).map(|at| at.0),
            Self::None => None,
        }
    }

    /// When so many milliseconds that count have passed.
    pub(crate) fn add(self, from: i64, ms: i64) -> Option<i64> {
        match self {
            Self::All => from.checked_add(ms.max(0)),
            Self::Open(calendar) => calendar.add(Timestamp(from), ms).map(|at| at.0),
            Self::None => None,
        }
    }
}
