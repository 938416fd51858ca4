//! A decision that falls over, and what it leaves behind: nothing.

use std::sync::mpsc;

use guichet_keys::KekSource;
use guichet_schemas::codec::{Encoding, Outcome, decode_command, decode_record};
use guichet_schemas::command::Command;
use guichet_schemas::event::Personal;
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::record::Record;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::wire;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::halt::Halt;
use crate::log::{Log, Memory};
use crate::protection::Protection;

/// Who acts in a command over which the rules fall.
const CLUMSY: &str = "clumsy";

/// Panics as code does that meets what nobody thought of, and quotes it.
pub(super) fn fall_over(command: &Command) {
    let id = command.actor.id.as_str();
    assert!(id != CLUMSY, "nobody thought of {:?}", command.order);
}

struct Desk {
    log: Log,
    halt: Halt,
    dir: tempfile::TempDir,
}

fn open(dir: tempfile::TempDir) -> Desk {
    let halt = Halt::new();
    let digits = "ab".repeat(32).into();
    let kek = KekSource::Digits { digits, from: "the test" };
    let protection = Protection { kek, ..Protection::within(dir.path(), Partition(0)) };
    let memory = Memory::new(8 << 20, 16 << 20);
    let log = Log::open(dir.path(), Partition(0), &memory, &protection, &halt).unwrap();
    Desk { log, halt, dir }
}

impl Desk {
    /// Sends commands in one go, so that the next is decided while the one before is under way.
    fn tell_all(&self, commands: &[(&str, &str, Value)]) -> Vec<Outcome> {
        let of_default: Vec<_> =
            commands.iter().map(|(entity, verb, body)| ("default", *entity, *verb, body.clone())).collect();
        self.tell_tenants(&of_default)
    }

