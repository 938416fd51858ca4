//! Opening hours.

use chrono::NaiveDate;
use guichet_rules::calendar::Definition;
use guichet_schemas::time::Timestamp;

use crate::body::Figure;
use crate::check::{hours, is_always_open};
use crate::configuration::Configuration;
use crate::fault::Fault;
use crate::item::{Advised, Item};
use crate::kind::Kind;

impl Item for Definition {
    fn is_read_by_reports() -> bool {
        true
    }

    fn faults(&self, from: Timestamp) -> Vec<Fault> {
        hours::faults(self, from)
    }

    fn advice(&self, advised: &Advised<'_>) -> Vec<Fault> {
        let mut found = holidays(self, advised.now);
        if !is_used(advised.configuration, advised.id, advised.now) {
            found.push(Fault::at("", "nothing counts by it"));
        }
        found
    }
}

fn holidays(calendar: &Definition, now: Timestamp) -> Vec<Fault> {
    if is_always_open(calendar) {
        return Vec::new();
    }
    let read = |day: &String| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok();
    let newest = calendar.holidays.iter().filter_map(read).max();
    let today = now.to_chrono().map(|at| at.date_naive());
    match (newest, today) {
        (None, _) => {
            vec![Fault::at("holidays", "there is none: every public holiday counts as a working day")]
        }
        (Some(newest), Some(today)) if newest < today => {
            let rule = format!("the last one, {newest}, is past: every later one counts as a working day");
            vec![Fault::at("holidays", rule)]
        }
        (Some(_), _) => Vec::new(),
    }
}

fn figures(configuration: &Configuration) -> impl Iterator<Item = &Figure> {
    let names = configuration.ids(Kind::Figure);
    names.filter_map(|name| configuration.figure(name, None)).map(|(_, figure)| figure)
}

/// True where a clock, a rule, a group, a figure or the lifecycle names a calendar.
fn is_used(configuration: &Configuration, name: &str, now: Timestamp) -> bool {
    let is = |calendar: &Option<String>| calendar.as_deref() == Some(name);
    configuration.policies(now).iter().flat_map(|policy| &policy.targets).any(|target| is(&target.calendar))
        || configuration.time_rules(now).iter().any(|rule| is(&rule.calendar))
        || configuration.groups(now).is_some_and(|groups| groups.groups.iter().any(|g| is(&g.calendar)))
        || is(&configuration.lifecycle(now).auto_close_calendar)
        || figures(configuration).filter_map(|figure| figure.duration.as_ref()).any(|took| is(&took.calendar))
}
