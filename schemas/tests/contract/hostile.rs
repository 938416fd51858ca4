//! Input meant to hurt: deep, huge, doubled, or no Unicode. It is refused with the field, never with a panic.

use guichet_schemas::codec::{self, Encoding, RequestKey};
use guichet_schemas::command::{Command, Order};
use guichet_schemas::event::{EpochStarted, Event, LogEvent};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire;
use prost::Message as _;

use crate::samples;

fn json(verb: &str, body: &str) -> Result<Command, Rejection> {
    let decoded = codec::decode_command(
        samples::subject(verb),
        Encoding::Json,
        body.as_bytes(),
        None,
        &RequestKey([0; 32]),
    );
    decoded.map(|r| r.command)
}

fn create(change: &str) -> String {
    let id = samples::uuid(3);
    format!(
        r#"{{"command_id": "{id}", "actor": {{"kind": "agent", "id": "a"}}, "data": {{"subject": "s", "description": "d", "channel": "email", "requester": {{"id": "r"}}, {change}}}}}"#
    )
}

fn refused_as(code: &str, names: &str, body: &str) {
    let rejection = json("create", body).unwrap_err();
    assert_eq!(rejection.code(), code, "{rejection}");
    assert!(rejection.to_string().contains(names), "{rejection} must name {names}");
}

