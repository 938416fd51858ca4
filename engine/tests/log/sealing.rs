//! Sealing from outside: what a record shows, whose key it is under, and what happens where a key is missing.

use guichet_engine::log::{Lost, OpenError};
use guichet_keys::{DataKey, Place, open};
use guichet_schemas::codec::{Encoding, RequestKey, decode_command, decode_record};
use guichet_schemas::command::Entity;
use guichet_schemas::event::{CommentAdded, CommentCopied, Event, KeyCreated, LogEvent, Personal, Sealed};
use guichet_schemas::ids::{CallerId, KeyId, TenantId, TicketId};
use guichet_schemas::personal;
use guichet_schemas::record::Record;
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::words::StreamKind;
use serde_json::{Value, json};

use crate::{Desk, KEK, body, check_log, comment, crash_image, ticket};

const SUBJECT: &str = "canary-subject";
const NAME: &str = "canary-name";
const BODY: &str = "canary-body";

fn create(command: u128, requester: &str) -> Value {
    body(
        command,
        json!({"subject": SUBJECT, "description": "canary-description", "channel": "email", "requester": {
            "id": requester, "name": NAME, "email": "canary@example.org", "phone": "canary-phone"}}),
    )
}

impl Desk {
    fn all(&self) -> Vec<Record> {
        self.records().iter().map(|bytes| decode_record(bytes).unwrap()).collect()
    }

    fn keys_created(&self) -> Vec<(Record, KeyCreated)> {
        let created = |record: Record| {
            let Event::Log(LogEvent::KeyCreated(e)) = record.event.clone() else { return None };
            Some((record, e))
        };
        self.all().into_iter().filter_map(created).collect()
    }

    fn data_key(&self, id: KeyId) -> Option<DataKey> {
        self.log.keys().unwrap().get("default", id).unwrap().map(|(key, _)| key)
    }

    /// Every personal text of the log, sealed, with the record that holds it.
    fn texts(&self) -> Vec<(Record, personal::Field, Sealed)> {
        let mut texts = Vec::new();
        for record in self.all() {
            let shown = personal::each(&mut record.event.clone(), |field, text| match text {
                Personal::Sealed(sealed) => {
                    texts.push((record.clone(), field, sealed.clone()));
                    Ok(())
                }
                Personal::Plain(plain) => Err(format!("{} is readable: {plain}", field.name())),
            });
            shown.unwrap();
        }
        texts
    }

    fn opened(&self, record: &Record, field: personal::Field, sealed: &Sealed) -> Option<String> {
        let key = self.data_key(KeyId::from_slice(&sealed.key_id).unwrap())?;
        let (ticket, command) = (record.ticket_id().unwrap(), record.command_id);
        let place = Place { tenant: &record.tenant, ticket, field, command };
        open(&key, &place, &sealed.nonce, &sealed.ciphertext).ok()
    }
}

#[test]
fn no_record_holds_a_personal_text_and_the_key_opens_every_one() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    desk.tell(ticket(1), "create", create(10, "r-1")).unwrap();
    desk.tell(ticket(1), "add_comment", comment(11, BODY)).unwrap();
    let resolve = body(12, json!({"code": "defect", "summary": "canary-summary"}));
    desk.tell(ticket(1), "resolve", resolve).unwrap();
    let texts = desk.texts();
    let opened: Vec<_> = texts
        .iter()
        .map(|(record, field, sealed)| (*field, desk.opened(record, *field, sealed).unwrap()))
        .collect();
    let expected =
        [SUBJECT, "canary-description", NAME, "canary@example.org", "canary-phone", BODY, "canary-summary"];
    assert_eq!(opened.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), expected.to_vec());
    let all = desk.records().concat();
    for canary in expected {
        assert!(
            !all.windows(canary.len()).any(|w| w == canary.as_bytes()),
            "{canary} is readable in the log"
        );
    }
    desk.close();
}

