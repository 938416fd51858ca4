//! Policies, each for itself, and whether a ticket can ever come to them.

use guichet_schemas::words::{
    Channel, Impact, Origin, Priority, RequesterKind, TicketState, TicketType, Urgency,
};

use super::names::{self, TIER_MAX};
use crate::body::Policies;
use crate::fault::Fault;
use crate::policy::{ATTRIBUTES, HoursKind, Policy, Target, Values, covers};

const WARN_MAX: u32 = 1_000;

pub(crate) fn faults(policies: &Policies) -> Vec<Fault> {
    let policies = &policies.policies;
    let mut faults = names::faults::<128>("policies", ".id", policies.iter().map(|p| p.id.as_str()));
    for (n, policy) in policies.iter().enumerate() {
        faults.extend(policy_faults(policy).into_iter().map(|fault| fault.below(&format!("policies[{n}]"))));
        if let Some(first) = policies.iter().take(n).position(|earlier| takes_all_of(earlier, policy)) {
            let rule = format!(
                "is never reached: policies[{first}] ({:?}) matches every ticket that it matches",
                policies.get(first).map_or("", |earlier| earlier.id.as_str())
            );
            faults.push(Fault::at(format!("policies[{n}].match"), rule));
        }
    }
    faults
}

fn policy_faults(policy: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    if policy.version == Some(0) {
        faults.push(Fault::at("version", "is at least 1; leave it out to have that of the publication"));
    }
    for (name, values) in &policy.conditions {
        faults.extend(condition_faults(name, values));
    }
    for (n, target) in policy.targets.iter().enumerate() {
        let path = format!("targets[{n}]");
        faults.extend(target_faults(target).into_iter().map(|fault| fault.below(&path)));
        let earlier = policy.targets.iter().take(n);
        if let Some(first) = earlier.clone().position(|other| same_place(other, target)) {
            let rule = format!("targets[{first}] is for the same metric, priority and tier");
            faults.push(Fault::at(path, rule));
        } else if let Some(first) = earlier.clone().position(|other| takes_place(other, target)) {
            let rule = format!("is never reached: targets[{first}] comes first and is for more tickets");
            faults.push(Fault::at(path, rule));
        }
    }
    faults
}

fn condition_faults(name: &str, values: &Values) -> Vec<Fault> {
    let path = format!("match.{name}");
    if values.as_slice().is_empty() {
        return vec![Fault::at(path, "names no value, so no ticket would match")];
    }
    let known =
        ATTRIBUTES.contains(&name) || name.strip_prefix("fields.").is_some_and(|field| !field.is_empty());
    match words_of(name) {
        Some(words) => (values.as_slice().iter())
            .filter(|value| !words.contains(&value.as_str()))
            .map(|value| Fault::at(&path, format!("{value:?} is not one of {}", words.join(", "))))
            .collect(),
        None if known => Vec::new(),
        None => vec![Fault::at(path, "no ticket has this attribute; a custom field is fields.<name>")],
    }
}

/// The closed list of the words of an attribute; `None`: any text.
fn words_of(name: &str) -> Option<Vec<&'static str>> {
    Some(match name {
        "priority" => Priority::ALL.iter().map(|word| word.as_str()).collect(),
        "type" => TicketType::ALL.iter().map(|word| word.as_str()).collect(),
        "channel" => Channel::ALL.iter().map(|word| word.as_str()).collect(),
        "origin" => Origin::ALL.iter().map(|word| word.as_str()).collect(),
        "urgency" => Urgency::ALL.iter().map(|word| word.as_str()).collect(),
        "impact" => Impact::ALL.iter().map(|word| word.as_str()).collect(),
        "requester_kind" => RequesterKind::ALL.iter().map(|word| word.as_str()).collect(),
        "tier" => vec!["0", "1", "2", "3", "4"],
        _ => return None,
    })
}

/// True for attributes of which every ticket has exactly one word.
fn is_on_every_ticket(name: &str) -> bool {
    matches!(name, "priority" | "type" | "channel" | "origin" | "tier")
}

fn target_faults(target: &Target) -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(names::seconds("seconds", target.seconds));
    if target.hours == HoursKind::Business && target.calendar.is_none() {
        faults.push(Fault::at("calendar", "business hours need a calendar"));
    }
    if target.priority != "*" && Priority::parse(&target.priority).is_none() {
        let words: Vec<_> = Priority::ALL.iter().map(|word| word.as_str()).collect();
        let rule = format!("{:?} is not one of *, {}", target.priority, words.join(", "));
        faults.push(Fault::at("priority", rule));
    }
    faults.extend(target.tier.and_then(|tier| names::tier("tier", tier)));
    let mut before = 0;
    for (n, pct) in target.warn_pct.iter().enumerate() {
        if !(1..=WARN_MAX).contains(pct) {
            faults.push(Fault::at(
                format!("warn_pct[{n}]"),
                format!("is 1 to {WARN_MAX}, percent of the target"),
            ));
        } else if *pct <= before {
            faults.push(Fault::at(format!("warn_pct[{n}]"), "is more than the one before it"));
        }
        before = *pct;
    }
    for (n, state) in target.pauses_in.iter().flatten().enumerate() {
        if matches!(state.0, TicketState::Closed | TicketState::Cancelled) {
            faults.push(Fault::at(format!("pauses_in[{n}]"), "no clock runs in a state that is the end"));
        }
    }
    faults
}

fn same_place(a: &Target, b: &Target) -> bool {
    a.metric == b.metric && a.priority == b.priority && a.tier == b.tier
}

fn takes_place(earlier: &Target, later: &Target) -> bool {
    earlier.metric == later.metric
        && (earlier.priority == "*" || earlier.priority == later.priority)
        && (earlier.tier.is_none() || earlier.tier == later.tier)
}

/// True where the earlier policy matches every ticket that the later one matches: each of its conditions holds for
/// each value that the later one asks for.
pub(crate) fn takes_all_of(earlier: &Policy, later: &Policy) -> bool {
    earlier.conditions.iter().all(|(name, wanted)| {
        let all = words_of(name).filter(|_| is_on_every_ticket(name));
        if all.is_some_and(|all| all.iter().all(|word| wanted.as_slice().iter().any(|w| w == word))) {
            return true;
        }
        later.conditions.get(name).is_some_and(|values| {
            let holds = |value: &String| wanted.as_slice().iter().any(|wanted| covers(name, wanted, value));
            values.as_slice().iter().all(holds)
        })
    })
}

const _: () = assert!(TIER_MAX == 4, "the words of the attribute tier");
