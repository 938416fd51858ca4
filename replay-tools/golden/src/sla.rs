//! Cases of SLA clocks: a ticket, what was configured, what happened; and every fact that follows.

use std::collections::BTreeMap;

use guichet_config::{Apply, HoursKind, PolicySet, TimeRule};
use guichet_rules::calendar::Definition;
use guichet_schemas::time::Timestamp;
use guichet_sla::{Happening, Rulebook, Ticket, order};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::facts::shown;
use super::input::{Input, What, attributes};
use super::instant;

/// A file of cases.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) cases: Vec<Case>,
}

/// One case.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) id: String,
    #[serde(default)]
    calendars: BTreeMap<String, Vec<Definition>>,
    policies: PolicySet,
    #[serde(default)]
    ticket: Map<String, Value>,
    #[serde(default)]
    warn_pct: Vec<u32>,
    #[serde(default)]
    time_rules: Vec<TimeRule>,
    events: Vec<Input>,
    observe_until: String,
    #[serde(default)]
    expect: Vec<Value>,
}

/// Every fact up to the end of the case, in order.
pub(super) fn run(case: &Case) -> Result<Vec<Value>, String> {
    // What a case begins with was always so.
    let always = Timestamp(i64::MIN);
    let mut rulebook = Rulebook::default();
    rulebook.publish_time_rules(always, always, case.time_rules.clone());
    for (name, versions) in &case.calendars {
        for (n, version) in versions.iter().enumerate() {
            let hours = version.hours().map_err(|e| format!("calendars.{name}[{n}].{e}"))?;
            let from = version.effective_from.as_deref().map(instant).transpose()?.unwrap_or(always);
            rulebook.publish_calendar(always, from, name, hours);
        }
    }
    let set = with_warnings(case, &case.policies, &rulebook)?;
    rulebook.publish_policies(always, always, Apply::OpenClocks, set);
    let attributes = attributes(&case.ticket)?;
    let tier = attributes.get("tier").and_then(|tier| tier.first()?.parse().ok()).unwrap_or(1);
    let mut ticket = Ticket::new(attributes.clone(), tier, &rulebook);
    let mut facts = Vec::new();
    for input in &case.events {
        let at = instant(&input.at)?;
        match &input.what {
            What::PoliciesPublished { policies, apply } => {
                let set = with_warnings(case, policies, &rulebook)?;
                rulebook.publish_policies(at, at, *apply, set);
            }
            What::CalendarPublished { calendar, definition, effective_from } => {
                let hours = definition.hours().map_err(|e| format!("calendar {calendar}: {e}"))?;
                let from = effective_from.as_deref().map(instant).transpose()?.unwrap_or(at);
                rulebook.publish_calendar(at, from, calendar, hours);
            }
            What::Created { .. }
            | What::AgentReply { .. }
            | What::BotReply
            | What::InternalNote
            | What::RequesterComment
            | What::Assigned
            | What::Unassigned
            | What::Status { .. }
            | What::Changed { .. }
            | What::Escalated { .. }
            | What::Merged
            | What::VoidBreach { .. }
            | What::Tick => {}
        }
        let update = input.what.is_update().then_some(Happening::Updated);
        for happening in input.what.happenings(&ticket, &attributes)?.into_iter().chain(update) {
            ticket.apply(at, &happening, &rulebook, &mut facts);
        }
    }
    let end = instant(&case.observe_until)?;
    ticket.advance(Timestamp(end.0 + 1), &rulebook, &mut facts);
    order(&mut facts);
    Ok(facts.iter().map(shown).collect())
}

/// The thresholds of a case are those of each of its targets that names none.
fn with_warnings(case: &Case, policies: &PolicySet, rulebook: &Rulebook) -> Result<PolicySet, String> {
    let mut policies = policies.clone();
    for policy in &mut policies {
        for target in &mut policy.targets {
            if target.warn_pct.is_empty() {
                target.warn_pct.clone_from(&case.warn_pct);
            }
            let calendar = target.calendar.as_deref();
            if target.hours == HoursKind::Business && !calendar.is_some_and(|name| rulebook.has(name)) {
                return Err(format!("policy {}: there is no calendar {calendar:?}", policy.id));
            }
        }
    }
    Ok(policies)
}

/// A line for each fact that is missing, or that is too much.
pub(super) fn differences(case: &Case, found: &[Value]) -> Vec<String> {
    let (mut missing, mut extra) = (case.expect.clone(), Vec::new());
    for fact in found {
        match missing.iter().position(|expected| expected == fact) {
            Some(at) => drop(missing.remove(at)),
            None => extra.push(fact),
        }
    }
    let line = |what: &str, fact: &Value| format!("{}: {what} {fact}", case.id);
    let missing = missing.iter().map(|fact| line("missing", fact));
    missing.chain(extra.iter().map(|fact| line("not expected", fact))).collect()
}