#[test]
fn a_requester_has_one_key_whoever_writes_on_their_tickets() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    desk.tell(ticket(1), "create", create(10, "r-1")).unwrap();
    desk.tell(ticket(1), "add_comment", comment(11, BODY)).unwrap();
    desk.tell(ticket(2), "create", create(12, "r-1")).unwrap();
    desk.tell(ticket(3), "create", create(13, "r-2")).unwrap();
    desk.close();
    let desk = Desk::open(dir.path());
    desk.tell(ticket(1), "add_comment", comment(14, BODY)).unwrap();
    let keys = desk.keys_created();
    let subjects: Vec<_> = keys.iter().map(|(_, e)| e.subject.as_str()).collect();
    assert_eq!(subjects, ["r-1", "r-2"], "one key each, also after a restart");
    for (record, e) in &keys {
        assert_eq!(
            (record.stream_kind, record.stream_id.as_str()),
            (StreamKind::Subject, e.subject.as_str())
        );
        assert_eq!((record.version.get(), record.command_index), (1, 0));
        assert_eq!(desk.data_key(e.key_id).unwrap().commitment(), e.commitment);
    }
    for (record, field, sealed) in desk.texts() {
        let of = usize::from(record.ticket_id() == Some(TicketId(uuid::Uuid::from_u128(3))));
        assert_eq!(KeyId::from_slice(&sealed.key_id).unwrap(), keys[of].1.key_id, "{field:?}");
    }
    check_log(&desk.records());
    desk.close();
}

/// A merge by a supervisor; the rows that say where a comment stands follow its record.
fn merged(desk: &Desk, command: u128, into: u128, source: u128) -> guichet_schemas::wire::Accepted {
    let mut merge = body(command, json!({"sources": [uuid::Uuid::from_u128(source).to_string()]}));
    merge["actor"] = json!({"kind": "supervisor", "id": "sue"});
    loop {
        match desk.tell(ticket(into), "merge", merge.clone()) {
            Ok(accepted) => return accepted,
            Err(refused) => assert_eq!(refused.code(), "busy", "{refused}"),
        }
    }
}

#[test]
fn what_a_merge_repeats_is_sealed_under_the_key_of_whose_text_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    for (n, requester) in [(1, "r-1"), (2, "r-2"), (3, "r-3")] {
        desk.tell(ticket(n), "create", create(10 + n, requester)).unwrap();
    }
    desk.tell(ticket(1), "add_comment", comment(20, BODY)).unwrap();
    merged(&desk, 30, 2, 1);
    let answer = merged(&desk, 31, 3, 2);
    assert_eq!(
        answer.ticket_id,
        Some(uuid::Uuid::from_u128(3).as_bytes().to_vec()),
        "the answer is about the target"
    );
    let keys: Vec<_> = desk.keys_created().into_iter().map(|(_, e)| (e.subject, e.key_id)).collect();
    assert_eq!(keys.iter().map(|(subject, _)| subject.as_str()).collect::<Vec<_>>(), ["r-1", "r-2", "r-3"]);
    let of_third =
        |(record, ..): &(Record, _, _)| record.ticket_id() == Some(TicketId(uuid::Uuid::from_u128(3)));
    let copied: Vec<_> = desk
        .texts()
        .into_iter()
        .filter(|(_, field, _)| *field == CommentCopied::BODY)
        .filter(of_third)
        .collect();
    let told: Vec<_> = copied
        .iter()
        .map(|(record, field, sealed)| {
            let id = KeyId::from_slice(&sealed.key_id).unwrap();
            let whose = keys.iter().find(|(_, key)| *key == id).map(|(subject, _)| subject.as_str());
            (whose.unwrap(), desk.opened(record, *field, sealed).unwrap())
        })
        .collect();
    let expected = [("r-2", "canary-description"), ("r-1", "canary-description"), ("r-1", BODY)];
    assert_eq!(told, expected.map(|(whose, text)| (whose, text.to_owned())), "through two merges");
    check_log(&desk.records());
    desk.close();

    let desk = Desk::open(dir.path());
    let again = merged(&desk, 31, 3, 2);
    assert_eq!(again, guichet_schemas::wire::Accepted { replayed: true, ..answer });
    desk.close();
}

#[test]
fn a_command_makes_as_many_keys_as_it_has_new_people() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    let created = json!({"number": 1, "subject": {"plain": SUBJECT}, "description": {"plain": "canary-description"}, "requester": "r-1",
        "channel": "email", "origin": "requester", "type": "incident", "priority": "normal", "tier": 1});
    let copied = |requester: &str| {
        json!({"type": "CommentCopied", "occurred_at": "2026-03-10T09:00:00.000Z", "data": {
            "comment_id": uuid::Uuid::from_u128(9), "visibility": "public", "kind": "message", "author": "ann",
            "author_kind": "agent", "body": {"plain": BODY}, "written_at": "2026-03-09T09:00:00.000Z",
            "from": uuid::Uuid::from_u128(8), "from_number": 8, "requester": requester}})
    };
    let first = json!({"type": "TicketCreated", "occurred_at": "2026-03-10T09:00:00.000Z", "data": created});
    let import = body(
        10,
        json!({"source": "old", "external_id": "1", "part": 1, "parts": 1,
        "events": [first, copied("r-2"), copied("r-3"), copied("r-2")]}),
    );
    let answer = desk.tell(Entity::New, "import", import).unwrap();
    assert_eq!(answer.events.len(), 5, "no answer names a key");
    let keys = desk.keys_created();
    let told: Vec<_> = keys.iter().map(|(record, e)| (e.subject.as_str(), record.command_index)).collect();
    assert_eq!(told, [("r-1", 0), ("r-2", 1), ("r-3", 2)]);
    assert!(keys.iter().all(|(record, _)| record.command_count == 8));
    let last = desk.texts().pop().unwrap();
    assert_eq!(KeyId::from_slice(&last.2.key_id).unwrap(), keys[1].1.key_id);
    check_log(&desk.records());
    desk.close();
    let desk = Desk::open(dir.path());
    assert_eq!(desk.opened(&last.0, last.1, &last.2).as_deref(), Some(BODY), "the keys are on disk");
    desk.close();
}

