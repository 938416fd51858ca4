//! What we write keeps the published schemas, and what they refuse, the decoder refuses.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use guichet_schemas::codec::{self, Encoding, RequestKey};
use guichet_schemas::{json, verb};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::{published, samples};

static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let compile = |schema: &Value| {
        jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap()
    };
    published::schemas().iter().map(|(path, schema)| (path.clone(), compile(schema))).collect()
});

/// Checks JSON against a schema of `schemas/contract/`.
pub(crate) fn conforms(schema: &str, body: &[u8]) -> Result<(), String> {
    let value: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let errors: Vec<_> =
        VALIDATORS[schema].iter_errors(&value).map(|e| format!("{} at {}", e, e.instance_path())).collect();
    if errors.is_empty() { Ok(()) } else { Err(format!("{schema}: {}\n{value:#}", errors.join("; "))) }
}

fn accepts(verb: &str, body: &Value) -> Result<(), String> {
    let key = RequestKey([0; 32]);
    let decoded = codec::decode_command(
        samples::subject(verb),
        Encoding::Json,
        body.to_string().as_bytes(),
        None,
        &key,
    );
    decoded.map(|_| ()).map_err(|e| e.to_string())
}

fn command_json(verb: &str) -> Value {
    let command = samples::commands::all().into_iter().find(|c| c.order.verb() == verb).unwrap();
    serde_json::to_value(codec::command_to_wire(command)).unwrap()
}

#[test]
fn every_command_that_we_write_keeps_its_schema() {
    let all = samples::commands::all();
    assert_eq!(
        all.iter().map(|c| c.order.verb()).collect::<Vec<_>>(),
        verb::VERBS,
        "samples::commands must hold every verb, in order"
    );
    for command in all {
        let verb = command.order.verb();
        conforms(&format!("commands/{verb}.json"), &json::to_vec(&codec::command_to_wire(command))).unwrap();
    }
}

#[test]
fn every_record_that_we_write_keeps_its_schema() {
    for event in samples::events::all() {
        let name = event.type_name();
        conforms(&format!("events/{name}.json"), &json::to_vec(&samples::record(event).into_wire())).unwrap();
    }
}

#[test]
fn every_answer_that_we_write_keeps_its_schema() {
    conforms("replies/command.json", &codec::encode_reply(Ok(samples::replies::accepted()), Encoding::Json))
        .unwrap();
    for refusal in samples::replies::refusals() {
        let body = codec::encode_reply(Err(refusal.clone()), Encoding::Json);
        conforms("replies/command.json", &body).unwrap();
        for query in verb::QUERIES {
            let data = Some(guichet_schemas::wire::query_reply::Data::Error(codec::error_to_wire(&refusal)));
            let reply = guichet_schemas::wire::QueryReply { data, ..Default::default() };
            let answer = codec::encode_query_reply(&reply, Encoding::Json);
            assert_eq!(answer, body, "a refusal is one, whatever was asked");
            conforms(&format!("replies/query-{query}.json"), &answer).unwrap();
        }
    }
    for (query, reply) in verb::QUERIES.iter().zip(samples::replies::answers()) {
        conforms(&format!("replies/query-{query}.json"), &codec::encode_query_reply(&reply, Encoding::Json))
            .unwrap();
    }
}

/// A schema that takes everything proves nothing.
#[test]
fn a_wrong_answer_does_not_keep_the_schema() {
    let wrong = |schema: &str, body: Value| {
        assert!(conforms(schema, body.to_string().as_bytes()).is_err(), "{schema} takes {body}")
    };
    let mut accepted: Value =
        serde_json::from_slice(&codec::encode_reply(Ok(samples::replies::accepted()), Encoding::Json))
            .unwrap();
    accepted["version"] = json!("4");
    wrong("replies/command.json", accepted);
    let mut event =
        serde_json::to_value(samples::record(samples::events::all().remove(5)).into_wire()).unwrap();
    conforms("events/TicketClosed.json", event.to_string().as_bytes()).unwrap();
    wrong("events/TicketCancelled.json", event.clone());
    event["recorded_at"] = json!("2026-03-02T09:00:00Z");
    wrong("events/TicketClosed.json", event);
}

