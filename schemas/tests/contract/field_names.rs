//! Bad input gets a clear error that names the field and the rule.

use guichet_schemas::codec::{self, Encoding, RequestKey};
use guichet_schemas::rejection::Rejection;
use serde_json::{Value, json};

use crate::samples;

fn refused(verb: &str, body: &str) -> Rejection {
    let decoded = codec::decode_command(
        samples::subject(verb),
        Encoding::Json,
        body.as_bytes(),
        None,
        &RequestKey([0; 32]),
    );
    decoded.expect_err(&format!("{verb} takes {body}"))
}

fn with_data(data: &Value) -> String {
    json!({"command_id": samples::uuid(3).to_string(), "actor": {"kind": "agent", "id": "alice"}, "data": data}).to_string()
}

fn create(change: impl FnOnce(&mut Value)) -> String {
    let mut data = json!({"subject": "s", "description": "d", "channel": "email", "requester": {"id": "r"}});
    change(&mut data);
    with_data(&data)
}

fn malformed(verb: &str, body: &str, message: &str) {
    let rejection = refused(verb, body);
    assert_eq!(rejection.code(), "malformed", "{body}: {rejection}");
    assert!(
        rejection.to_string().starts_with(message),
        "{body}\n  is refused with: {rejection}\n  and not with:    {message}"
    );
}

fn invalid(verb: &str, body: &str, field: &str, rule: &str) {
    let error = codec::error_to_wire(&refused(verb, body));
    assert_eq!(
        (error.code.as_str(), error.field.as_deref()),
        ("validation_failed", Some(field)),
        "{body}: {}",
        error.message
    );
    assert_eq!(error.message, format!("{field} {rule}"));
}

