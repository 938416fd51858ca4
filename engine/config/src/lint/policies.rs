//! Policies and time rules.

use guichet_rules::Action;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{Priority, SlaMetric, TicketState};

use crate::body::{Lifecycle, TimeRules};
use crate::configuration::Configuration;
use crate::fault::Fault;
use crate::policy::{HoursKind, Policy, Target};
use crate::time_rule::{TimeRule, When};

/// A promise that lies farther away is none that anybody waits for: 31 days.
const LONG_MS: i64 = 31 * 86_400_000;
/// A rule that repeats faster writes more than anybody reads.
const REPEAT_SECONDS_MIN: u32 = 60;

pub(crate) fn sla_policies(configuration: &Configuration, now: Timestamp) -> Vec<Fault> {
    let policies = configuration.policies(now);
    let mut found = Vec::new();
    if !policies.iter().any(|policy| policy.conditions.is_empty()) {
        found.push(Fault::at(
            "policies",
            "none is for every ticket: what no policy matches is promised nothing",
        ));
    }
    for (n, policy) in policies.iter().enumerate() {
        let mut of_policy = policy_faults(policy);
        for (t, target) in policy.targets.iter().enumerate() {
            let faults = target_faults(policy, target, configuration, now);
            of_policy.extend(faults.into_iter().map(|fault| fault.below(&format!("targets[{t}]"))));
        }
        found.extend(of_policy.into_iter().map(|fault| fault.below(&format!("policies[{n}]"))));
    }
    found
}

fn policy_faults(policy: &Policy) -> Vec<Fault> {
    if policy.targets.is_empty() {
        return vec![Fault::at("targets", "there is none: the tickets that it matches are promised nothing")];
    }
    let mut found = Vec::new();
    for priority in Priority::ALL {
        let (first, whole) =
            (of(policy, SlaMetric::FirstReply, *priority), of(policy, SlaMetric::Resolution, *priority));
        if let (Some((n, first)), Some((_, whole))) = (first, whole)
            && same_hours(first, whole)
            && first.seconds > whole.seconds
        {
            let rule =
                format!("the first reply to a ticket of priority {priority} is due after its resolution");
            found.push(Fault::at(format!("targets[{n}].seconds"), rule));
        }
    }
    for &metric in SlaMetric::ALL {
        for pair in Priority::ALL.windows(2) {
            let [low, high] = pair else { continue };
            if let (Some((_, low)), Some((n, high))) = (of(policy, metric, *low), of(policy, metric, *high))
                && same_hours(low, high)
                && high.seconds > low.seconds
            {
                let rule = format!("is more than for priority {}, which matters less", low_name(pair));
                found.push(Fault::at(format!("targets[{n}].seconds"), rule));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

fn low_name(pair: &[Priority]) -> &'static str {
    pair.first().map_or("", |low| low.as_str())
}

/// The target that a ticket of a priority has, in whatever tier.
fn of(policy: &Policy, metric: SlaMetric, priority: Priority) -> Option<(usize, &Target)> {
    let is = |target: &Target| {
        target.metric == metric
            && target.tier.is_none()
            && (target.priority == "*" || target.priority == priority.as_str())
    };
    policy.targets.iter().enumerate().find(|(_, target)| is(target))
}

fn same_hours(a: &Target, b: &Target) -> bool {
    a.hours == b.hours && (a.hours == HoursKind::Calendar || a.calendar == b.calendar)
}

fn target_faults(
    policy: &Policy,
    target: &Target,
    configuration: &Configuration,
    now: Timestamp,
) -> Vec<Fault> {
    let mut found = Vec::new();
    if target.warn_pct.is_empty() {
        found.push(Fault::at("warn_pct", "is empty: nobody hears of it before it is too late"));
    }
    let ms = i64::from(target.seconds).saturating_mul(1000);
    let due = match (target.hours, target.calendar.as_deref()) {
        (HoursKind::Calendar, _) => Some(Timestamp(now.0.saturating_add(ms))),
        (HoursKind::Business, Some(name)) => configuration.calendars().get(name).and_then(|c| c.add(now, ms)),
        (HoursKind::Business, None) => None,
    };
    if due.is_some_and(|due| due.0.saturating_sub(now.0) > LONG_MS) {
        let due = due.unwrap_or(now);
        found.push(Fault::at("seconds", format!("is more than a month: a ticket of {now} is due {due}")));
    }
    if target.hours == HoursKind::Calendar && target.calendar.is_some() {
        found.push(Fault::at("calendar", "is not used: calendar hours are all hours"));
    }
    let excludes = |name: &str, value: &str| {
        let condition = policy.conditions.get(name);
        condition.is_some_and(|values| !values.as_slice().iter().any(|wanted| wanted == value))
    };
    if target.priority != "*" && excludes("priority", &target.priority) {
        found.push(Fault::at("priority", "the policy is for tickets of other priorities"));
    }
    if let Some(tier) = target.tier
        && excludes("tier", &tier.to_string())
    {
        found.push(Fault::at("tier", "the policy is for tickets of other tiers"));
    }
    found
}

pub(crate) fn time_rules(rules: &TimeRules, lifecycle: &Lifecycle) -> Vec<Fault> {
    let mut found = Vec::new();
    for (n, rule) in rules.rules.iter().enumerate() {
        let faults = rule_faults(rule, lifecycle);
        found.extend(faults.into_iter().map(|fault| fault.below(&format!("rules[{n}]"))));
    }
    found
}

fn rule_faults(rule: &TimeRule, lifecycle: &Lifecycle) -> Vec<Fault> {
    let mut found = Vec::new();
    let states: Vec<TicketState> = TicketState::ALL.iter().copied().filter(|s| rule.looks_at(*s)).collect();
    if states.iter().all(|state| state.is_terminal()) {
        found.push(Fault::at(
            "status",
            "it never fires: nothing happens to a ticket in a state that is the end",
        ));
    }
    if rule.when == When::UnassignedAge && states.iter().all(|state| state.is_done()) {
        found.push(Fault::at("states", "it never fires: whoever resolves a ticket has it"));
    }
    let closes_first = rule.when == When::TimeInStatus
        && states == [TicketState::Resolved]
        && rule.hours == HoursKind::Calendar
        && lifecycle.auto_close_hours == HoursKind::Calendar
        && rule.seconds > lifecycle.auto_close_after_s;
    if closes_first {
        let rule = format!("it never fires: the ticket is closed after {} s", lifecycle.auto_close_after_s);
        found.push(Fault::at("seconds", rule));
    }
    if rule.repeat && rule.seconds < REPEAT_SECONDS_MIN {
        let rule = format!(
            "it repeats every {} s: each ticket that it holds for gets a fact at each turn, for good; a minute is              often enough",
            rule.seconds
        );
        found.push(Fault::at("seconds", rule));
    }
    if rule.actions.is_empty() {
        found.push(Fault::at("actions", "is empty: it fires, and nothing is done"));
    }
    for (n, action) in rule.actions.iter().enumerate() {
        if matches!(action, Action::Close {}) && states != [TicketState::Resolved] {
            found.push(Fault::at(format!("actions[{n}]"), "only a resolved ticket is closed"));
        }
        if matches!(action, Action::Resolve {}) && rule.when != When::AwaitingConfirmation {
            let rule = "only what was proposed is resolved by time: when = \"awaiting_confirmation\"";
            found.push(Fault::at(format!("actions[{n}]"), rule));
        }
    }
    found
}