#[test]
fn the_answer_is_about_the_ticket_alone_now_and_later() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    let first = desk.tell(ticket(1), "create", create(10, "r-1")).unwrap();
    // The start of the engine, the key, the ticket.
    assert_eq!((first.version, first.position), (1, 3));
    assert_eq!(first.events.iter().map(|e| e.r#type.as_str()).collect::<Vec<_>>(), ["TicketCreated"]);
    let [key, created] = &desk.all()[1..] else { panic!("two records") };
    assert_eq!((key.command_id, key.request_hash), (created.command_id, created.request_hash));
    assert_eq!((key.command_index, key.command_count), (0, 2));
    assert_eq!((created.command_index, created.command_count), (1, 2));
    desk.close();
    let desk = Desk::open(dir.path());
    let mut again = desk.tell(ticket(1), "create", create(10, "r-1")).unwrap();
    assert!(std::mem::take(&mut again.replayed));
    assert_eq!(again, first);
    let mut late = comment(11, BODY);
    late["expected_version"] = json!(0);
    let conflict = desk.tell(ticket(1), "add_comment", late).unwrap_err();
    let guichet_schemas::rejection::Rejection::VersionConflict { missed, missed_count, .. } = conflict else {
        panic!("{conflict}")
    };
    assert_eq!((missed.len(), missed_count, missed[0].type_name.as_str()), (1, 1, "TicketCreated"));
    desk.close();
}

#[test]
fn a_dry_run_makes_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    let mut asked = create(10, "r-1");
    asked["dry_run"] = json!(true);
    let dry = desk.tell(ticket(1), "create", asked).unwrap();
    assert_eq!((dry.events.len(), dry.position), (1, 3), "as it would be");
    assert_eq!(desk.records().len(), 1, "nothing but the start");
    assert!(desk.log.keys().unwrap().keys_of("default", "r-1").unwrap().is_empty());
    assert_eq!(desk.tell(ticket(1), "create", create(10, "r-1")).unwrap().position, 3);
    assert_eq!(desk.keys_created().len(), 1);
    desk.close();
}

#[test]
fn a_refused_command_leaves_no_key_behind() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    // Sealed and encoded, this record is too long.
    let mut long = create(10, "r-1");
    long["data"]["description"] = json!("é".repeat(24_576));
    long["data"]["fields"] = json!({"a": "x".repeat(8190)});
    long["data"]["tags"] = (0..64).map(|n| format!("{n:064}")).collect();
    assert_eq!(desk.tell(ticket(1), "create", long).unwrap_err().code(), "payload_too_large");
    desk.tell(ticket(1), "create", create(11, "r-1")).unwrap();
    let [(_, created)] = &desk.keys_created()[..] else { panic!("one key") };
    let kept = desk.log.keys().unwrap().keys_of("default", "r-1").unwrap();
    assert_eq!(kept, [created.key_id]);
    desk.close();
}

#[test]
fn every_key_of_an_acknowledged_text_is_there_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let (live, image) = (dir.path().join("live"), dir.path().join("image"));
    let desk = Desk::open(&live);
    let commands: Vec<_> =
        (0..500).map(|n| (Entity::New, "create", create(1000 + n, &format!("r-{n}")))).collect();
    for outcome in desk.tell_all(&commands) {
        outcome.unwrap();
    }
    crash_image(&live, &image);
    let after = Desk::open(&image);
    let texts = after.texts();
    assert_eq!(texts.len(), 500 * 5);
    for (record, field, sealed) in texts {
        assert!(after.opened(&record, field, &sealed).is_some(), "position {}", record.position);
    }
    after.close();
    desk.close();
}

