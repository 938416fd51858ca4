//! Whatever is said, both encodings say the same, nothing is lost, and no bytes make us panic.

use guichet_schemas::codec::{self, Encoding, Request, RequestKey};
use guichet_schemas::command::Entity;
use guichet_schemas::ids::{CallerId, TenantId, TicketId};
use guichet_schemas::record::Record;
use guichet_schemas::{json, verb, wire};
use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{DynamicMessage, Value};
use serde_json::Value as Json;

use crate::dice::Dice;
use crate::schema::Side;
use crate::{conformance, descriptors, samples};

const KEY: RequestKey = RequestKey([7; 32]);

fn decode(
    verb: &str,
    encoding: Encoding,
    body: &[u8],
) -> Result<Request, guichet_schemas::rejection::Rejection> {
    codec::decode_command(samples::subject(verb), encoding, body, None, &KEY)
}

/// A random record of each type, as an outside encoder writes it.
pub(crate) fn records(seed: u64) -> Vec<Vec<u8>> {
    let mut dice = Dice(seed);
    let message = descriptors::message("Record");
    let cases: Vec<_> = message.oneofs().find(|o| o.name() == "data").unwrap().fields().collect();
    let mut out = Vec::new();
    for case in cases {
        let mut record = dice.message(&message, Side::Engine);
        dice.set_data(&mut record, &case, Side::Engine);
        record.set_field_by_name("type", Value::String(case.kind().as_message().unwrap().name().to_owned()));
        record.set_field_by_name("schema_version", Value::U32(1));
        out.push(record.encode_to_vec());
    }
    out
}

/// A random legal command of a verb, as an outside encoder writes it.
pub(crate) fn command(verb: &str, dice: &mut Dice) -> Vec<u8> {
    let message = descriptors::message("Command");
    let mut command = dice.message(&message, Side::Caller);
    let case = message.get_field_by_name(verb).unwrap();
    dice.set_data(&mut command, &case, Side::Caller);
    let Value::Message(data) = command.get_field_mut(&case) else { panic!("data is a message") };
    keep_the_rules(verb, data, dice);
    command.encode_to_vec()
}

/// Rules between fields, which dice do not know.
fn keep_the_rules(verb: &str, data: &mut DynamicMessage, dice: &mut Dice) {
    let mut set = |name: &str, value: Value| data.set_field_by_name(name, value);
    match verb {
        "assign" => set("group", Value::String("network".to_owned())),
        "escalate" => {
            set("to_tier", Value::U32(2));
            set("to_manager", Value::String("grace".to_owned()));
        }
        "deescalate" => set("to_tier", Value::U32(0)),
        "set_status" => {
            let to =
                [wire::TicketState::Open, wire::TicketState::Pending, wire::TicketState::Hold][dice.below(3)];
            set("to", Value::EnumNumber(to as i32));
            if to == wire::TicketState::Hold {
                set("hold_reason", Value::EnumNumber(1));
            } else {
                data.clear_field_by_name("hold_reason");
            }
        }
        "set_priority" => set("priority", Value::EnumNumber(2)),
        "link" | "unlink" => set("kind", Value::EnumNumber(wire::LinkKind::Blocks as i32)),
        "change_tags" => {
            set("add", Value::List(vec![Value::String("one".to_owned())]));
            set("remove", Value::List(vec![Value::String("two".to_owned())]));
        }
        "claim" => set("ttl_s", Value::U32(3_600)),
        "set_participants" => {
            set("add", Value::List(vec![Value::String("one".to_owned())]));
            set("remove", Value::List(vec![Value::String("two".to_owned())]));
        }
        "use_article" => set("version", Value::U32(1)),
        "add_attachment" => {
            set("size", Value::U64(1));
            set("media_type", Value::String("image/png".to_owned()));
            set("name", Value::String("one.png".to_owned()));
        }
        "request_approval" => {
            set(
                "approvers",
                Value::List(vec![Value::String("one".to_owned()), Value::String("two".to_owned())]),
            );
            set("quorum", Value::U32(2));
        }
        "merge" => set("sources", Value::List(vec![Value::Bytes(vec![7; 16].into())])),
        "declare_problem" => set("tickets", Value::List(vec![Value::Bytes(vec![7; 16].into())])),
        "link_external" => set("url", Value::String("https://example.org/1".to_owned())),
        "rate" => set("score", Value::U32(1)),
        "suggest" => {
            set("kind", Value::EnumNumber(wire::SuggestionKind::Category as i32));
            set("score", Value::U32(87));
        }
        "record_nps" => set("score", Value::U32(10)),
        "import" => {
            set("part", Value::U32(1));
            set("parts", Value::U32(1));
        }
        _ => {}
    }
}

