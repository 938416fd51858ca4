//! For each rule one body that is refused and one, as near as possible, that is not.

use std::collections::BTreeMap;

use guichet_schemas::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::policies::takes_all_of;
use crate::canonical::canonical;
use crate::configuration::{Configuration, Publication};
use crate::kind::{Kind, THE_ONE};
use crate::policy::{Apply, Attributes, Policy, Values, matches};

const NOW: &str = "2026-03-02T09:00:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn id_of(kind: Kind) -> &'static str {
    if kind == Kind::Calendar {
        "paris"
    } else if kind == Kind::Tenant {
        "acme"
    } else {
        THE_ONE
    }
}

fn publish(configuration: &mut Configuration, kind: Kind, id: &str, from: &str, body: &Value) {
    let version = u32::try_from(configuration.history(kind, id).count()).unwrap() + 1;
    configuration.publish(Publication {
        kind,
        id: id.to_owned(),
        version,
        effective_from: at(from),
        apply: Apply::default(),
        retired: body.is_null(),
        body: if body.is_null() { "".into() } else { canonical(body).unwrap().into() },
    });
}

/// A desk where everything is configured.
fn desk() -> Configuration {
    let mut desk = Configuration::new("acme");
    let bodies = [
        (Kind::Calendar, office()),
        (Kind::Tiers, json!({"tiers": [{"tier": 1, "name": "one"}, {"tier": 2, "name": "two"}]})),
        (Kind::Groups, json!({"groups": [{"id": "network", "tiers": [1], "calendar": "paris"}]})),
        (Kind::Categories, json!({"categories": ["technical", "technical/network"]})),
        (Kind::Fields, json!({"fields": [{"id": "site", "kind": "text", "options": ["paris"]}]})),
        (Kind::Tags, json!({"tags": [{"id": "vpn", "synonyms": ["tunnel"]}], "unknown": "refuse"})),
        (Kind::Agents, json!({"agents": [{"id": "alice", "groups": ["network"], "tier": 2}]})),
        (
            Kind::SlaPolicies,
            policy(&json!({}), &json!([target(&json!({"hours": "business", "calendar": "paris"}))])),
        ),
    ];
    for (kind, body) in bodies {
        publish(&mut desk, kind, id_of(kind), "2026-01-01T00:00:00Z", &body);
    }
    desk
}

fn office() -> Value {
    json!({"tz": "Europe/Paris", "weekly": {"mon": [["09:00", "18:00"]]}, "holidays": ["2026-12-25"]})
}

fn with(mut body: Value, more: &Value) -> Value {
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    body
}

fn target(more: &Value) -> Value {
    with(json!({"metric": "resolution", "seconds": 3600, "hours": "calendar"}), more)
}

fn policy(matching: &Value, targets: &Value) -> Value {
    json!({"policies": [{"id": "p", "match": matching, "targets": targets}]})
}

fn policies_of(matching: [Value; 2]) -> Value {
    let [a, b] = matching;
    json!({"policies": [{"id": "a", "match": a, "targets": []}, {"id": "b", "match": b, "targets": []}]})
}

fn rule(more: &Value) -> Value {
    let rule = json!({"id": "r", "status": "pending", "seconds": 60, "hours": "calendar"});
    json!({"rules": [with(rule, more)]})
}

fn action(action: &Value) -> Value {
    rule(&json!({"actions": [action]}))
}

fn checked(desk: &Configuration, kind: Kind, body: &Value) -> Result<(), String> {
    let result = desk.check(kind, id_of(kind), &body.to_string(), at(NOW), at(NOW), false);
    result.map(drop).map_err(|fault| fault.to_string())
}