#[test]
fn a_word_that_is_none_is_named_with_its_field_and_the_words_that_are() {
    malformed(
        "create",
        &create(|d| d["channel"] = json!("fax")),
        r#"data.channel: "fax" is not one of email, phone, chat, form"#,
    );
    malformed(
        "create",
        &create(|d| d["requester"]["kind"] = json!("king")),
        r#"data.requester.kind: "king" is not one of prospect, customer"#,
    );
    malformed(
        "escalate",
        &with_data(&json!({"kind": "sideways", "to_tier": 2})),
        r#"data.kind: "sideways" is not one of functional, hierarchical"#,
    );
    // The last field of an object: serde_json already stands behind the closing brace.
    malformed("cancel", r#"{"data":{"reason":"bored"}}"#, r#"data.reason: "bored" is not one of withdrawn"#);
    malformed(
        "close",
        r#"{"actor":{"id":"a","kind":"ghost"}}"#,
        r#"actor.kind: "ghost" is not one of requester"#,
    );
    malformed("close", r#"{"channel":"fax"}"#, r#"channel: "fax" is not one of"#);
}

#[test]
fn a_wrong_type_is_named_with_its_field() {
    malformed(
        "create",
        &create(|d| d["subject"] = json!(5)),
        "data.subject: invalid type: integer `5`, expected a string",
    );
    malformed("create", &create(|d| d["tags"] = json!(["a", 5])), "data.tags[1]: invalid type: integer `5`");
    malformed(
        "create",
        &create(|d| d["requester"] = json!(["r-77", "Ada"])),
        "data.requester: invalid type: sequence, expected an object",
    );
    malformed(
        "create",
        &create(|d| d["fields"] = json!({"a": 1, "floor": [3]})),
        "data.fields.floor: must be a text, a number or a flag",
    );
    invalid(
        "escalate",
        &with_data(&json!({"to_tier": -1})),
        "data.to_tier",
        "must be a whole number from 0 to 4294967295",
    );
    malformed("assign", &with_data(&json!(["bob", "network"])), "data: must be a JSON object");
    malformed("assign", "[]", "the body must be a JSON object");
    malformed(
        "assign",
        r#"{"expected_version": "3"}"#,
        r#"expected_version: invalid type: string "3", expected a whole number"#,
    );
}

#[test]
fn unknown_and_duplicate_fields_are_named() {
    malformed(
        "assign",
        r#"{"comand_id": 5}"#,
        "comand_id: unknown field `comand_id`, expected one of `command_id`",
    );
    malformed(
        "assign",
        &with_data(&json!({"asignee": "bob"})),
        "data.asignee: unknown field `asignee`, expected one of `assignee`",
    );
    malformed(
        "create",
        &create(|d| d["requester"]["mail"] = json!("x")),
        "data.requester.mail: unknown field `mail`",
    );
    malformed("assign", r#"{"dry_run": true, "dry_run": false}"#, "dry_run: duplicate field `dry_run`");
    malformed("assign", r#"{"data": {"group": "a", "group": "a"}}"#, "data.group: duplicate field `group`");
    malformed("assign", r#"{"data": {}, "data": {"group": "a"}}"#, "data: duplicate field `data`");
    malformed("create", r#"{"data": {"fields": {"a": null, "a": 1}}}"#, "data.fields: duplicate field `a`");
    malformed(
        "close",
        r#"{"actor": {"kind": "agent", "kind": "bot", "id": "a"}}"#,
        "actor.kind: duplicate field `kind`",
    );
}

#[test]
fn times_ids_and_hashes_are_named() {
    malformed(
        "create",
        &create(|d| d["due_at"] = json!("tomorrow")),
        r#"data.due_at: "tomorrow" is not an RFC 3339 time"#,
    );
    malformed("close", r#"{"command_id": "0198"}"#, r#"command_id: "0198" is not a UUID with hyphens"#);
    malformed(
        "add_comment",
        &with_data(&json!({"attachments": ["00", "xy"]})),
        r#"data.attachments[1]: "xy" is not hex"#,
    );
    let short = with_data(&json!({"visibility": "public", "body": "b", "attachments": ["00"]}));
    invalid("add_comment", &short, "data.attachments[0]", "must be a SHA-256 of 32 bytes");
}

#[test]
fn a_fact_is_named_with_its_place() {
    let import = |fact: Value| {
        let first = json!({"type": "TicketClosed", "occurred_at": "2026-03-02T09:00:00.000Z", "data": {"reason": "resolved"}});
        with_data(&json!({"source": "s", "external_id": "e", "part": 1, "parts": 1, "events": [first, fact]}))
    };
    let fact = |data: Value| json!({"type": "TicketResolved", "occurred_at": "2026-03-02T09:00:00.000Z", "data": data});
    malformed(
        "import",
        &import(fact(json!({"code": "magic"}))),
        r#"data.events[1].data.code: "magic" is not one of"#,
    );
    malformed(
        "import",
        &import(fact(json!({"sumary": {"plain": "x"}}))),
        "data.events[1].data.sumary: unknown field `sumary`",
    );
    malformed(
        "import",
        &import(json!({"type": "TicketFlew", "occurred_at": "2026-03-02T09:00:00.000Z", "data": {}})),
        r#"data.events[1].type: "TicketFlew" is not one of TicketCreated"#,
    );
    malformed(
        "import",
        &import(json!({"type": "TicketClosed", "data": {}})),
        "data.events[1]: missing field `occurred_at`",
    );
    malformed(
        "import",
        &import(fact(json!({"summary": "plain text"}))),
        "data.events[1].data.summary: invalid type: string \"plain text\", expected an object",
    );
    let nobody = json!({"type": "TicketClosed", "occurred_at": "2026-03-02T09:00:00.000Z", "actor": {"kind": "agent"}, "data": {"reason": "resolved"}});
    invalid("import", &import(nobody), "data.events[1].actor.id", "must not be empty");
    let timeless = json!({"type": "TicketClosed", "occurred_at": null, "data": {"reason": "resolved"}});
    invalid("import", &import(timeless), "data.events[1].occurred_at", "is required");
}

#[test]
fn what_is_missing_is_named() {
    invalid(
        "assign",
        r#"{"actor": {"kind": "agent", "id": "a"}, "data": {"group": "g"}}"#,
        "command_id",
        "is required",
    );
    invalid(
        "assign",
        &json!({"command_id": samples::uuid(3).to_string(), "data": {"group": "g"}}).to_string(),
        "actor",
        "is required",
    );
    invalid("create", &create(|d| d["requester"] = Value::Null), "data.requester", "is required");
    invalid("create", &create(|d| d["channel"] = Value::Null), "data.channel", "is required");
    invalid("assign", &with_data(&json!({})), "data.assignee", "or group is required");
    invalid("deescalate", &with_data(&json!({"reason": "known error"})), "data.to_tier", "is required");
    invalid("set_status", &with_data(&json!({"to": "hold"})), "data.hold_reason", "is required for hold");
    invalid(
        "change_tags",
        &with_data(&json!({"add": ["a"], "remove": ["b", "a"]})),
        "data.add[0]",
        "must not stand in remove too",
    );
}

#[test]
fn broken_json_is_named_with_its_place() {
    malformed("assign", "", "EOF while parsing a value at line 1 column 0");
    let broken = refused("assign", "{\n \"actor\": {\"kind\": nope}}").to_string();
    assert!(broken.contains("actor.kind") && broken.ends_with("at line 2 column 21"), "{broken}");
}

#[test]
fn a_message_does_not_send_back_all_that_came() {
    let long = "x".repeat(100_000);
    for body in [
        create(|d| d["channel"] = json!(long)),
        create(|d| d[&long] = json!(1)),
        json!({&long: 1}).to_string(),
    ] {
        assert!(refused("create", &body).to_string().chars().count() < 1_100);
    }
}

#[test]
fn the_fields_of_a_query_are_named_too() {
    let refused =
        |name: &str, body: &str| codec::decode_query(name, Encoding::Json, body.as_bytes()).unwrap_err();
    let malformed = |name: &str, body: &str, message: &str| {
        let rejection = refused(name, body);
        assert_eq!(rejection.code(), "malformed");
        assert!(rejection.to_string().starts_with(message), "{rejection}");
    };
    malformed(
        "tickets",
        r#"{"group": "g", "status": "flying"}"#,
        r#"status: "flying" is not one of new, open"#,
    );
    malformed(
        "tickets",
        r#"{"limit": "10"}"#,
        r#"limit: invalid type: string "10", expected a whole number"#,
    );
    malformed("events", r#"{"ticket": "T-1"}"#, "ticket: unknown field `ticket`");
    malformed("ticket", r#"{"number": "T-1", "number": "T-1"}"#, "duplicate field `number`");
    malformed("ticket", "[]", "the body must be a JSON object");
}