/// The same JSON with the fields of every object in the opposite order.
fn backwards(value: &Json) -> String {
    match value {
        Json::Object(map) => {
            let fields: Vec<_> = map
                .iter()
                .rev()
                .map(|(k, v)| format!("{}: {}", Json::from(k.as_str()), backwards(v)))
                .collect();
            format!("{{\n{}}}", fields.join(",\t"))
        }
        Json::Array(list) => {
            format!("[{}]", list.iter().map(backwards).collect::<Vec<_>>().join(" , "))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => value.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn a_record_survives_bytes_and_types_and_its_json_keeps_the_schema(seed: u64) {
        for outside in records(seed) {
            let wire = wire::Record::decode(outside.as_slice()).unwrap();
            let record = codec::decode_record(&outside).unwrap();
            // Nothing that was on the wire is lost in the types.
            prop_assert_eq!(&record.clone().into_wire(), &wire);
            let bytes = codec::encode_record(record.clone());
            prop_assert!(codec::Head::read(&bytes).is_some(), "what we write is read in place");
            prop_assert_eq!(codec::decode_record(&bytes).unwrap(), record);
            conformance::conforms(&format!("events/{}.json", wire.r#type), &json::to_vec(&wire)).unwrap();
        }
    }

    #[test]
    fn damage_to_a_record_is_seen_alike_by_both_readers(seed: u64, cuts in 1usize..4) {
        let mut dice = Dice(seed);
        for mut bytes in records(seed) {
            both_readers_agree(&bytes);
            for _ in 0..cuts {
                let (at, other) = (dice.below(bytes.len()), dice.below(bytes.len()));
                match dice.below(4) {
                    0 => bytes[at] ^= 1 << dice.below(8),
                    1 => bytes.swap(at, other),
                    2 => bytes.truncate(at.max(1)),
                    // A field said twice, or out of order.
                    _ => bytes.extend_from_within(at.min(other)..at.max(other)),
                }
                both_readers_agree(&bytes);
            }
        }
    }

    #[test]
    fn a_command_is_the_same_in_both_encodings_and_so_is_its_hash(seed: u64) {
        let mut dice = Dice(seed);
        for verb in verb::VERBS {
            let outside = command(verb, &mut dice);
            let wire = wire::Command::decode(outside.as_slice()).unwrap();
            let first = decode(verb, Encoding::Protobuf, &outside).unwrap();
            prop_assert_eq!(&codec::command_to_wire(first.command.clone()), &wire);

            let body = json::to_vec(&wire);
            conformance::conforms(&format!("commands/{verb}.json"), &body).unwrap();
            let second = decode(verb, Encoding::Json, &body).unwrap();
            prop_assert_eq!(&second.command, &first.command);
            prop_assert_eq!(second.request_hash, first.request_hash);

            let reordered = backwards(&serde_json::from_slice(&body).unwrap());
            let third = decode(verb, Encoding::Json, reordered.as_bytes()).unwrap();
            prop_assert_eq!(&third.command, &first.command);
            prop_assert_eq!(third.request_hash, first.request_hash);

            // Asked and done have one hash, so that a dry run foretells the real one.
            let toggled = wire::Command { dry_run: !wire.dry_run, ..wire.clone() };
            let fourth = decode(verb, Encoding::Protobuf, &toggled.encode_to_vec()).unwrap();
            prop_assert_eq!(fourth.request_hash, first.request_hash);
            prop_assert_ne!(fourth.command.dry_run, first.command.dry_run);

            let other = command(verb, &mut dice);
            let differs = wire::Command { dry_run: wire.dry_run, ..wire::Command::decode(other.as_slice()).unwrap() } != wire;
            let fifth = decode(verb, Encoding::Protobuf, &other).unwrap();
            prop_assert_eq!(fifth.request_hash != first.request_hash, differs);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        for body in [bytes.as_slice(), text.as_bytes()] {
            never_panics(body);
        }
    }

    #[test]
    fn no_damage_to_good_bytes_makes_a_decoder_panic(seed: u64) {
        let mut dice = Dice(seed);
        let commands = samples::commands::all().into_iter().map(codec::command_to_wire);
        let mut bodies: Vec<Vec<u8>> = commands.flat_map(|c| [json::to_vec(&c), c.encode_to_vec()]).collect();
        bodies.extend(samples::events::all().into_iter().map(|e| codec::encode_record(samples::record(e))));
        let body = &mut bodies.swap_remove(dice.below(bodies.len()));
        for _ in 0..=dice.below(3) {
            let at = dice.below(body.len());
            match dice.below(3) {
                0 => body[at] = dice.roll().to_be_bytes()[0],
                1 if body.len() > 1 => _ = body.remove(at),
                _ => body.truncate(at.max(1)),
            }
        }
        never_panics(body);
    }
}

/// What is read in place is what the general reader reads, also where both refuse.
fn both_readers_agree(body: &[u8]) {
    let general = codec::decode_record_wire(body).and_then(Record::from_wire);
    assert_eq!(codec::decode_record(body), general);
    if let (Some(head), Ok(wire)) = (codec::Head::read(body), codec::decode_record_wire(body)) {
        let ours = (head.position, head.tenant, head.stream_id, head.event_id, head.recorded_at, head.epoch);
        let event_id = wire.event_id.as_slice();
        let theirs = (wire.position, &*wire.tenant, &*wire.stream_id, event_id, wire.recorded_at, wire.epoch);
        assert_eq!(ours, theirs);
        assert_eq!((head.caller, head.r#type, head.version), (&*wire.caller, &*wire.r#type, wire.version));
    }
}

fn never_panics(body: &[u8]) {
    both_readers_agree(body);
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        for verb in verb::VERBS {
            check_refusal(decode(verb, encoding, body).err());
        }
        for query in verb::QUERIES {
            check_refusal(codec::decode_query(query, encoding, body).err());
        }
    }
    if let Ok(record) = codec::decode_record(body) {
        assert!(!serde_json::to_string(&record.clone().into_wire()).unwrap().is_empty());
        assert!(record.command_index < record.command_count || !record.ends_command());
    }
}

fn check_refusal(rejection: Option<guichet_schemas::rejection::Rejection>) {
    if let Some(rejection) = rejection {
        assert!(matches!(rejection.code(), "malformed" | "validation_failed"), "{rejection:?}");
        assert!(rejection.to_string().chars().count() < 1200, "a message repeats what came: {rejection}");
        conformance::conforms("replies/command.json", &codec::encode_reply(Err(rejection), Encoding::Json))
            .unwrap();
    }
}

#[test]
fn the_hash_covers_the_subject_too() {
    let body = json::to_vec(&codec::command_to_wire(samples::commands::all().remove(1)));
    let hash = |change: fn(&mut guichet_schemas::subject::CommandSubject)| {
        let mut subject = samples::subject("assign");
        change(&mut subject);
        codec::decode_command(subject, Encoding::Json, &body, None, &KEY).unwrap().request_hash
    };
    let first = hash(|_| {});
    assert_eq!(hash(|_| {}), first);
    assert_ne!(hash(|s| s.tenant = TenantId::parse("other").unwrap()), first);
    assert_ne!(hash(|s| s.caller = CallerId::parse("other").unwrap()), first);
    assert_ne!(hash(|s| s.entity = Entity::Ticket(TicketId(samples::uuid(9)))), first);
    // One name may not flow into the next.
    let names = |tenant: &str, caller: &str| {
        let (tenant, caller) = (TenantId::parse(tenant).unwrap(), CallerId::parse(caller).unwrap());
        let subject =
            guichet_schemas::subject::CommandSubject { tenant, caller, ..samples::subject("assign") };
        codec::decode_command(subject, Encoding::Json, &body, None, &KEY).unwrap().request_hash
    };
    assert_ne!(names("ab", "c"), names("a", "bc"));
    let other_key =
        codec::decode_command(samples::subject("assign"), Encoding::Json, &body, None, &RequestKey([8; 32]))
            .unwrap();
    assert_ne!(other_key.request_hash, first);
}

#[test]
fn a_trace_belongs_to_the_transport_and_not_to_the_request() {
    let body = json::to_vec(&codec::command_to_wire(samples::commands::all().remove(1)));
    let trace = |t: &str| {
        codec::decode_command(samples::subject("assign"), Encoding::Json, &body, Some(t.to_owned()), &KEY)
            .unwrap()
    };
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(trace(good).command.traceparent.as_deref(), Some(good));
    assert_eq!(trace("ada@example.org").command.traceparent, None);
    assert_eq!(trace(good).request_hash, trace("none").request_hash);
}
