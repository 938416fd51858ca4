//! What refers to what, and whether it is there. Only kinds that are configured limit anything, but for calendars:
//! business hours of no calendar would never pass.

use guichet_rules::Action;
use guichet_schemas::time::Timestamp;

use super::hours::Reach;
use super::time_rules::named;
use crate::body::{Agents, Groups, Policies, TimeRules, UnknownTags};
use crate::configuration::Configuration;
use crate::fault::Fault;
use crate::kind::Kind;
use crate::policy::{Policy, covers};

/// Everything in force at an instant that refers to something that is not there, or that is never reached.
pub(super) fn faults(configuration: &Configuration, at: Timestamp) -> Vec<(Kind, Fault)> {
    let there = There { configuration, at };
    let mut reach = Reach::from(configuration, at);
    let mut faults = Vec::new();
    let mut add = |kind: Kind, found: Vec<Fault>| faults.extend(found.into_iter().map(|fault| (kind, fault)));
    if let Some(groups) = configuration.groups(at) {
        add(Kind::Groups, groups_faults(groups, &there));
    }
    if let Some(agents) = configuration.agents(at) {
        add(Kind::Agents, agents_faults(agents, &there));
    }
    let lifecycle = configuration.lifecycle(at);
    let calendar = lifecycle.auto_close_calendar.as_deref();
    let fault = reach.fault(lifecycle.auto_close_hours, calendar, lifecycle.auto_close_after_s);
    add(Kind::Lifecycle, fault.map(auto_close).into_iter().collect());
    let policies = Policies { policies: configuration.policies(at) };
    add(Kind::SlaPolicies, policies_faults(&policies, &there, &mut reach));
    let rules = TimeRules { rules: configuration.time_rules(at).to_vec() };
    add(Kind::TimeRules, rules_faults(&rules, &there, &mut reach));
    faults
}

/// In the words of the lifecycle.
fn auto_close(fault: Fault) -> Fault {
    let path = if fault.path == "calendar" { "auto_close_calendar" } else { "auto_close_after_s" };
    Fault::at(path, fault.rule)
}

/// What is configured at an instant.
struct There<'a> {
    configuration: &'a Configuration,
    at: Timestamp,
}

impl There<'_> {
    fn calendar(&self, name: &str) -> Option<String> {
        (!self.configuration.has_calendar(name, self.at)).then(|| format!("there is no calendar {name:?}"))
    }

    fn tier(&self, tier: u32) -> Option<String> {
        let tiers = self.configuration.tiers(self.at)?;
        (!tiers.tiers.iter().any(|known| known.tier == tier)).then(|| format!("there is no tier {tier}"))
    }

    fn group(&self, id: &str) -> Option<String> {
        self.configuration.groups(self.at)?.get(id).is_none().then(|| format!("there is no group {id:?}"))
    }

    fn agent(&self, id: &str) -> Option<String> {
        self.configuration.agents(self.at)?.get(id).is_none().then(|| format!("there is no agent {id:?}"))
    }

    /// A path, or a part of the tree.
    fn category(&self, path: &str) -> Option<String> {
        let known = &self.configuration.categories(self.at)?.categories;
        let holds = known.iter().any(|known| covers("category", path, known));
        (!holds).then(|| format!("there is no category {path:?}"))
    }

    /// A synonym is stored as what it means, so a condition on it never holds.
    fn tag(&self, word: &str) -> Option<String> {
        let tags = self.configuration.tags(self.at)?;
        match tags.meant_by(word) {
            Some(meant) if meant == word => None,
            Some(meant) => Some(format!("{word:?} is a synonym; the tag is {meant:?}")),
            None if tags.unknown == UnknownTags::Warn => None,
            None => Some(format!("there is no tag {word:?}, and others are refused")),
        }
    }

    fn field(&self, name: &str, value: &str) -> Option<String> {
        let Some(field) = self.configuration.fields(self.at)?.get(name) else {
            return Some(format!("there is no field {name:?}"));
        };
        let listed = field.options.is_empty() || field.options.iter().any(|option| option == value);
        (!listed).then(|| format!("{value:?} is no option of field {name:?}"))
    }

    fn condition(&self, name: &str, value: &str) -> Option<String> {
        match name {
            "tier" => value.parse().ok().and_then(|tier| self.tier(tier)),
            "group" => self.group(value),
            "assignee" => self.agent(value),
            "category" => self.category(value),
            "tags" => self.tag(value),
            _ => name.strip_prefix("fields.").and_then(|field| self.field(field, value)),
        }
    }
}