/// Kind, what the fault begins with, refused, accepted.
type Rule = (Kind, &'static str, Value, Value);

fn shape_and_desk() -> Vec<Rule> {
    let caller =
        |roles: Value, kinds: Value| json!({"callers": {"cli": {"roles": roles, "actor_kinds": kinds}}});
    let admin = caller(json!(["admin"]), json!(["admin"]));
    vec![
        (Kind::Tenant, "colour: unknown field", json!({"colour": "red"}), json!({"name": "Acme"})),
        (
            Kind::Tenant,
            "number_prefix: is 1 to 8",
            json!({"number_prefix": "acme"}),
            json!({"number_prefix": "ACME"}),
        ),
        (Kind::Tenant, "zone: ", json!({"zone": "Europe/Lutetia"}), json!({"zone": "Europe/Paris"})),
        (Kind::Tenant, "language: unknown variant", json!({"language": "de"}), json!({"language": "fr"})),
        (
            Kind::Callers,
            "callers: no caller has the role admin",
            caller(json!(["agent"]), json!(["agent"])),
            admin.clone(),
        ),
        (
            Kind::Callers,
            "callers: no caller has the role admin",
            caller(json!(["admin"]), json!([])),
            admin.clone(),
        ),
        (
            Kind::Callers,
            "callers.cli.actor_kinds[0]: \"boss\" is not",
            caller(json!(["admin"]), json!(["boss"])),
            admin,
        ),
        (
            Kind::Lifecycle,
            "auto_close_after_s: is 1 to",
            json!({"auto_close_after_s": 2_419_201}),
            json!({"auto_close_after_s": 2_419_200}),
        ),
        (
            Kind::Lifecycle,
            "auto_close_calendar: business",
            json!({"auto_close_hours": "business"}),
            json!({"auto_close_hours": "business", "auto_close_calendar": "paris"}),
        ),
        (
            Kind::Lifecycle,
            "auto_close_calendar: there is no",
            json!({"auto_close_hours": "business", "auto_close_calendar": "lyon"}),
            json!({}),
        ),
        (
            Kind::Lifecycle,
            "reopen_window_s: is at least 1",
            json!({"reopen_window_s": 0}),
            json!({"reopen_window_s": 1}),
        ),
        (
            Kind::Tiers,
            "tiers[0].tier: tiers are",
            json!({"tiers": [{"tier": 5, "name": "x"}]}),
            json!({"tiers": [{"tier": 1, "name": "x"}, {"tier": 2, "name": "y"}]}),
        ),
        (
            Kind::Tiers,
            "tiers[1].tier: tier 1 is tiers[0]",
            json!({"tiers": [{"tier": 1, "name": "x"}, {"tier": 1, "name": "y"}]}),
            json!({"tiers": [{"tier": 1, "name": "x"}, {"tier": 2, "name": "y"}]}),
        ),
        (
            Kind::Groups,
            "groups[1].id: \"network\" is groups[0].id",
            json!({"groups": [{"id": "network"}, {"id": "network"}]}),
            json!({"groups": [{"id": "network"}]}),
        ),
        (
            Kind::Groups,
            "groups[0].calendar: there is no",
            json!({"groups": [{"id": "network", "calendar": "lyon"}]}),
            json!({"groups": [{"id": "network", "calendar": "paris"}]}),
        ),
        (
            Kind::Groups,
            "groups[0].tiers[0]: there is no tier 3",
            json!({"groups": [{"id": "network", "tiers": [3]}]}),
            json!({"groups": [{"id": "network", "tiers": [2]}]}),
        ),
        (
            Kind::Groups,
            "agents.agents[0].groups[0]: there is no group",
            json!({"groups": []}),
            json!({"groups": [{"id": "network"}, {"id": "b"}]}),
        ),
        (
            Kind::Agents,
            "agents[0].groups[0]: there is no group",
            json!({"agents": [{"id": "bob", "groups": ["x"]}]}),
            json!({"agents": [{"id": "bob", "groups": []}]}),
        ),
        (
            Kind::Statuses,
            "statuses[0].state: \"busy\" is not",
            json!({"statuses": [{"id": "a", "state": "busy"}]}),
            json!({"statuses": [{"id": "a", "state": "open"}]}),
        ),
        (
            Kind::Statuses,
            "statuses[0].id: must not be empty",
            json!({"statuses": [{"id": "", "state": "open"}]}),
            json!({"statuses": [{"id": "a", "state": "open", "name": {"en": "A"}}]}),
        ),
        (
            Kind::Categories,
            "categories[0]: \"a//b\" is no path",
            json!({"categories": ["a//b"]}),
            json!({"categories": ["a/b"]}),
        ),
        (
            Kind::Tags,
            "tags[0].synonyms[0]: \"b\" means tags[1]",
            json!({"tags": [{"id": "a", "synonyms": ["b"]}, {"id": "b"}]}),
            json!({"tags": [{"id": "a", "synonyms": ["c"]}, {"id": "b"}]}),
        ),
        (
            Kind::Fields,
            "fields[0].options: only a text",
            json!({"fields": [{"id": "a", "kind": "flag", "options": ["x"]}]}),
            json!({"fields": [{"id": "a", "kind": "text", "options": ["x"]}]}),
        ),
    ]
}

fn calendars_and_policies() -> Vec<Rule> {
    let one = |more: Value| policy(&json!({}), &json!([target(&more)]));
    let two = |a: Value, b: Value| policy(&json!({}), &json!([target(&a), target(&b)]));
    let when = |matching: Value| policy(&matching, &json!([]));
    vec![
        (
            Kind::Calendar,
            "weekly.mon[0]: ",
            with(office(), &json!({"weekly": {"mon": [["18:00", "09:00"]]}})),
            office(),
        ),
        (Kind::Calendar, "weekly: it is never open", with(office(), &json!({"weekly": {}})), office()),
        (
            Kind::Calendar,
            "effective_from: stands beside",
            with(office(), &json!({"effective_from": NOW})),
            office(),
        ),
        // A target of the policy in force would not be reached any more.
        (
            Kind::Calendar,
            "sla_policies.policies[0].targets[0].seconds: ",
            with(office(), &json!({"weekly": {}, "special": {"2026-03-03": [["09:00", "18:00"]]}})),
            with(office(), &json!({"weekly": {"tue": [["09:00", "10:00"]]}})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].taregts: unknown field",
            json!({"policies": [{"id": "p", "taregts": []}]}),
            json!({"policies": []}),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.priority: a text, or",
            when(json!({"priority": 4})),
            when(json!({"priority": "urgent"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].seconds: is at least 1",
            one(json!({"seconds": 0})),
            one(json!({"seconds": 1})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].calendar: business hours need",
            one(json!({"hours": "business"})),
            one(json!({"hours": "business", "calendar": "paris"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].calendar: there is no calendar \"lyon\"",
            one(json!({"hours": "business", "calendar": "lyon"})),
            one(json!({"hours": "business", "calendar": "paris"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].seconds: a ticket of",
            one(json!({"hours": "business", "calendar": "paris", "seconds": 40_000_000})),
            one(json!({"hours": "business", "calendar": "paris", "seconds": 20_000_000})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].priority: ",
            one(json!({"priority": "vip"})),
            one(json!({"priority": "high"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].tier: there is no tier 3",
            one(json!({"tier": 3})),
            one(json!({"tier": 2})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].warn_pct[0]: is 1 to",
            one(json!({"warn_pct": [0]})),
            one(json!({"warn_pct": [1, 1000]})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].warn_pct[1]: is more",
            one(json!({"warn_pct": [50, 50]})),
            one(json!({"warn_pct": [50, 51]})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].pauses_in[0]: ",
            one(json!({"pauses_in": ["closed"]})),
            one(json!({"pauses_in": ["hold"]})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[1]: targets[0] is for the same",
            two(json!({"tier": 1}), json!({"tier": 1})),
            two(json!({"tier": 1}), json!({"tier": 2})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[1]: is never reached",
            two(json!({}), json!({"priority": "urgent"})),
            two(json!({"priority": "urgent"}), json!({})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.colour: no ticket has",
            when(json!({"colour": "red"})),
            when(json!({"fields.site": "paris"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.channel: \"fax\"",
            when(json!({"channel": ["fax"]})),
            when(json!({"channel": ["phone"]})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.tags: names no value",
            when(json!({"tags": []})),
            when(json!({"tags": ["vpn"]})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.tags: there is no tag",
            when(json!({"tags": "vnp"})),
            when(json!({"tags": "vpn"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.tags: \"tunnel\" is a synonym",
            when(json!({"tags": "tunnel"})),
            when(json!({"tags": "vpn"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.group: there is no group",
            when(json!({"group": "x"})),
            when(json!({"group": "network"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.category: there is no",
            when(json!({"category": "techn"})),
            when(json!({"category": "technical"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.fields.site: \"lyon\" is no option",
            when(json!({"fields.site": "lyon"})),
            when(json!({"fields.site": "paris"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[1].id: \"p\" is policies[0]",
            json!({"policies": [{"id": "p", "match": {"tier": "2"}, "targets": []}, {"id": "p", "targets": []}]}),
            json!({"policies": [{"id": "p", "match": {"tier": "2"}, "targets": []}, {"id": "q", "targets": []}]}),
        ),
        (
            Kind::SlaPolicies,
            "policies[1].match: is never reached",
            policies_of([json!({}), json!({"tier": "2"})]),
            policies_of([json!({"tier": "2"}), json!({})]),
        ),
        (
            Kind::SlaPolicies,
            "policies[1].match: is never reached",
            policies_of([json!({"category": "technical"}), json!({"category": "technical/network"})]),
            policies_of([json!({"category": "technical/network"}), json!({"category": "technical"})]),
        ),
    ]
}

fn time_rules() -> Vec<Rule> {
    vec![
        (
            Kind::TimeRules,
            "rules[0].status: time_in_status needs",
            json!({"rules": [{"id": "r", "seconds": 60, "hours": "calendar"}]}),
            rule(&json!({})),
        ),
        (
            Kind::TimeRules,
            "rules[0].states: either",
            rule(&json!({"states": ["open"]})),
            rule(&json!({"when": "no_update"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].when: unknown variant",
            rule(&json!({"when": "full_moon"})),
            rule(&json!({"when": "unassigned_age"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].seconds: is at least 1",
            rule(&json!({"seconds": 0})),
            rule(&json!({"seconds": 1})),
        ),
        (
            Kind::TimeRules,
            "rules[0].calendar: business",
            rule(&json!({"hours": "business"})),
            rule(&json!({"hours": "business", "calendar": "paris"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].type: unknown variant `explode`",
            action(&json!({"type": "explode"})),
            action(&json!({"type": "close"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0]: unknown field `why`",
            action(&json!({"type": "close", "why": "x"})),
            action(&json!({"type": "close"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0]: \"top\" is not",
            action(&json!({"type": "set_priority", "priority": "top"})),
            action(&json!({"type": "set_priority", "priority": "high"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].tags: names at least",
            action(&json!({"type": "add_tags", "tags": []})),
            action(&json!({"type": "add_tags", "tags": ["vpn"]})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].tags[0]: there is no tag",
            action(&json!({"type": "add_tags", "tags": ["x"]})),
            action(&json!({"type": "add_tags", "tags": ["vpn"]})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].to_tier: a ticket is",
            action(&json!({"type": "escalate", "to_tier": 5, "reason": "scope"})),
            action(&json!({"type": "escalate", "to_tier": 2, "reason": "scope"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].to_tier: there is no tier",
            action(&json!({"type": "escalate", "to_tier": 4, "reason": "scope"})),
            action(&json!({"type": "escalate", "to_tier": 2, "reason": "scope"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].text: must not be empty",
            action(&json!({"type": "note", "text": " "})),
            action(&json!({"type": "note", "text": "x"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].to: is assignee",
            action(&json!({"type": "notify", "to": "boss"})),
            action(&json!({"type": "notify", "to": "assignee"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].to: there is no agent",
            action(&json!({"type": "notify", "to": "agent:bob"})),
            action(&json!({"type": "notify", "to": "agent:alice"})),
        ),
    ]
}

#[test]
fn every_rule_refuses_what_breaks_it_and_takes_what_does_not() {
    let desk = desk();
    let mut wrong = Vec::new();
    for (kind, begins, refused, accepted) in
        [shape_and_desk(), calendars_and_policies(), time_rules()].concat()
    {
        match checked(&desk, kind, &refused) {
            Err(fault) if fault.starts_with(begins) => {}
            other => wrong.push(format!("{kind} {refused}\n  gives {other:?}\n  not   {begins}")),
        }
        if let Err(fault) = checked(&desk, kind, &accepted) {
            wrong.push(format!("{kind} {accepted}\n  gives {fault}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_what_is_configured_limits_names() {
    let nothing = Configuration::new("acme");
    let body = policy(&json!({"group": "x", "tags": "y", "category": "z", "tier": "3"}), &json!([]));
    assert_eq!(checked(&nothing, Kind::SlaPolicies, &body), Ok(()));
    let business = policy(&json!({}), &json!([target(&json!({"hours": "business", "calendar": "x"}))]));
    assert!(checked(&nothing, Kind::SlaPolicies, &business).is_err());
}

#[test]
fn ids_are_those_of_their_kind() {
    let desk = desk();
    let check = |kind, id: &str, body: &Value| {
        desk.check(kind, id, &body.to_string(), at(NOW), at(NOW), false).map(drop).map_err(|f| f.path)
    };
    assert_eq!(check(Kind::Tenant, "other", &json!({})), Err("id".to_owned()));
    assert_eq!(check(Kind::Lifecycle, "mine", &json!({})), Err("id".to_owned()));
    assert_eq!(check(Kind::Calendar, "a b", &office()), Err("id".to_owned()));
    assert_eq!(check(Kind::Calendar, "lyon", &office()), Ok(()));
}

#[test]
fn only_the_first_version_begins_in_the_past_unless_it_is_said() {
    let desk = desk();
    let past = at("2026-02-01T00:00:00Z");
    let check = |id: &str, retroactive| {
        desk.check(Kind::Calendar, id, &office().to_string(), past, at(NOW), retroactive).map_err(|f| f.path)
    };
    assert_eq!(check("paris", false), Err("effective_from".to_owned()));
    assert_eq!(check("paris", true).map(|checked| checked.version), Ok(2));
    assert_eq!(check("lyon", false).map(|checked| checked.version), Ok(1));
}

#[test]
fn a_duplicate_key_is_refused_and_null_is_absent() {
    let desk = desk();
    let check = |body: &str| desk.check(Kind::Tenant, "acme", body, at(NOW), at(NOW), false);
    assert!(check(r#"{"name": "a", "name": "b"}"#).unwrap_err().rule.contains("duplicate field `name`"));
    assert_eq!(&*check(r#"{"name": null}"#).unwrap().body, "{}");
}

#[test]
fn the_same_again_is_told() {
    let desk = desk();
    let same = desk.check(Kind::Calendar, "paris", &office().to_string(), at(NOW), at(NOW), false).unwrap();
    assert!(same.unchanged);
    let other = with(office(), &json!({"holidays": []}));
    assert!(
        !desk.check(Kind::Calendar, "paris", &other.to_string(), at(NOW), at(NOW), false).unwrap().unchanged
    );
}

#[test]
fn what_is_needed_is_not_retired() {
    let mut desk = desk();
    let retire = |desk: &Configuration, kind, id: &str| {
        desk.check_retirement(kind, id, at(NOW), at(NOW), false).map_err(|fault| fault.to_string())
    };
    let fault = retire(&desk, Kind::Calendar, "paris").unwrap_err();
    assert!(fault.starts_with("groups.groups[0].calendar: there is no calendar"), "{fault}");
    assert!(retire(&desk, Kind::Calendar, "lyon").unwrap_err().starts_with("id: there is no calendar"));
    publish(
        &mut desk,
        Kind::Callers,
        THE_ONE,
        NOW,
        &json!({"callers": {"cli": {"roles": ["admin"], "actor_kinds": ["admin"]}}}),
    );
    assert!(retire(&desk, Kind::Callers, THE_ONE).unwrap_err().contains("nobody could publish again"));
    // Without tiers any tier may be named: nothing needs them.
    assert_eq!(retire(&desk, Kind::Tiers, THE_ONE), Ok(2));
    publish(&mut desk, Kind::Groups, THE_ONE, NOW, &json!({"groups": [{"id": "network"}]}));
    publish(&mut desk, Kind::SlaPolicies, THE_ONE, NOW, &json!({"policies": []}));
    assert_eq!(retire(&desk, Kind::Calendar, "paris"), Ok(2));
}

/// A plan for next month refers to a group; this week's list of groups must still have it.
#[test]
fn what_is_planned_counts_from_its_instant_on() {
    let mut desk = desk();
    let later = "2026-04-01T00:00:00Z";
    let body = policy(&json!({"group": "network"}), &json!([]));
    publish(&mut desk, Kind::SlaPolicies, THE_ONE, later, &body);
    publish(&mut desk, Kind::Agents, THE_ONE, NOW, &json!({"agents": []}));
    let without = json!({"groups": [{"id": "other"}]});
    let fault = checked(&desk, Kind::Groups, &without).unwrap_err();
    assert!(fault.starts_with("sla_policies.policies[0].match.group: "), "{fault}");
    let check = |from: &str, desk: &Configuration| {
        desk.check(Kind::Tags, THE_ONE, r#"{"tags": []}"#, at(from), at(NOW), false).is_ok()
    };
    assert!(check(NOW, &desk) && check(later, &desk));
}

/// The log may hold what today's rules refuse; that is no reason to refuse the repair of something else.
#[test]
fn what_was_wrong_before_is_not_held_against_the_next() {
    let mut desk = desk();
    let broken = policy(&json!({"group": "gone"}), &json!([]));
    publish(&mut desk, Kind::SlaPolicies, THE_ONE, NOW, &broken);
    assert_eq!(
        checked(&desk, Kind::Tiers, &json!({"tiers": [{"tier": 1, "name": "x"}, {"tier": 2, "name": "y"}]})),
        Ok(())
    );
    assert!(checked(&desk, Kind::SlaPolicies, &broken).is_err());
}

#[test]
fn what_is_in_force_is_the_newest_that_was_effective_by_then() {
    let mut desk = Configuration::new("acme");
    let named = |name: &str| json!({ "name": name });
    publish(&mut desk, Kind::Tenant, "acme", "2026-01-01T00:00:00Z", &named("first"));
    publish(&mut desk, Kind::Tenant, "acme", "2026-03-01T00:00:00Z", &named("planned"));
    publish(&mut desk, Kind::Tenant, "acme", "2026-02-01T00:00:00Z", &named("instead"));
    publish(&mut desk, Kind::Tenant, "acme", "2026-05-01T00:00:00Z", &Value::Null);
    let name = |text: &str| desk.tenant(at(text)).name;
    assert_eq!(name("2025-12-31T00:00:00Z"), None);
    assert_eq!(name("2026-01-15T00:00:00Z").as_deref(), Some("first"));
    assert_eq!(name("2026-02-01T00:00:00Z").as_deref(), Some("instead"));
    assert_eq!(name("2026-04-01T00:00:00Z").as_deref(), Some("instead"));
    assert_eq!(name("2026-05-01T00:00:00Z"), None);
    assert_eq!(desk.history(Kind::Tenant, "acme").count(), 4);
    publish(&mut desk, Kind::Tenant, "acme", "2026-06-01T00:00:00Z", &json!({"from": "a later build"}));
    assert_eq!((desk.unread().count(), desk.tenant(at("2026-07-01T00:00:00Z")).name), (1, None));
}

#[test]
fn a_policy_without_a_version_has_that_of_its_publication() {
    let mut desk = desk();
    let body = json!({"policies": [{"id": "a", "version": 9, "targets": []}, {"id": "b", "targets": []}]});
    publish(&mut desk, Kind::SlaPolicies, THE_ONE, NOW, &body);
    let versions: Vec<_> = desk.policies(at(NOW)).iter().map(|policy| policy.version).collect();
    assert_eq!(versions, [Some(9), Some(2)]);
}

#[test]
fn a_calendar_is_counted_piece_by_piece() {
    let mut desk = desk();
    let short = with(office(), &json!({"weekly": {"mon": [["09:00", "10:00"]]}}));
    publish(&mut desk, Kind::Calendar, "paris", "2026-03-09T00:00:00Z", &short);
    let calendar = desk.calendars().get("paris").unwrap();
    let hours = |from: &str, to: &str| calendar.elapsed(at(from), at(to)) / 3_600_000;
    let monday = |from: &str| desk.calendar("paris", at(from)).unwrap().weekly["mon"].clone();
    assert_eq!(monday(NOW), [("09:00".to_owned(), "18:00".to_owned())]);
    assert_eq!(monday("2026-03-09T00:00:00Z"), [("09:00".to_owned(), "10:00".to_owned())]);
    assert_eq!(hours("2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"), 9);
    assert_eq!(hours("2026-03-02T00:00:00Z", "2026-03-16T00:00:00Z"), 10);
    // The first version holds also before its instant.
    assert_eq!(hours("2025-12-01T00:00:00Z", "2025-12-02T00:00:00Z"), 9);
}

const WORDS: [(&str, &[&str]); 3] = [
    ("priority", &["low", "normal", "high", "urgent"]),
    ("category", &["a", "a/b", "a/b/c", "ab"]),
    ("tags", &["x", "y"]),
];

fn any_policy() -> impl Strategy<Value = Policy> {
    let values = |words: &'static [&'static str]| {
        proptest::option::of(proptest::sample::subsequence(words, 1..=words.len()))
    };
    (values(WORDS[0].1), values(WORDS[1].1), values(WORDS[2].1)).prop_map(|(a, b, c)| {
        let conditions = WORDS.iter().zip([a, b, c]).filter_map(|((name, _), values)| {
            let values = values?.into_iter().map(str::to_owned).collect();
            Some(((*name).to_owned(), Values::Any(values)))
        });
        let body = json!({"id": "p", "targets": []});
        let mut policy: Policy = serde_json::from_value(body).unwrap();
        policy.conditions = conditions.collect();
        policy
    })
}

/// Every ticket that differs in what the policies above can see. It always has a priority, and may have none or one
/// category and any tags.
fn tickets() -> Vec<Attributes> {
    let mut all = Vec::new();
    for priority in WORDS[0].1 {
        for category in [None, Some("a"), Some("a/b"), Some("a/b/c"), Some("ab"), Some("z")] {
            for tags in [vec![], vec!["x"], vec!["y"], vec!["x", "y"]] {
                let mut ticket: Attributes = BTreeMap::new();
                ticket.insert("priority".to_owned(), vec![(*priority).to_owned()]);
                ticket.extend(category.map(|path| ("category".to_owned(), vec![path.to_owned()])));
                ticket.insert("tags".to_owned(), tags.into_iter().map(str::to_owned).collect());
                all.push(ticket);
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_policy_is_unreachable_where_no_ticket_comes_to_it(earlier in any_policy(), later in any_policy()) {
        let comes = |ticket: &Attributes| matches(&later, ticket, 1) && !matches(&earlier, ticket, 1);
        prop_assert_eq!(takes_all_of(&earlier, &later), !tickets().iter().any(comes));
    }

    #[test]
    fn canonical_text_is_stable(keys in proptest::collection::vec("[a-z\"\\\\é]{0,4}", 0..6), number in any::<i64>()) {
        let value: Value = keys.iter().map(|key| (key.clone(), json!([number, {"z": key, "a": true}]))).collect();
        let reversed: Value = keys.iter().rev().map(|key| (key.clone(), value[key.as_str()].clone())).collect();
        let text = canonical(&value).unwrap();
        prop_assert_eq!(&canonical(&reversed).unwrap(), &text);
        prop_assert_eq!(&canonical(&serde_json::from_str::<Value>(&text).unwrap()).unwrap(), &text);
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
