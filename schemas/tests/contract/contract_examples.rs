//! The examples of the wire contract, letter by letter: other teams copied them.

use guichet_schemas::codec::{self, Encoding, RequestKey};
use guichet_schemas::command::Order;
use guichet_schemas::ids::{EventId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire;
use guichet_schemas::words::{ActorKind, TicketState};

use crate::{conformance, samples};

const COMMAND: &str = r#"{"command_id": "01980000-0000-7000-8000-000000000009", "actor": {"kind": "agent", "id": "alice", "on_behalf_of": null}, "expected_version": 3,
 "correlation_id": null, "causation_id": null, "channel": null, "dry_run": false,
 "data": {"assignee": "bob", "group": "network", "reason": "on call"}}"#;

#[test]
fn the_command_of_the_contract_is_an_assignment() {
    let request = codec::decode_command(
        samples::subject("assign"),
        Encoding::Json,
        COMMAND.as_bytes(),
        None,
        &RequestKey([0; 32]),
    )
    .unwrap();
    conformance::conforms("commands/assign.json", COMMAND.as_bytes()).unwrap();
    let command = request.command;
    assert_eq!(command.command_id.to_string(), "01980000-0000-7000-8000-000000000009");
    assert_eq!(
        (command.actor.kind, command.actor.id.as_str(), command.actor.on_behalf_of),
        (ActorKind::Agent, "alice", None)
    );
    assert_eq!(
        (
            command.expected_version,
            command.correlation_id,
            command.causation_id,
            command.channel,
            command.dry_run
        ),
        (Some(3), None, None, None, false)
    );
    let Order::Assign(assign) = command.order else { panic!("an assignment") };
    let text = |t: &Option<_>| t.as_ref().map(ToString::to_string);
    assert_eq!(text(&assign.assignee).as_deref(), Some("bob"));
    assert_eq!(text(&assign.group).as_deref(), Some("network"));
    assert_eq!(assign.reason.map(String::from).as_deref(), Some("on call"));
}

#[test]
fn null_is_absent_and_so_has_the_same_hash() {
    let absent = COMMAND
        .replace(r#", "on_behalf_of": null"#, "")
        .replace(r#""correlation_id": null, "causation_id": null, "channel": null, "dry_run": false,"#, "");
    let hash = |body: &str| {
        codec::decode_command(
            samples::subject("assign"),
            Encoding::Json,
            body.as_bytes(),
            None,
            &RequestKey([0; 32]),
        )
        .unwrap()
        .request_hash
    };
    assert!(!absent.contains("null"));
    assert_eq!(hash(&absent), hash(COMMAND));
}

#[test]
fn the_accepted_reply_has_the_fields_of_the_contract_in_its_order() {
    let accepted = wire::Accepted {
        ticket_id: Some(samples::ticket().to_wire()),
        number: Some(TicketNumber(42).to_string()),
        version: 4,
        partition: 0,
        position: 1234,
        events: vec![wire::EventRef {
            event_id: EventId(samples::uuid(2)).to_wire(),
            r#type: "TicketAssigned".to_owned(),
            version: 4,
            position: 1234,
        }],
        warnings: vec![],
        replayed: false,
        entity: None,
        entity_id: None,
    };
    let expected = format!(
        r#"{{"ok":true,"ticket_id":"{}","number":"T-42","version":4,"partition":0,"position":1234,"events":[{{"event_id":"{}","type":"TicketAssigned","version":4,"position":1234}}],"warnings":[],"replayed":false}}"#,
        samples::uuid(1),
        samples::uuid(2)
    );
    let body = codec::encode_reply(Ok(accepted.clone()), Encoding::Json);
    assert_eq!(body, expected);
    let read: wire::CommandReply = serde_json::from_slice(&body).unwrap();
    assert_eq!(read, codec::reply_to_wire(Ok(accepted)));
}

#[test]
fn the_refused_reply_has_the_fields_of_the_contract_in_its_order() {
    let refused =
        Rejection::TerminalState { number: TicketNumber(42), state: TicketState::Closed, verb: "assign" };
    assert_eq!(refused.number(), 409);
    let expected = r#"{"ok":false,"error":{"code":"terminal_state","message":"ticket T-42 is closed; a closed ticket does not take assign","field":null,"details":{"state":"closed","verb":"assign"},"retry_after_ms":null}}"#;
    assert_eq!(codec::encode_reply(Err(refused), Encoding::Json), expected);
}

#[test]
fn every_refusal_has_the_number_of_the_contract_and_is_read_back() {
    let numbers = [
        ("malformed", 400),
        ("bad_subject", 400),
        ("validation_failed", 422),
        ("not_found", 404),
        ("version_conflict", 409),
        ("terminal_state", 409),
        ("terminal_state", 409),
        ("already_merged", 409),
        ("invalid_transition", 409),
        ("guard_failed", 409),
        ("claim_held", 409),
        ("duplicate", 409),
        ("config_stale", 409),
        ("config_invalid", 422),
        ("command_id_reused", 409),
        ("forbidden", 403),
        ("payload_too_large", 413),
        ("busy", 429),
        ("quota_exceeded", 429),
        ("unavailable", 503),
        ("outcome_unknown", 504),
        ("internal", 500),
        ("unsupported", 501),
    ];
    let refusals = samples::replies::refusals();
    assert_eq!(refusals.iter().map(|r| (r.code(), r.number())).collect::<Vec<_>>(), numbers);
    for refusal in refusals {
        let body = codec::encode_reply(Err(refusal.clone()), Encoding::Json);
        let read: wire::CommandReply = serde_json::from_slice(&body).unwrap();
        assert_eq!(read, codec::reply_to_wire(Err(refusal)));
    }
}

#[test]
fn only_the_two_encodings_are_spoken() {
    let read = Encoding::from_content_type;
    assert_eq!(read(None), Ok(Encoding::Json));
    assert_eq!(read(Some("application/json; charset=utf-8")), Ok(Encoding::Json));
    assert_eq!(read(Some("application/protobuf")), Ok(Encoding::Protobuf));
    assert_eq!(read(Some("text/xml")).unwrap_err().code(), "malformed");
}