fn groups_faults(groups: &Groups, there: &There<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (n, group) in groups.groups.iter().enumerate() {
        let calendar = group.calendar.as_deref().and_then(|name| there.calendar(name));
        faults.extend(calendar.map(|rule| Fault::at(format!("groups[{n}].calendar"), rule)));
        for (t, tier) in group.tiers.iter().enumerate() {
            faults.extend(there.tier(*tier).map(|rule| Fault::at(format!("groups[{n}].tiers[{t}]"), rule)));
        }
    }
    faults
}

fn agents_faults(agents: &Agents, there: &There<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (n, agent) in agents.agents.iter().enumerate() {
        for (g, group) in agent.groups.iter().enumerate() {
            faults.extend(there.group(group).map(|rule| Fault::at(format!("agents[{n}].groups[{g}]"), rule)));
        }
        let tier = agent.tier.and_then(|tier| there.tier(tier));
        faults.extend(tier.map(|rule| Fault::at(format!("agents[{n}].tier"), rule)));
    }
    faults
}

fn policies_faults(policies: &Policies, there: &There<'_>, reach: &mut Reach<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (n, policy) in policies.policies.iter().enumerate() {
        faults.extend(
            policy_faults(policy, there, reach).into_iter().map(|f| f.below(&format!("policies[{n}]"))),
        );
    }
    faults
}

fn policy_faults(policy: &Policy, there: &There<'_>, reach: &mut Reach<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, values) in &policy.conditions {
        let missing = values.as_slice().iter().filter_map(|value| there.condition(name, value));
        faults.extend(missing.map(|rule| Fault::at(format!("match.{name}"), rule)));
    }
    for (n, target) in policy.targets.iter().enumerate() {
        let path = format!("targets[{n}]");
        let fault = reach.fault(target.hours, target.calendar.as_deref(), target.seconds);
        faults.extend(fault.map(|fault| fault.below(&path)));
        let tier = target.tier.and_then(|tier| there.tier(tier));
        faults.extend(tier.map(|rule| Fault::at("tier", rule).below(&path)));
    }
    faults
}

fn rules_faults(rules: &TimeRules, there: &There<'_>, reach: &mut Reach<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (n, rule) in rules.rules.iter().enumerate() {
        let path = format!("rules[{n}]");
        let fault = reach.fault(rule.hours, rule.calendar.as_deref(), rule.seconds);
        faults.extend(fault.map(|fault| fault.below(&path)));
        for (a, action) in rule.actions.iter().enumerate() {
            let path = format!("{path}.actions[{a}]");
            faults.extend(action_faults(action, there).into_iter().map(|fault| fault.below(&path)));
        }
    }
    faults
}

fn action_faults(action: &Action, there: &There<'_>) -> Vec<Fault> {
    let found = |path: String, missing: Option<String>| missing.map(|rule| Fault::at(path, rule));
    match action {
        Action::AddTags { tags } => {
            let tags = tags.iter().enumerate();
            tags.filter_map(|(n, tag)| found(format!("tags[{n}]"), there.tag(tag))).collect()
        }
        Action::Escalate { to_tier, .. } => {
            found("to_tier".to_owned(), there.tier(*to_tier)).into_iter().collect()
        }
        Action::Notify { to } => {
            let missing = match named(to) {
                Some(("group", id)) => there.group(id),
                Some((_, id)) => there.agent(id),
                None => None,
            };
            found("to".to_owned(), missing).into_iter().collect()
        }
        Action::Close {} | Action::SetPriority { .. } | Action::Note { .. } => Vec::new(),
    }
}
