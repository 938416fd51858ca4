//! Time rules, each for itself.

use guichet_rules::{AUTO_CLOSE, Action};
use guichet_schemas::text::{Note, Tag};

use super::names::{self, TIER_MAX};
use crate::body::TimeRules;
use crate::fault::Fault;
use crate::policy::HoursKind;
use crate::time_rule::{TimeRule, When};

/// Recipients that a rule can tell without a name.
const TOLD: [&str; 3] = ["assignee", "group", "requester"];

pub(crate) fn faults(rules: &TimeRules) -> Vec<Fault> {
    let mut faults = names::faults::<128>("rules", ".id", rules.rules.iter().map(|rule| rule.id.as_str()));
    for (n, rule) in rules.rules.iter().enumerate() {
        faults.extend(rule_faults(rule).into_iter().map(|fault| fault.below(&format!("rules[{n}]"))));
    }
    faults
}

fn rule_faults(rule: &TimeRule) -> Vec<Fault> {
    let mut faults = Vec::new();
    if rule.id == AUTO_CLOSE {
        faults.push(Fault::at("id", "is the rule that every desk has: lifecycle.auto_close_after_s"));
    }
    match (rule.when, rule.status.is_some(), rule.states.is_empty()) {
        (_, true, false) => faults.push(Fault::at("states", "either status or states")),
        (When::TimeInStatus, false, true) => {
            faults.push(Fault::at("status", "time_in_status needs the state that lasts"));
        }
        (When::TimeInStatus | When::NoUpdate | When::UnassignedAge | When::AwaitingConfirmation, _, _) => {}
    }
    faults.extend(names::seconds("seconds", rule.seconds));
    if rule.hours == HoursKind::Business && rule.calendar.is_none() {
        faults.push(Fault::at("calendar", "business hours need a calendar"));
    }
    for (n, action) in rule.actions.iter().enumerate() {
        faults.extend(action_faults(action).into_iter().map(|fault| fault.below(&format!("actions[{n}]"))));
    }
    faults
}

fn action_faults(action: &Action) -> Vec<Fault> {
    match action {
        Action::Close {} | Action::Resolve {} | Action::SetPriority { .. } => Vec::new(),
        Action::AddTags { tags } if tags.is_empty() => vec![Fault::at("tags", "names at least one tag")],
        Action::AddTags { tags } => {
            let parsed = tags.iter().enumerate().map(|(n, tag)| (n, Tag::parse(tag.clone())));
            parsed.filter_map(|(n, tag)| Some(Fault::at(format!("tags[{n}]"), tag.err()?.rule))).collect()
        }
        Action::Escalate { to_tier, .. } if !(1..=TIER_MAX).contains(to_tier) => {
            vec![Fault::at("to_tier", format!("a ticket is escalated to a tier of 1 to {TIER_MAX}"))]
        }
        Action::Escalate { .. } => Vec::new(),
        Action::Note { text } => {
            let fault = Note::parse(text.clone()).err();
            fault.map(|fault| Fault::at("text", fault.rule)).into_iter().collect()
        }
        Action::Notify { to } if TOLD.contains(&to.as_str()) || named(to).is_some() => Vec::new(),
        Action::Notify { .. } => {
            vec![Fault::at("to", "is assignee, group, requester, group:<id> or agent:<id>")]
        }
    }
}

/// The recipient that a rule names: its kind, and the name.
pub(crate) fn named(to: &str) -> Option<(&str, &str)> {
    to.split_once(':').filter(|(kind, name)| matches!(*kind, "group" | "agent") && !name.is_empty())
}