#[test]
fn under_a_destroyed_key_nothing_new_is_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    desk.tell(ticket(1), "create", create(10, "r-1")).unwrap();
    desk.close();
    // Every key gone: that is what erasure looks like.
    std::fs::remove_dir_all(dir.path().join("keys-0")).unwrap();
    let refused = Desk::try_open(dir.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Lost(Lost::Keys { .. })) && refused.protects_data(), "{refused}");
    // Somebody says that they are gone for good, and says it once.
    Desk::open_without_keys(dir.path()).close();
    let desk = Desk::open(dir.path());
    let told = desk.tell(ticket(1), "add_comment", comment(11, BODY)).unwrap();
    assert_eq!(told.version, 2);
    let keys = desk.keys_created();
    assert_eq!(
        keys.iter().map(|(r, e)| (r.version.get(), e.subject.as_str())).collect::<Vec<_>>(),
        [(1, "r-1"), (2, "r-1")]
    );
    assert_ne!(keys[0].1.key_id, keys[1].1.key_id);
    for (record, field, sealed) in desk.texts() {
        let opened = desk.opened(&record, field, &sealed);
        assert_eq!(opened.as_deref(), (field == CommentAdded::BODY).then_some(BODY), "{field:?}");
    }
    check_log(&desk.records());
    desk.close();
}

#[test]
fn the_right_key_encryption_key_is_needed_to_start() {
    let dir = tempfile::tempdir().unwrap();
    Desk::open(dir.path()).close();
    let refused = Desk::open_under(dir.path(), &KEK.replace('a', "c"));
    assert!(matches!(refused, Err(OpenError::Keys(guichet_keys::OpenError::OtherKek { .. }))), "{refused:?}");
}

#[test]
fn an_imported_fact_that_is_sealed_already_is_refused_with_its_field() {
    let sealed = json!({"sealed": {"key_id": "01980000-0000-7000-8000-000000000001", "nonce": "00", "ciphertext": "00"}});
    let data = json!({"source": "old", "external_id": "1", "part": 1, "parts": 1, "events": [
        {"type": "TicketCreated", "occurred_at": "2026-01-01T00:00:00.000Z", "data": {
            "subject": {"plain": "x"}, "description": {"plain": "y"}, "requester": "r-1", "requester_name": sealed,
            "channel": "email", "origin": "agent", "type": "incident", "priority": "normal", "tier": 1}}]});
    let subject = CommandSubject {
        tenant: TenantId::default_tenant(),
        caller: CallerId::parse("tests").unwrap(),
        entity: Entity::New,
        verb: "import",
    };
    let body = body(10, data).to_string();
    let refused = decode_command(subject, Encoding::Json, body.as_bytes(), None, &RequestKey([0; 32]));
    let refused = refused.unwrap_err();
    let guichet_schemas::rejection::Rejection::ValidationFailed(error) = refused else { panic!("{refused}") };
    assert_eq!(error.field, "data.events[0].data.requester_name");
}

#[test]
fn a_folder_with_readable_texts_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("rocksdb");
    std::fs::create_dir_all(&log).unwrap();
    let families =
        ["default", "events", "tickets_index", "snapshots", "commands", "numbers", "external_refs", "meta"];
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    drop(rocksdb::DB::open_cf(&options, &log, families).unwrap());
    let refused = Desk::try_open(dir.path()).unwrap_err();
    assert!(matches!(refused, OpenError::OlderFormat { found: 1 }), "{refused}");
    assert!(refused.to_string().contains("guichet import"), "{refused}");
    let kept = rocksdb::DB::list_cf(&rocksdb::Options::default(), &log).unwrap();
    assert_eq!(kept.len(), families.len(), "the program that made it still opens it");
}

#[test]
fn keys_stand_in_a_folder_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    Desk::open(dir.path()).close();
    assert!(dir.path().join("keys-0/rocksdb/CURRENT").exists());
}

/// A start that failed once took a second to end: on its way out it wrote what it had derived, to a disk that refused.
#[test]
fn a_start_that_fails_writes_nothing_on_its_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let (alive, left) = (dir.path().join("alive"), dir.path().join("left"));
    let desk = Desk::open(&alive);
    for n in 1..50 {
        desk.tell(Entity::New, "create", create(n, "r-1")).unwrap();
    }
    crash_image(&alive, &left);
    desk.close();
    let refused = Desk::open_under(&left, &KEK.replace('a', "c"));
    assert!(refused.is_err());
    let told = std::fs::read_to_string(left.join("rocksdb/LOG")).unwrap();
    assert!(told.contains("Shutdown complete") && !told.contains("Shut down"), "tables were written");
}
