//! The ranges of numbers and instants: every field of every command and query, in protobuf and in JSON, those to come
//! included.

use guichet_schemas::codec::{self, Encoding, RequestKey};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::time::Timestamp;
use guichet_schemas::verb::{QUERIES, VERBS};
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value};
use serde_json::json;

use crate::descriptors::{self, Format};
use crate::samples;

const WHOLE_MAX: u64 = (1 << 53) - 1;

fn decode(subject: CommandSubject, encoding: Encoding, body: &[u8]) -> Result<(), Rejection> {
    codec::decode_command(subject, encoding, body, None, &RequestKey([0; 32])).map(|_| ())
}

/// Values that no field of this kind takes.
fn outside(field: &FieldDescriptor) -> Vec<Value> {
    match (descriptors::format(field), field.kind()) {
        (Format::Time, _) => {
            [-1, i64::MIN, i64::MAX, Timestamp::GIVEN_LAST.0 + 1].into_iter().map(Value::I64).collect()
        }
        (_, Kind::Uint64) => [WHOLE_MAX + 1, u64::MAX].into_iter().map(Value::U64).collect(),
        _ => Vec::new(),
    }
}

/// The ways from a message to each field that has a range.
fn ways(message: &MessageDescriptor) -> Vec<Vec<FieldDescriptor>> {
    let mut found = Vec::new();
    for field in message.fields().filter(|field| !field.is_map()) {
        if !outside(&field).is_empty() {
            found.push(vec![field.clone()]);
        }
        if let Kind::Message(inner) = field.kind() {
            found.extend(ways(&inner).into_iter().map(|way| [vec![field.clone()], way].concat()));
        }
    }
    found
}

/// A message that holds nothing but a value at the end of a way.
fn at_the_end(way: &[FieldDescriptor], value: &Value) -> DynamicMessage {
    let (first, rest) = way.split_first().unwrap();
    let mut message = DynamicMessage::new(first.parent_message().clone());
    let one = if rest.is_empty() { value.clone() } else { Value::Message(at_the_end(rest, value)) };
    message.set_field(first, if first.is_list() { Value::List(vec![one]) } else { one });
    message
}

