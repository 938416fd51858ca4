//! Commands from flags and JSON.

use clap::Parser;
use guichet_schemas::codec::{self, Encoding, RequestKey};
use guichet_schemas::command::Order;
use guichet_schemas::ids::{CallerId, TenantId};
use guichet_schemas::subject::CommandSubject;
use prost::Message as _;

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    send: SendArgs,
}

fn args(words: &[&str]) -> SendArgs {
    Cli::try_parse_from(std::iter::once(&"send").chain(words)).unwrap().send
}

fn command(words: &[&str]) -> Result<wire::Command, ClientError> {
    args(words).command(CommandId(Uuid::from_u128(7)))
}

/// What the engine makes of the command.
fn order(words: &[&str]) -> Order {
    let args = args(words);
    let verb = VERBS.iter().find(|v| **v == args.verb).unwrap();
    let subject = CommandSubject {
        tenant: TenantId::default_tenant(),
        caller: CallerId::parse("cli").unwrap(),
        entity: Entity::New,
        verb,
    };
    let body = command(words).unwrap().encode_to_vec();
    codec::decode_command(subject, Encoding::Protobuf, &body, None, &RequestKey([0; 32]))
        .unwrap()
        .command
        .order
}

#[test]
fn flags_make_a_command_that_the_engine_takes() {
    let words = [
        "escalate",
        "T-42",
        "--set",
        "kind=functional",
        "--set",
        "to_tier=2",
        "--set",
        "reason=expertise",
        "--set",
        "tags[]=vpn",
        "--set",
        "note=2",
    ];
    let Order::Escalate(order) = order(&words) else { panic!("not an escalation") };
    assert_eq!(order.to_tier, Some(2));
    assert_eq!(order.note.unwrap().as_str(), "2");
    assert_eq!(order.tags[0].as_str(), "vpn");
}

#[test]
fn flags_and_json_say_the_same() {
    let by_flags = order(&[
        "create",
        "--set",
        "subject=VPN",
        "--set",
        "description=down",
        "--set",
        "channel=phone",
        "--set",
        "requester.id=17",
        "--set",
        "fields.floor=3",
    ]);
    let by_json = order(&[
        "create",
        "--data",
        r#"{"subject":"VPN","description":"down","channel":"phone","requester":{"id":"17"},"fields":{"floor":3}}"#,
    ]);
    assert_eq!(by_flags, by_json);
}

#[test]
fn a_field_that_the_verb_has_not_is_wrong_usage_and_named() {
    let error = command(&["assign", "T-1", "--set", "asignee=bob"]).unwrap_err();
    assert_eq!(error.exit_code(), exit::USAGE);
    assert!(error.to_string().contains("asignee") && error.to_string().contains("assignee"), "{error}");
}

#[test]
fn the_body_cannot_reach_the_envelope() {
    let smuggled = command(&["close", "T-1", "--data", r#"{}, "dry_run": true"#]);
    assert_eq!(smuggled.unwrap_err().exit_code(), exit::USAGE);
}

#[test]
fn who_acts_has_a_kind_and_an_id() {
    assert_eq!(actor("agent:bob:x").unwrap().id, "bob:x");
    assert!(actor("bob").is_err() && actor("agent:").is_err());
    assert!(actor("clown:bob").unwrap_err().contains("supervisor"));
    let command = command(&["close", "T-1", "--actor", "bot:helper", "--on-behalf-of", "bob"]).unwrap();
    assert_eq!(command.actor.unwrap().on_behalf_of.as_deref(), Some("bob"));
}

#[test]
fn a_person_reads_what_became_of_it() {
    let event = |r#type: &str, version| wire::EventRef {
        r#type: r#type.to_owned(),
        version,
        position: 1230 + version,
        ..wire::EventRef::default()
    };
    let mut accepted = wire::Accepted {
        number: Some("T-42".to_owned()),
        version: 4,
        position: 1234,
        events: vec![event("TicketAssigned", 3), event("StatusChanged", 4)],
        ..wire::Accepted::default()
    };
    assert_eq!(
        accepted_text(&accepted, false),
        "T-42: TicketAssigned, StatusChanged; version 4, position 1234"
    );
    assert_eq!(
        accepted_text(&accepted, true),
        "T-42: would write TicketAssigned, StatusChanged; nothing was written"
    );
    accepted.events.clear();
    accepted.replayed = true;
    let text = accepted_text(&accepted, false);
    assert!(text.starts_with("T-42: nothing to do") && text.contains("done before"), "{text}");

    let details = wire::ErrorDetails {
        missed: vec![event("TicketResolved", 5)],
        missed_count: Some(1),
        ..wire::ErrorDetails::default()
    };
    let error = wire::Error {
        code: "version_conflict".to_owned(),
        message: "the ticket is at version 5".to_owned(),
        details: Some(details),
        ..wire::Error::default()
    };
    assert_eq!(
        refusal_text(&error),
        "refused, version_conflict: the ticket is at version 5\n  1 events since then, the last ones:\n    version 5 at position 1235: TicketResolved"
    );
}