/// `value` with each of its parts, at any depth, once removed, once `null` and once of another kind; and
/// with a field too many in each object. Each comes with what was done.
fn damaged(value: &Value, path: &str) -> Vec<(String, Value)> {
    let mut out = Vec::new();
    let parts: Vec<(String, Value)> = match value {
        Value::Object(map) => map.iter().map(|(k, v)| (format!(".{k}"), v.clone())).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, v)| (format!("[{i}]"), v.clone())).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (i, (name, part)) in parts.iter().enumerate() {
        let here = format!("{path}{name}");
        let with = |replacement: Option<Value>| {
            let mut whole = value.clone();
            match (&mut whole, replacement) {
                (Value::Object(map), Some(v)) => _ = map.insert(name[1..].to_owned(), v),
                (Value::Object(map), None) => _ = map.remove(&name[1..]),
                (Value::Array(list), Some(v)) => list[i] = v,
                (Value::Array(list), None) => _ = list.remove(i),
                _ => {}
            }
            whole
        };
        out.push((format!("{here} removed"), with(None)));
        out.push((format!("{here} null"), with(Some(Value::Null))));
        let others = match part {
            Value::String(_) => vec![json!(5), json!(""), json!({}), json!(true)],
            Value::Number(_) => vec![json!("x"), json!(-1), json!(1.5), json!([])],
            Value::Bool(_) => vec![json!("true"), json!(1)],
            Value::Object(_) => vec![
                json!([]),
                json!("x"),
                Value::Array(part.as_object().unwrap().values().cloned().collect()),
            ],
            Value::Array(_) => vec![json!({}), json!("x"), json!([{}]), json!([5])],
            Value::Null => vec![],
        };
        out.extend(others.into_iter().map(|other| (format!("{here} as {other}"), with(Some(other)))));
        out.extend(damaged(part, &here).into_iter().map(|(what, part)| (what, with(Some(part)))));
    }
    if let Value::Object(map) = value {
        let mut more = map.clone();
        more.insert("unheard_of".to_owned(), json!({}));
        out.push((format!("{path}.unheard_of added"), more.into()));
    }
    out
}

#[test]
fn schema_and_decoder_take_and_refuse_the_same_commands() {
    let mut differences = Vec::new();
    let (mut taken, mut refused) = (0, 0);
    for verb in verb::VERBS {
        let good = command_json(verb);
        accepts(verb, &good).unwrap();
        for (what, body) in damaged(&good, "") {
            let schema = VALIDATORS[&format!("commands/{verb}.json")].is_valid(&body);
            let decoder = accepts(verb, &body);
            if schema != decoder.is_ok() {
                differences.push(format!("{verb} with {what}: schema {schema}, decoder {decoder:?}"));
            }
            taken += usize::from(schema);
            refused += usize::from(!schema);
        }
    }
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), differences.join("\n"));
    assert!(taken > 100 && refused > 1000, "the damage must matter: {taken} taken, {refused} refused");
}

fn queries() -> Vec<(&'static str, Value)> {
    let common = json!({"min_position": 5, "wait_ms": 100, "as_of": "2026-03-02T09:00:00.000Z", "as_of_position": 7, "limit": 10, "cursor": "c", "access": 12});
    let id = samples::ticket().to_string();
    let of_ticket = json!({"ticket_id": id});
    let filters = [
        ("ticket", of_ticket.clone()),
        ("timeline", of_ticket),
        (
            "tickets",
            json!({"status": "open", "group": "g", "assignee": "a", "priority": "high", "tag": "t", "category": "c", "channel": "email", "requester": "r", "text": "x",
            "created_from": "2026-03-02T09:00:00.000Z", "created_to": "2026-03-02T09:00:00Z", "updated_from": null, "due_to": "2026-03-02T10:00:00+01:00"}),
        ),
        ("events", json!({"from": 1, "to": 9, "type": "TicketClosed", "ticket_id": id, "caller": "cli"})),
        ("projections", json!({})),
        ("queues", json!({"by": "agent"})),
        (
            "queue",
            json!({"order": "due", "group": "g", "agent": "a", "without_group": false, "unassigned": true}),
        ),
        ("article", json!({"article": "kb-17", "version": 2, "audience": "public"})),
        (
            "articles",
            json!({"text": "drum", "category": "c", "audience": "internal", "language": "en", "retired": true}),
        ),
        ("suggested_articles", json!({"ticket_id": id, "audience": "public"})),
        (
            "knowledge_gaps",
            json!({"from": "2026-03-02T09:00:00.000Z", "to": "2026-03-02T10:00:00.000Z", "category": "c"}),
        ),
        (
            "report_reopen_rate",
            json!({"from": "2026-03-02", "to": "2026-03-30T00:00:00Z", "zone": "Europe/Paris", "period": "week", "group_by": "channel", "window_days": 7}),
        ),
    ];
    let both = |(name, mut query): (&'static str, Value)| {
        crate::schema::merge(&mut query, common.clone());
        (name, query)
    };
    filters.map(both).to_vec()
}

#[test]
fn schema_and_decoder_take_and_refuse_the_same_queries() {
    let mut differences = Vec::new();
    for (name, good) in queries() {
        conforms(&format!("queries/{name}.json"), good.to_string().as_bytes()).unwrap();
        for (what, body) in damaged(&good, "") {
            // Which of its filters a query needs is a rule of the read models.
            let needed = [".ticket_id removed", ".ticket_id null", ".article removed", ".article null"];
            if needed.iter().any(|field| what.starts_with(field)) {
                continue;
            }
            let schema = VALIDATORS[&format!("queries/{name}.json")].is_valid(&body);
            let decoder = codec::decode_query(name, Encoding::Json, body.to_string().as_bytes());
            if schema != decoder.is_ok() {
                differences.push(format!("{name} with {what}: schema {schema}, decoder {decoder:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
