//! What is legal but unwise: what help desks trip over, before it does.

mod desk;
mod policies;

use chrono::NaiveDate;
use guichet_rules::calendar::Definition;
use guichet_schemas::time::Timestamp;

use crate::body::Body;
use crate::check::is_always_open;
use crate::configuration::Configuration;
use crate::fault::Fault;
use crate::kind::Kind;

/// What nobody has touched for so long is looked at again: 365 days.
pub const STALE_MS: i64 = 365 * 86_400_000;

/// Everything in force at an instant that will surprise somebody. Paths begin with the kind, and the name of a calendar.
///
/// ```
/// use guichet_config::{Configuration, lint};
/// use guichet_schemas::time::Timestamp;
/// assert_eq!(lint(&Configuration::new("acme"), Timestamp(0)), []);
/// ```
#[must_use]
pub fn lint(configuration: &Configuration, now: Timestamp) -> Vec<Fault> {
    let mut found = Vec::new();
    for publication in configuration.unread() {
        let rule =
            format!("version {} cannot be read here; what was before it is in force", publication.version);
        found.push(Fault::at(place(publication.kind, &publication.id), rule));
    }
    for (kind, id) in configuration.items() {
        let Some(entry) = configuration.entry(kind, id, now) else { continue };
        let age_ms = now.0.saturating_sub(entry.publication.effective_from.0);
        let mut of_item: Vec<Fault> = match &entry.body {
            Some(Body::Calendar(calendar)) => self::calendar(calendar, now),
            Some(Body::SlaPolicies(_)) => policies::sla_policies(configuration, now),
            Some(Body::TimeRules(body)) => policies::time_rules(body, &configuration.lifecycle(now)),
            Some(Body::Groups(groups)) => desk::groups(groups, configuration.agents(now)),
            Some(Body::Agents(agents)) => desk::agents(agents),
            Some(Body::Statuses(statuses)) => desk::statuses(statuses),
            Some(Body::Categories(categories)) => desk::categories(categories),
            Some(Body::Tiers(tiers)) => desk::tiers(tiers),
            Some(Body::Callers(callers)) => desk::callers(callers),
            Some(Body::Lifecycle(lifecycle)) => desk::lifecycle(lifecycle),
            Some(Body::Fields(_) | Body::Tags(_) | Body::Tenant(_)) | None => Vec::new(),
        };
        if kind == Kind::Calendar && !is_used(configuration, id, now) {
            of_item.push(Fault::at("", "nothing counts by it"));
        }
        // A calendar speaks up by itself, when its last holiday is past; the tenant does not change.
        if age_ms > STALE_MS && !kind.is_named() {
            let days = age_ms / 86_400_000;
            of_item.push(Fault::at("", format!("nobody has changed it for {days} days; does it still fit?")));
        }
        found.extend(of_item.into_iter().map(|fault| fault.below(&place(kind, id))));
    }
    found
}

fn place(kind: Kind, id: &str) -> String {
    if kind.is_named() { format!("{kind}.{id}") } else { kind.to_string() }
}

fn calendar(calendar: &Definition, now: Timestamp) -> Vec<Fault> {
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

/// True where a clock, a rule, a group or the lifecycle names a calendar.
fn is_used(configuration: &Configuration, name: &str, now: Timestamp) -> bool {
    let is = |calendar: &Option<String>| calendar.as_deref() == Some(name);
    configuration.policies(now).iter().flat_map(|policy| &policy.targets).any(|target| is(&target.calendar))
        || configuration.time_rules(now).iter().any(|rule| is(&rule.calendar))
        || configuration.groups(now).is_some_and(|groups| groups.groups.iter().any(|g| is(&g.calendar)))
        || is(&configuration.lifecycle(now).auto_close_calendar)
}

#[cfg(test)]
mod tests;