    fn tell_tenants(&self, commands: &[(&str, &str, &str, Value)]) -> Vec<Outcome> {
        let (send, answers) = mpsc::channel();
        let desk = self.log.inlet();
        for (n, (tenant, entity, verb, body)) in commands.iter().enumerate() {
            let subject =
                CommandSubject::parse(&format!("guichet.v1.cmd.{tenant}.cli.{entity}.{verb}")).unwrap();
            let (bytes, key) = (body.to_string(), &self.log.request_key.0);
            let request = decode_command(subject, Encoding::Json, bytes.as_bytes(), None, key).unwrap();
            let send = send.clone();
            desk.submit(request, Box::new(move |outcome| send.send((n, outcome)).unwrap()));
        }
        drop(send);
        let mut all: Vec<_> = answers.iter().collect();
        all.sort_by_key(|(n, _)| *n);
        all.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn records(&self) -> usize {
        self.log.reader().read(LogPosition::FIRST, usize::MAX, usize::MAX).unwrap().len()
    }
}

fn by(actor: &str, n: u128, data: Value) -> Value {
    json!({"command_id": Uuid::from_u128(n).to_string(), "actor": {"kind": "agent", "id": actor}, "data": data})
}

fn create() -> Value {
    json!({"subject": "VPN", "description": "Often.", "channel": "email", "requester": {"id": "r-1"}})
}

#[test]
fn a_decision_that_panics_is_an_answer_and_the_ticket_under_way_is_what_it_was() {
    let desk = open(tempfile::tempdir().unwrap());
    let id = Uuid::from_u128(77).to_string();
    let tag = |tag: &str| json!({"add": [tag]});
    let lifecycle = json!({"kind": "lifecycle", "body": {"auto_close_after_s": 3600}});
    let outcomes = desk.tell_all(&[
        (&id, "create", by("alice", 1, create())),
        (&id, "change_tags", by(CLUMSY, 2, tag("a"))),
        // Not folded from the disk again, which does not know the ticket yet.
        (&id, "change_tags", by("alice", 3, tag("b"))),
        ("new", "create", by(CLUMSY, 4, create())),
        ("new", "create", by("alice", 5, create())),
        ("config", "publish_config", by(CLUMSY, 6, lifecycle.clone())),
        ("config", "publish_config", by("alice", 7, lifecycle)),
        (&id, "change_tags", by("alice", 2, tag("a"))),
    ]);
    for n in [1, 3, 5] {
        let Err(Rejection::Internal { id }) = &outcomes[n] else { panic!("{n}: {:?}", outcomes[n]) };
        assert_eq!(id.len(), 16, "{id}");
    }
    let version = |n: usize| outcomes[n].as_ref().map(|a| (a.version, a.replayed)).unwrap();
    assert_eq!(version(0), (1, false));
    assert_eq!(version(2), (2, false));
    assert_eq!(outcomes[4].as_ref().unwrap().number.as_deref(), Some("T-2"), "no number is lost");
    assert_eq!(version(6), (1, false));
    assert_eq!(version(7), (3, false), "the id of a command that fell over is free");
    assert!(desk.halt.reason().is_none(), "{:?}", desk.halt.reason());

    let before = desk.records();
    let Desk { log, dir, .. } = desk;
    log.close().unwrap();
    let again = open(dir);
    assert_eq!(again.records(), before + 1, "an epoch event, and the log is whole");
    let outcomes = again.tell_all(&[(&id, "change_tags", by("alice", 8, tag("c")))]);
    assert_eq!(outcomes[0].as_ref().unwrap().version, 4);
    again.log.close().unwrap();
}

#[test]
fn an_expected_version_at_the_end_of_the_numbers_is_a_conflict_like_any_other() {
    // The edge refuses it; behind the edge it must be harmless all the same.
    let desk = open(tempfile::tempdir().unwrap());
    let subject = CommandSubject::parse("guichet.v1.cmd.default.cli.new.create").unwrap();
    let (body, key) = (by("alice", 1, create()).to_string(), &desk.log.request_key.0);
    let mut request = decode_command(subject, Encoding::Json, body.as_bytes(), None, key).unwrap();
    request.command.expected_version = Some(u64::MAX);
    let (send, answer) = mpsc::channel();
    desk.log.inlet().submit(request, Box::new(move |outcome| send.send(outcome).unwrap()));
    let outcome = answer.recv().unwrap();
    assert!(matches!(&outcome, Err(Rejection::VersionConflict { missed_count: 0, .. })), "{outcome:?}");
    desk.log.close().unwrap();
}

#[test]
fn configuration_that_gave_way_is_loaded_again_and_that_under_way_stays() {
    let desk = open(tempfile::tempdir().unwrap());
    let names: Vec<String> = (0..40).map(|n| format!("desk-{n}")).collect();
    let categories = |round: u64| {
        let padding = (0..40).map(|n| format!("padding-{n}"));
        let listed: Vec<String> = padding.chain([format!("round-{round}")]).collect();
        json!({"kind": "categories", "body": {"categories": listed}})
    };
    let mut id = 0;
    let mut command = |data: Value| {
        id += 1;
        by("alice", id, data)
    };
    let mut founding = Vec::new();
    for name in &names {
        founding.push((
            name.as_str(),
            "config",
            "publish_config",
            command(json!({"kind": "tenant", "body": {}})),
        ));
    }
    // Each round meets what gave way for the others since the last one; within a round much is under way.
    let rounds = (2..5).map(|round| {
        let publish = |name| (name, "config", "publish_config", command(categories(round)));
        names.iter().map(String::as_str).map(publish).collect::<Vec<_>>()
    });
    let rounds: Vec<_> = [founding].into_iter().chain(rounds).collect();
    for (round, commands) in (1..).zip(&rounds) {
        for outcome in desk.tell_tenants(commands) {
            assert_eq!(outcome.unwrap().version, round);
        }
    }
    let create = |category: &str| {
        let mut data = create();
        data["category"] = category.into();
        data
    };
    for (n, name) in names.iter().enumerate() {
        let n = n as u128;
        let outcomes = desk.tell_tenants(&[
            (name, "new", "create", by("alice", 1_000 + n, create("round-4"))),
            (name, "new", "create", by("alice", 2_000 + n, create("round-3"))),
        ]);
        assert!(outcomes[0].is_ok(), "{:?}", outcomes[0]);
        assert!(outcomes[1].is_err(), "the categories of the round before are not in force");
    }
    assert!(desk.halt.reason().is_none());
    desk.log.close().unwrap();
}

/// Two tickets in one command: both are folded, the texts are open to the follow-up and sealed in it, the same command
/// has the same answer after a restart.
#[test]
fn a_message_to_a_closed_ticket_begins_its_follow_up_and_the_next_one_goes_there() {
    let desk = open(tempfile::tempdir().unwrap());
    let id = Uuid::from_u128(77).to_string();
    let done = json!({"code": "other", "summary": "Done."});
    desk.tell_all(&[
        (&id, "create", by("alice", 1, create())),
        (&id, "resolve", by("alice", 2, done)),
        (&id, "close", by("alice", 3, json!({}))),
    ]);
    let message = |n: u128| {
        let mut message = by("r-1", n, json!({"visibility": "public", "body": "It drops again."}));
        message["actor"]["kind"] = "requester".into();
        message
    };
    let dry = |mut message: Value| {
        message["command_id"] = Uuid::from_u128(99).to_string().into();
        message["dry_run"] = true.into();
        message
    };
    let with_version = |version: u64| {
        let mut message = message(6);
        message["expected_version"] = version.into();
        message
    };
    // The rows that say where the first words of a ticket stand follow its records.
    while desk.tell_all(&[(&id, "add_comment", dry(message(3)))])[0].is_err() {}
    let answers = desk.tell_all(&[
        (&id, "add_comment", message(4)),
        (&id, "add_comment", message(5)),
        (&id, "add_comment", with_version(9)),
        (&id, "add_comment", with_version(5)),
    ]);
    let first = answers[0].as_ref().unwrap();
    let types: Vec<&str> = first.events.iter().map(|event| event.r#type.as_str()).collect();
    assert_eq!(types, ["FollowUpCreated", "TicketCreated", "TicketsLinked", "CommentAdded"]);
    assert_eq!((first.number.as_deref(), first.version), (Some("T-2"), 3));
    assert_eq!(first.warnings[0].message, "the ticket is closed; what was said stands in its follow-up T-2");
    let second = answers[1].as_ref().unwrap();
    assert_eq!(
        (&second.ticket_id, second.version),
        (&first.ticket_id, 4),
        "decided while the first is under way"
    );
    let Err(Rejection::VersionConflict { actual, missed, .. }) = &answers[2] else { panic!("{answers:?}") };
    assert_eq!((*actual, missed.len()), (5, 0), "of the ticket that was addressed");
    assert_eq!(answers[3].as_ref().unwrap().version, 5);

    let Desk { log, dir, .. } = desk;
    log.close().unwrap();
    let again = open(dir);
    let follow = json!({"of": Uuid::from_slice(first.ticket_id.as_ref().unwrap()).unwrap().to_string()});
    let answers = again.tell_all(&[
        (&id, "add_comment", message(4)),
        ("new", "create_follow_up", by("alice", 7, follow)),
        ("new", "create_follow_up", by("alice", 8, json!({"of": id}))),
    ]);
    let replayed = answers[0].as_ref().unwrap();
    assert_eq!(
        &wire::Accepted { replayed: false, ..replayed.clone() },
        first,
        "the same answer, from the log"
    );
    assert_eq!(answers[1].as_ref().unwrap_err().code(), "invalid_transition", "that one is not over");
    assert_eq!(answers[2].as_ref().unwrap().number.as_deref(), Some("T-3"));

    let records = again.log.reader().read(LogPosition::FIRST, usize::MAX, usize::MAX).unwrap();
    let records: Vec<Record> = records.iter().map(|bytes| decode_record(bytes).unwrap()).collect();
    let sealed = records.iter().filter_map(|record| record.event.created()).all(|created| {
        matches!((&created.subject, &created.description), (Personal::Sealed(_), Personal::Sealed(_)))
    });
    assert!(sealed, "no text of a person is readable");
    let keys = records.iter().filter(|record| record.event.type_name() == "KeyCreated").count();
    assert_eq!(keys, 1, "one requester, one key");
    again.log.close().unwrap();
}
