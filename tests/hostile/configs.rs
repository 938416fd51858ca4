//! Publications of every kind: those of the shipped templates and one of each other kind, with leaves, branches and
//! whole limbs exchanged, repeated and nested.

use std::sync::LazyLock;

use guichet_config::{Kind, TEMPLATES, read_toml};
use serde_json::{Value, json};

use crate::desks::UnderAttack;
use crate::message::Message;
use crate::orders::subject;
use crate::shapes;
use crate::words::{self, Wild};
use guichet_test_support::mutate::Dice;

/// What there is of each kind to begin with.
static BODIES: LazyLock<Vec<(String, String, Value)>> = LazyLock::new(|| {
    let drafts = TEMPLATES.iter().flat_map(|t| read_toml(t.text).expect("a template"));
    let mut bodies: Vec<_> = drafts
        .map(|d| (d.kind.as_str().to_owned(), d.id, serde_json::from_str(&d.body).expect("canonical")))
        .collect();
    let more = [
        (
            "callers",
            json!({"callers": {"shop": {"roles": ["agent", "supervisor"], "actor_kinds": ["agent", "requester", "service"], "import": true},
            "cli": {"roles": ["admin", "agent"], "actor_kinds": ["admin", "agent"], "import": true}}}),
        ),
        (
            "time_rules",
            json!({"rules": [
            {"id": "remind", "when": "no_update", "seconds": 3600, "hours": "calendar", "repeat": true, "actions": [{"type": "notify", "to": "assignee"}]},
            {"id": "wait", "status": "pending", "seconds": 1, "hours": "calendar", "actions": [{"type": "note", "text": "waits"}, {"type": "set_priority", "priority": "high"}]}]}),
        ),
        (
            "sla_policies",
            json!({"policies": [{"id": "all", "targets": [
            {"metric": "first_reply", "seconds": 60, "hours": "calendar", "warn_pct": [50, 150]},
            {"metric": "periodic_update", "seconds": 1, "hours": "calendar"}]}]}),
        ),
        (
            "figure",
            json!({"title": {"en": "Held", "fr": "Retenu"}, "still": "tier < 3 && !merged", "duration": {
            "from": "event == 'StatusChanged' && status in ['pending', 'hold']", "to": "event == 'CommentAdded' || unresolved",
            "pairs": "each", "dated": "from", "within_s": 3600}}),
        ),
        (
            "procedure",
            json!({"title": {"en": "VPN"}, "categories": ["technical/network"], "steps": [
            {"id": "ask", "title": {"en": "Ask", "fr": "Demander"}}, {"id": "mtu", "title": {"en": "Set the MTU"}, "mandatory": true}]}),
        ),
        (
            "statuses",
            json!({"statuses": [{"id": "parts", "state": "hold", "names": {"en": "Waits for parts"}}]}),
        ),
        ("categories", json!({"categories": ["technical", "technical/network"]})),
        ("agents", json!({"agents": [{"id": "bob", "groups": ["network"]}]})),
        ("tiers", json!({"tiers": [{"tier": 1, "name": "first"}, {"tier": 2, "name": "second"}]})),
        ("fields", json!({"fields": [{"id": "floor", "type": "number"}]})),
        ("lifecycle", json!({"pending_guard": "warn", "auto_close_after_s": 60})),
        ("tenant", json!({"name": "Somebody", "zone": "Europe/Paris"})),
    ];
    bodies.extend(more.map(|(kind, body)| (kind.to_owned(), "default".to_owned(), body)));
    bodies
});

/// A publication.
pub(crate) fn publication(desk: &UnderAttack, dice: &mut Dice) -> Message {
    let wild = Wild::draw(dice);
    let (kind, id, body) = dice.pick(BODIES.as_slice());
    let (mut kind, mut body) = (kind.clone(), body.clone());
    let mut id = if kind == "tenant" { desk.tenant.clone() } else { id.clone() };
    for _ in 0..dice.below(4) {
        change(&mut body, wild, dice);
    }
    if wild.now(dice) {
        kind = dice.pick(Kind::ALL).as_str().to_owned();
    }
    if wild.now(dice) {
        id = words::text("id", Wild(1), dice);
    }
    let mut data = json!({"kind": kind, "body": body});
    if kind == "calendar" || dice.once_in(4) {
        data["id"] = id.into();
    }
    if dice.once_in(6) {
        let from = [
            "2026-11-01T00:00:00.000Z",
            "1970-01-01T00:00:00.000Z",
            "2199-12-31T23:59:59.999Z",
            "9999-01-01T00:00:00.000Z",
        ];
        data["effective_from"] = (*dice.pick(&from)).into();
        data["retroactive"] = dice.once_in(2).into();
        data["apply"] = (*dice.pick(&["open_clocks", "new_only"])).into();
    }
    let command = json!({"command_id": dice.uuid(), "actor": {"kind": "admin", "id": "root"}, "data": data});
    Message::new(
        "configuration",
        subject(desk, "cli", "config", "publish_config"),
        command.to_string().into_bytes(),
    )
}

/// One change somewhere in the tree.
fn change(value: &mut Value, wild: Wild, dice: &mut Dice) {
    // Down into it, more often than not.
    let down = !dice.once_in(4);
    match value {
        Value::Object(fields) if down && !fields.is_empty() => {
            let n = dice.below(fields.len());
            if let Some(inner) = fields.values_mut().nth(n) {
                change(inner, wild, dice);
            }
        }
        Value::Array(items) if down && !items.is_empty() => {
            let n = dice.below(items.len());
            change(&mut items[n], wild, dice);
        }
        Value::Array(items) if !items.is_empty() => {
            let item = dice.pick(items).clone();
            // A thousand of a thousand of a thousand is no message any more.
            let most = shapes::ROOM / (1 + item.to_string().len());
            let times = most.min(*dice.pick(&[1, 1, 2, 100, 1000]));
            items.extend(std::iter::repeat_n(item, times));
        }
        Value::Object(fields) => {
            let key = words::text("id", Wild(3), dice);
            let inner = leaf(wild, dice);
            fields.insert(key, inner);
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            *other = leaf(wild, dice)
        }
    }
}

fn leaf(wild: Wild, dice: &mut Dice) -> Value {
    match dice.below(7) {
        0 => words::signed(Wild(1), dice).into(),
        1 => words::unsigned("seconds", Wild(2), dice).into(),
        2 => words::short("tier", wild, dice).into(),
        3 => words::text("id", wild, dice).into(),
        4 => json!(*dice.pick(&[
            "open",
            "hold",
            "24:00",
            "00:00",
            "25:61",
            "Europe/Paris",
            "business",
            "resolution"
        ])),
        5 => (0..*dice.pick(&[1, 14, 17, 120, 1000])).fold(Value::Null, |inner, _| json!([inner])),
        _ => dice.pick(&[Value::Null, Value::Bool(true)]).clone(),
    }
}