/// The place as an answer names it.
fn named(way: &[FieldDescriptor]) -> String {
    let shown = |field: &FieldDescriptor| {
        let choice = field.containing_oneof().filter(|oneof| oneof.name() == "data");
        let name = match choice {
            Some(oneof) if oneof.parent_message().name() == "Query" => return String::new(),
            Some(_) => "data",
            None => field.name(),
        };
        format!("{name}{}", if field.is_list() { "[0]" } else { "" })
    };
    let parts: Vec<_> = way.iter().map(shown).filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

fn field_of(refused: Result<(), Rejection>, what: &str) -> String {
    let refused = refused.expect_err(what);
    let Rejection::ValidationFailed(error) = refused else { panic!("{what}: {refused:?}") };
    error.field
}

#[test]
fn no_number_of_a_command_lies_outside_its_range() {
    let envelope = descriptors::message("Command");
    let mut count = 0;
    for way in ways(&envelope) {
        let verb = VERBS.iter().find(|verb| **verb == way[0].name()).copied().unwrap_or("close");
        for value in outside(way.last().unwrap()) {
            let body = at_the_end(&way, &value).encode_to_vec();
            let refused = decode(samples::subject(verb), Encoding::Protobuf, &body);
            assert_eq!(field_of(refused, &format!("{} of {value:?}", named(&way))), named(&way));
            count += 1;
        }
    }
    assert!(count > 40, "only {count}");
}

#[test]
fn no_number_of_a_query_lies_outside_its_range() {
    let envelope = descriptors::message("Query");
    let mut count = 0;
    for way in ways(&envelope) {
        let name = QUERIES.iter().find(|name| **name == way[0].name()).copied().unwrap_or("tickets");
        for value in outside(way.last().unwrap()) {
            let mut query = at_the_end(&way, &value);
            let data = query.descriptor().get_field_by_name(name).unwrap();
            if !query.has_field(&data) {
                let Kind::Message(filters) = data.kind() else { panic!("{name}") };
                query.set_field(&data, Value::Message(DynamicMessage::new(filters)));
            }
            let refused = codec::decode_query(name, Encoding::Protobuf, &query.encode_to_vec());
            assert_eq!(field_of(refused.map(|_| ()), &named(&way)), named(&way));
            count += 1;
        }
    }
    assert!(count > 45, "only {count}");
}

#[test]
fn json_knows_the_same_ranges() {
    let of = |change: serde_json::Value| {
        let mut body =
            json!({"command_id": samples::uuid(3).to_string(), "actor": {"kind": "agent", "id": "a"}});
        crate::schema::merge(&mut body, change);
        body.to_string()
    };
    for number in
        ["-1", "9007199254740992", "18446744073709551615", "18446744073709551616", "1e300", "-1e300"]
    {
        let body = of(json!({"data": {"reason": "r"}}));
        let body = body.replacen('{', &format!("{{\"expected_version\": {number}, "), 1);
        let refused = decode(samples::subject("reopen"), Encoding::Json, body.as_bytes());
        assert_eq!(field_of(refused, number), "expected_version");
        let tier = format!("{{\"to_tier\": {number}, \"reason\": \"r\"}}");
        let body = of(json!({"data": 0})).replace("\"data\":0", &format!("\"data\":{tier}"));
        let refused = decode(samples::subject("deescalate"), Encoding::Json, body.as_bytes());
        assert_eq!(field_of(refused, number), "data.to_tier");
        for field in ["limit", "wait_ms", "as_of_position", "min_position"] {
            let query = format!("{{\"{field}\": {number}}}");
            let refused = codec::decode_query("tickets", Encoding::Json, query.as_bytes()).map(|_| ());
            assert_eq!(field_of(refused, &query), field);
        }
    }
    for time in [
        "1969-12-31T23:59:59.999Z",
        "2200-01-01T00:00:00.001Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ] {
        let query = format!("{{\"as_of\": \"{time}\"}}");
        let refused = codec::decode_query("tickets", Encoding::Json, query.as_bytes()).map(|_| ());
        assert_eq!(field_of(refused, time), "as_of");
        let body = of(json!({"data": {"to": "pending", "expected_until": time}}));
        let refused = decode(samples::subject("set_status"), Encoding::Json, body.as_bytes());
        assert_eq!(field_of(refused, time), "data.expected_until");
    }
    for (number, code) in [("1.5", "malformed"), ("\"1\"", "malformed"), ("true", "malformed")] {
        let query = format!("{{\"wait_ms\": {number}}}");
        let refused = codec::decode_query("tickets", Encoding::Json, query.as_bytes()).unwrap_err();
        assert_eq!(refused.code(), code, "{number} is no whole number");
    }
}

#[test]
fn the_ends_of_the_ranges_are_inside() {
    let query = json!({"as_of_position": WHOLE_MAX, "wait_ms": 0, "as_of": "2200-01-01T00:00:00.000Z"});
    codec::decode_query("tickets", Encoding::Json, query.to_string().as_bytes()).unwrap();
    let query = json!({"as_of": "1970-01-01T00:00:00.000Z"});
    codec::decode_query("tickets", Encoding::Json, query.to_string().as_bytes()).unwrap();
}

#[test]
fn protobuf_keeps_no_lower_half_of_a_number_that_is_too_large() {
    // `limit`, field 5, as a varint of 33 bits: a reader of 32 bits alone would see 7.
    let mut query = vec![5 << 3];
    query.extend([0x87, 0x80, 0x80, 0x80, 0x10]);
    // `tickets`, empty.
    query.extend([0xb2, 0x06, 0]);
    let refused = codec::decode_query("tickets", Encoding::Protobuf, &query).map(|_| ());
    assert_eq!(field_of(refused, "limit"), "limit");
}

#[test]
fn nested_brackets_are_refused_before_anything_is_made_of_them() {
    for open in ["[", "{\"a\":", "{\"data\":[", "[[{\"b\":"] {
        let body = open.repeat(200_000 / open.len());
        for refused in [
            decode(samples::subject("create"), Encoding::Json, body.as_bytes()),
            codec::decode_query("tickets", Encoding::Json, body.as_bytes()).map(|_| ()),
        ] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.code(), "malformed");
            assert!(refused.to_string().len() < 200, "an answer as long as the question");
        }
    }
}
