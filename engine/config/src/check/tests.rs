//! What may be published, by examples: a desk where everything is configured, and what is published on it.

mod fit;
mod history;
mod properties;
mod rules;

use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Apply;
use serde_json::{Value, json};

use crate::canonical::canonical;
use crate::configuration::{Configuration, Publication};
use crate::kind::{Kind, THE_ONE};
use crate::policy::{Attributes, Policy, Values, matches};

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