#[test]
fn ten_thousand_levels_are_refused_wherever_they_stand() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    for value in [deep("[", "]"), deep(r#"{"a":"#, "}").replace(":}", ":1}"), "[".repeat(10_000)] {
        assert!(matches!(json("create", &value), Err(Rejection::Malformed(_))));
        refused_as("malformed", "", &format!(r#"{{"actor": {value}}}"#));
        for field in ["subject", "tags", "requester", "fields", "due_at", "unknown"] {
            refused_as("malformed", "", &create(&format!(r#""{field}": {value}"#)));
        }
        refused_as("malformed", "", &create(&format!(r#""fields": {{"a": {value}}}"#)));
        assert!(
            codec::decode_query("tickets", Encoding::Json, format!(r#"{{"text": {value}}}"#).as_bytes())
                .is_err()
        );
    }
    let complete = deep("[", "]");
    refused_as(
        "malformed",
        "the body is nested deeper than 16",
        &create(&format!(r#""fields": {{"a": {complete}}}"#)),
    );
}

#[test]
fn twenty_levels_are_refused_too() {
    refused_as(
        "malformed",
        "the body is nested deeper than 16",
        &create(&format!(r#""fields": {{"a": {}1{}}}"#, "[".repeat(17), "]".repeat(17))),
    );
}

#[test]
fn huge_numbers_are_refused_and_never_rounded() {
    refused_as("malformed", "data.fields.a", &create(r#""fields": {"a": 1e400}"#));
    refused_as("malformed", "data.fields.a", &create(r#""fields": {"a": -1e400}"#));
    refused_as("malformed", "send it as a text", &create(r#""fields": {"a": 9007199254740993}"#));
    refused_as(
        "malformed",
        "data.fields.a",
        &create(&format!(r#""fields": {{"a": {}}}"#, "9".repeat(5_000))),
    );
    let escalate = r#"{"data": {"to_tier": 4294967296}}"#;
    assert!(json("escalate", escalate).unwrap_err().to_string().starts_with("data.to_tier"));
    let version = r#"{"expected_version": 18446744073709551616}"#;
    assert!(json("close", version).unwrap_err().to_string().starts_with("expected_version"));
}

#[test]
fn a_number_is_the_nearest_double_to_what_was_written() {
    for text in [
        "9007199254740991",
        "0.1",
        "1.7976931348623157e308",
        "5e-324",
        "-0.0",
        "123456789.12345679",
        "2.2250738585072011e-308",
    ] {
        let Order::Create(c) =
            json("create", &create(&format!(r#""fields": {{"a": {text}}}"#))).unwrap().order
        else {
            panic!("a create")
        };
        let guichet_schemas::event::FieldValue::Number(found) = &c.fields["a"] else { panic!("a number") };
        assert_eq!(found.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
    }
}

#[test]
fn numbers_that_json_cannot_write_are_refused_in_protobuf_too() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut wire = codec::command_to_wire(samples::commands::all().remove(0));
        let Some(wire::command::Data::Create(c)) = &mut wire.data else { panic!("a create") };
        c.fields.insert(
            "a".to_owned(),
            wire::FieldValue { value: Some(wire::field_value::Value::Number(number)) },
        );
        refused_protobuf(&wire, "data.fields.a", "must be a finite number");
    }
    for time in [i64::MIN, i64::MAX, 253_402_300_800_000, -62_167_219_200_001] {
        let mut wire = codec::command_to_wire(samples::commands::all().remove(0));
        let Some(wire::command::Data::Create(c)) = &mut wire.data else { panic!("a create") };
        c.due_at = Some(time);
        refused_protobuf(&wire, "data.due_at", "must be a time from 1970-01-01 to 2200-01-01");
    }
}

fn refused_protobuf(wire: &wire::Command, field: &str, rule: &str) {
    let decoded = codec::decode_command(
        samples::subject("create"),
        Encoding::Protobuf,
        &wire.encode_to_vec(),
        None,
        &RequestKey([0; 32]),
    );
    let error = codec::error_to_wire(&decoded.unwrap_err());
    assert_eq!((error.code.as_str(), error.field.as_deref()), ("validation_failed", Some(field)));
    assert_eq!(error.message, format!("{field} {rule}"));
}

#[test]
fn lone_surrogates_are_refused_by_field() {
    refused_as("malformed", "data.group", &create(r#""group": "\ud83d""#));
    refused_as("malformed", "data.group", &create(r#""group": "\udda8\ud83d""#));
    refused_as("malformed", "data.fields.a", &create(r#""fields": {"a": "\ud83d"}"#));
    refused_as("malformed", "data", &create(r#""fields": {"\ud83d": 1}"#));
    refused_as("malformed", "actor.id", r#"{"actor": {"kind": "agent", "id": "\ud83d"}}"#);
}

#[test]
fn a_pair_of_surrogates_and_four_byte_letters_are_welcome() {
    let escaped = json("create", &create(r#""group": "\ud83d\udda8""#)).unwrap();
    assert_eq!(escaped, json("create", &create(r#""group": "🖨""#)).unwrap());
}

#[test]
fn nul_is_refused_by_field() {
    let invalid = |field: &str, change: &str| {
        let error = codec::error_to_wire(&json("create", &create(change)).unwrap_err());
        assert_eq!(
            (error.code.as_str(), error.field.as_deref()),
            ("validation_failed", Some(field)),
            "{}",
            error.message
        );
    };
    invalid("data.group", r#""group": "a\u0000b""#);
    invalid("data.tags[1]", r#""tags": ["a", "\u0000"]"#);
    invalid("data.fields.a", r#""fields": {"a": "\u0000"}"#);
    invalid("data.fields", r#""fields": {"\u0000": "a"}"#);
    invalid("data.external_ref.id", r#""external_ref": {"source": "s", "id": "a\u0000"}"#);
    refused_as("malformed", "control character", &create("\"group\": \"\0\""));
    let comment = format!(
        r#"{{"command_id": "{}", "actor": {{"kind": "agent", "id": "a"}}, "data": {{"visibility": "public", "body": "a\u0000"}}}}"#,
        samples::uuid(3)
    );
    assert_eq!(
        json("add_comment", &comment).unwrap_err().to_string(),
        "data.body must not hold a NUL character"
    );
}

#[test]
fn bytes_that_are_no_utf8_are_refused() {
    for body in [
        &b"\xff\xfe{\x00}"[..],
        b"{\"actor\": \"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"{} trailing",
        b"{\"data\": {\"subject\": \"\xc3\x28\"}}",
    ] {
        let decoded = codec::decode_command(
            samples::subject("create"),
            Encoding::Json,
            body,
            None,
            &RequestKey([0; 32]),
        );
        assert_eq!(decoded.unwrap_err().code(), "malformed");
    }
}

#[test]
fn body_and_subject_must_agree() {
    let wire = codec::command_to_wire(samples::commands::all().remove(0));
    let decoded = codec::decode_command(
        samples::subject("assign"),
        Encoding::Protobuf,
        &wire.encode_to_vec(),
        None,
        &RequestKey([0; 32]),
    );
    assert_eq!(
        decoded.unwrap_err(),
        Rejection::Malformed("the subject says assign, the body says create".to_owned())
    );
    let query = wire::Query {
        data: Some(wire::query::Data::Projections(wire::ProjectionsQuery {})),
        ..Default::default()
    };
    assert_eq!(
        codec::decode_query("tickets", Encoding::Protobuf, &query.encode_to_vec()).unwrap_err().code(),
        "malformed"
    );
}

#[test]
fn an_event_of_a_newer_program_is_told_from_damage() {
    let event = Event::Log(LogEvent::EpochStarted(EpochStarted::uneventful(1, 1, "0.1.0")));
    let good = samples::record(event).into_wire();
    let unknown = |change: fn(&mut wire::Record)| {
        let mut wire = good.clone();
        change(&mut wire);
        codec::decode_record(&wire.encode_to_vec()).unwrap_err()
    };
    assert!(matches!(unknown(|w| w.data = None), codec::DecodeError::UnknownEvent { .. }));
    assert!(matches!(unknown(|w| w.schema_version = 2), codec::DecodeError::UnknownEvent { .. }));
    assert!(matches!(unknown(|w| w.position = 0), codec::DecodeError::Field(_)));
    assert!(matches!(unknown(|w| w.recorded_at = i64::MAX), codec::DecodeError::Field(_)));
    let last =
        codec::decode_record(&wire::Record { command_index: u32::MAX, ..good }.encode_to_vec()).unwrap();
    assert!(!last.ends_command());
}

#[test]
fn the_answers_of_a_newer_program_are_read() {
    let newer = r#"{"ok": true, "ticket_id": "01980000-0000-7000-8000-000000000001", "number": "T-1", "version": 1, "partition": 0, "position": 1,
        "events": [{"event_id": "01980000-0000-7000-8000-000000000001", "type": "TicketFlew", "version": 1, "position": 1, "more": 1}], "warnings": [], "replayed": false, "more": {}}"#;
    let reply: wire::CommandReply = serde_json::from_str(newer).unwrap();
    let Some(wire::command_reply::Outcome::Accepted(accepted)) = reply.outcome else { panic!("accepted") };
    assert_eq!(accepted.events[0].r#type, "TicketFlew");
    let refused = r#"{"ok": false, "error": {"code": "new_code", "message": "m", "field": null, "details": {"more": 1}, "retry_after_ms": null, "more": 1}}"#;
    assert!(serde_json::from_str::<wire::CommandReply>(refused).is_ok());
    let view = serde_json::json!({"number": "T-1", "more": 1});
    assert_eq!(serde_json::from_value::<wire::TicketView>(view).unwrap().number, "T-1");
}
