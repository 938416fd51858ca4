//! The limits paragraph of the contract: each at the limit, and one over.

use guichet_schemas::codec::{self, Encoding, RequestKey};
use guichet_schemas::rejection::Rejection;
use serde_json::{Map, Value, json};

use crate::samples;

fn decode(verb: &str, body: &[u8]) -> Result<(), Rejection> {
    codec::decode_command(samples::subject(verb), Encoding::Json, body, None, &RequestKey([0; 32]))
        .map(|_| ())
}

fn send(verb: &str, change: &Value) -> Result<(), Rejection> {
    let mut data = match verb {
        "create" => json!({"subject": "s", "description": "d", "channel": "email", "requester": {"id": "r"}}),
        "add_comment" => json!({"visibility": "internal", "body": "b"}),
        "escalate" => json!({"kind": "functional", "to_tier": 2, "reason": "scope", "tags": ["t"]}),
        "resolve" => json!({"code": "other", "summary": "s"}),
        "deescalate" => json!({"to_tier": 1, "reason": "r"}),
        "set_status" => json!({"to": "open"}),
        "set_priority" => json!({"priority": "low"}),
        _ => json!({}),
    };
    crate::schema::merge(&mut data, change.clone());
    let body = json!({"command_id": samples::uuid(3).to_string(), "actor": {"kind": "agent", "id": "a"}, "data": data});
    decode(verb, body.to_string().as_bytes())
}

/// The first is taken, the second refused with the field.
fn limit(verb: &str, field: &str, at: &Value, over: &Value) {
    send(verb, at).unwrap_or_else(|e| panic!("{verb} at the limit of {field}: {e}"));
    let error =
        codec::error_to_wire(&send(verb, over).expect_err(&format!("{verb} over the limit of {field}")));
    assert_eq!(
        (error.code.as_str(), error.field.as_deref()),
        ("validation_failed", Some(field)),
        "{}",
        error.message
    );
}

fn text_limit(verb: &str, field: &str, letter: &str, max: usize) {
    let of = |count: usize| json!({field: letter.repeat(count)});
    limit(verb, &format!("data.{field}"), &of(max), &of(max + 1));
}

fn tags(count: usize) -> Value {
    (0..count).map(|i| Value::from(format!("tag-{i}"))).collect()
}

#[test]
fn a_subject_has_at_most_300_characters_whatever_their_bytes() {
    text_limit("create", "subject", "s", 300);
    text_limit("create", "subject", "🖨", 300);
}

#[test]
fn a_description_and_a_comment_have_at_most_48_kib() {
    text_limit("create", "description", "d", 48 * 1024);
    text_limit("create", "description", "🖨", 12 * 1024);
    text_limit("add_comment", "body", "b", 48 * 1024);
    text_limit("set_status", "comment", "c", 48 * 1024);
}

#[test]
fn a_note_a_summary_and_a_reason_have_at_most_4_kib() {
    for (verb, field) in [
        ("assign", "reason"),
        ("assign", "handover_note"),
        ("unassign", "reason"),
        ("escalate", "note"),
        ("deescalate", "reason"),
        ("resolve", "summary"),
        ("resolve", "root_cause"),
        ("resolve", "override_reason"),
        ("reopen", "reason"),
        ("set_priority", "reason"),
    ] {
        let of = |count: usize| {
            let mut data = json!({field: "n".repeat(count)});
            if verb == "assign" {
                data["group"] = "g".into();
            }
            data
        };
        limit(verb, &format!("data.{field}"), &of(4096), &of(4097));
    }
    limit(
        "resolve",
        "data.steps[0]",
        &json!({"steps": ["s".repeat(4096)]}),
        &json!({"steps": ["s".repeat(4097)]}),
    );
}

#[test]
fn a_ticket_has_at_most_64_tags_of_64_characters() {
    limit("create", "data.tags", &json!({"tags": tags(64)}), &json!({"tags": tags(65)}));
    limit("escalate", "data.tags", &json!({"tags": tags(64)}), &json!({"tags": tags(65)}));
    limit("change_tags", "data.add", &json!({"add": tags(64)}), &json!({"add": tags(65)}));
    limit("change_tags", "data.remove", &json!({"remove": tags(64)}), &json!({"remove": tags(65)}));
    limit("create", "data.tags[0]", &json!({"tags": ["é".repeat(64)]}), &json!({"tags": ["é".repeat(65)]}));
}

#[test]
fn custom_fields_have_at_most_100_names_of_64_bytes_and_8_kib_together() {
    let many = |count: usize| json!({"fields": (0..count).map(|i| (format!("f{i}"), json!(true))).collect::<Map<_, _>>()});
    limit("create", "data.fields", &many(100), &many(101));
    let long = |bytes: usize| json!({"fields": {"name": "v".repeat(bytes)}});
    limit("create", "data.fields", &long(8192 - 4), &long(8192 - 3));
    let name = |bytes: usize| json!({"fields": {"n".repeat(bytes): 1}});
    limit("create", "data.fields", &name(64), &name(65));
}

#[test]
fn a_comment_has_at_most_50_attachments_of_32_bytes() {
    let many = |count: usize| json!({"attachments": vec![samples::hash(1).to_string(); count]});
    limit("add_comment", "data.attachments", &many(50), &many(51));
    limit(
        "add_comment",
        "data.attachments[0]",
        &json!({"attachments": ["00".repeat(32)]}),
        &json!({"attachments": ["00".repeat(33)]}),
    );
}

#[test]
fn an_external_reference_has_two_labels() {
    let with = |source: usize, id: usize| json!({"external_ref": {"source": "s".repeat(source), "id": "i".repeat(id)}});
    limit("create", "data.external_ref.source", &with(128, 128), &with(129, 1));
    limit("create", "data.external_ref.id", &with(1, 1), &with(1, 129));
    limit("create", "data.external_ref.source", &with(1, 1), &with(0, 1));
}

#[test]
fn names_have_at_most_128_characters() {
    for field in ["group", "assignee", "product", "brand", "language", "organisation"] {
        text_limit("create", field, "é", 128);
    }
    text_limit("create", "category", "c", 200);
    limit(
        "create",
        "data.requester.id",
        &json!({"requester": {"id": "r".repeat(128)}}),
        &json!({"requester": {"id": "r".repeat(129)}}),
    );
    limit("escalate", "data.to_tier", &json!({"to_tier": 4}), &json!({"to_tier": 5}));
    limit("deescalate", "data.to_tier", &json!({"to_tier": 0}), &json!({"to_tier": 5}));
    limit("resolve", "data.steps", &json!({"steps": vec!["s"; 100]}), &json!({"steps": vec!["s"; 101]}));
}

#[test]
fn a_body_has_at_most_256_kib() {
    let body = json!({"command_id": samples::uuid(3).to_string(), "actor": {"kind": "agent", "id": "a"}})
        .to_string();
    let padded = |bytes: usize| format!("{body}{}", " ".repeat(bytes - body.len()));
    decode("close", padded(256 * 1024).as_bytes()).unwrap();
    let error = codec::error_to_wire(&decode("close", padded(256 * 1024 + 1).as_bytes()).unwrap_err());
    assert_eq!((error.code.as_str(), error.details.unwrap().max), ("payload_too_large", Some(262_144)));
}
