//! The log from outside: what is acknowledged is there after a crash, once, in order.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::path::Path;
use std::sync::mpsc;

use guichet_engine::halt::Halt;
use guichet_engine::log::{GivenUp, LiveLog, Log, Memory, OpenError, StoppedLog, Terms};
use guichet_engine::protection::Protection;
use guichet_keys::KekSource;
use guichet_schemas::codec::{Encoding, Outcome, RequestKey, decode_command, decode_record};
use guichet_schemas::command::Entity;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CallerId, TenantId, TicketId};
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::wire::Accepted;
use guichet_schemas::words::StreamKind;
use serde_json::{Value, json};
use uuid::Uuid;

#[path = "log/sealing.rs"]
mod sealing;

const KEK: &str = "abababababababababababababababababababababababababababababababab";

#[derive(Debug)]
struct Desk {
    log: Log,
    halt: Halt,
}

impl Desk {
    fn open(dir: &Path) -> Self {
        Self::try_open(dir).unwrap()
    }

    fn try_open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_under(dir, KEK)
    }

    fn open_under(dir: &Path, kek: &str) -> Result<Self, OpenError> {
        let halt = Halt::new();
        let kek = KekSource::Digits { digits: kek.to_owned().into(), from: "the test" };
        let protection = Protection { kek, ..Protection::within(dir, Partition(0)) };
        let log = Log::open(dir, Partition(0), &Memory::new(8 << 20, 16 << 20), &protection, &halt)?;
        Ok(Self { log, halt })
    }

    /// Opens a log whose keys are given up.
    fn open_without_keys(dir: &Path) -> Self {
        let halt = Halt::new();
        let kek = KekSource::Digits { digits: KEK.to_owned().into(), from: "the test" };
        let protection = Protection { kek, ..Protection::within(dir, Partition(0)) };
        let accept_loss = GivenUp { keys: true, ..GivenUp::default() };
        let terms = Terms { accept_loss, ..Terms::default() };
        let memory = Memory::new(8 << 20, 16 << 20);
        let log = Log::open_on(&terms, dir, Partition(0), &memory, &protection, &halt).unwrap();
        Self { log, halt }
    }

    fn key(&self) -> RequestKey {
        self.log.request_key.0.clone()
    }

    /// Sends commands at once and returns their answers in order.
    fn tell_all(&self, commands: &[(Entity, &'static str, Value)]) -> Vec<Outcome> {
        let of_default = |(entity, verb, body): &(_, _, Value)| ("default", *entity, *verb, body.clone());
        self.tell_all_of(&commands.iter().map(of_default).collect::<Vec<_>>())
    }

    /// The same, of several tenants.
    fn tell_all_of(&self, commands: &[(&str, Entity, &'static str, Value)]) -> Vec<Outcome> {
        let (send, answers) = mpsc::channel();
        let desk = self.log.inlet();
        for (i, (tenant, entity, verb, body)) in commands.iter().enumerate() {
            let subject = CommandSubject {
                tenant: TenantId::parse(tenant).unwrap(),
                caller: CallerId::parse("cli").unwrap(),
                entity: *entity,
                verb,
            };
            let request =
                decode_command(subject, Encoding::Json, body.to_string().as_bytes(), None, &self.key())
                    .unwrap();
            let send = send.clone();
            desk.submit(request, Box::new(move |outcome| send.send((i, outcome)).unwrap()));
        }
        drop(send);
        let mut all: Vec<_> = answers.iter().collect();
        all.sort_by_key(|(i, _)| *i);
        assert_eq!(all.len(), commands.len());
        all.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn tell(&self, entity: Entity, verb: &'static str, body: Value) -> Outcome {
        self.tell_all(&[(entity, verb, body)]).remove(0)
    }

    fn records(&self) -> Vec<Vec<u8>> {
        self.log
            .reader()
            .read(LogPosition::FIRST, usize::MAX, usize::MAX)
            .unwrap()
            .into_iter()
            .map(Vec::from)
            .collect()
    }

    fn close(self) {
        self.log.close().unwrap();
        assert!(self.halt.reason().is_none(), "{:?}", self.halt.reason());
    }
}

fn id(n: u128) -> String {
    Uuid::from_u128(n).to_string()
}

fn ticket(n: u128) -> Entity {
    Entity::Ticket(TicketId(Uuid::from_u128(n)))
}

fn body(command: u128, data: Value) -> Value {
    json!({"command_id": id(command), "actor": {"kind": "agent", "id": "alice"}, "data": data})
}

fn create(command: u128) -> Value {
    body(
        command,
        json!({"subject": "VPN drops", "description": "Often.", "channel": "email", "requester": {"id": "r-1"}}),
    )
}

fn comment(command: u128, text: &str) -> Value {
    body(command, json!({"visibility": "internal", "body": text}))
}

/// What a power cut would leave at best and a `kill -9` leaves always: the files as they are now.
fn crash_image(dir: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            crash_image(&entry.path(), &target);
        } else if entry.file_name() != "LOCK" && !target.ends_with("checkpoint.next") {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Positions without a gap, every hash chain whole, every command's events together.
fn check_log(records: &[Vec<u8>]) {
    let mut streams = std::collections::BTreeMap::new();
    for (i, bytes) in records.iter().enumerate() {
        let record = decode_record(bytes).unwrap();
        assert_eq!(record.position.get(), i as u64 + 1);
        let (version, hash) = streams
            .insert(record.stream_id.clone(), (record.version.get(), Hash::of_record(bytes)))
            .unwrap_or((0, Hash::ZERO));
        assert_eq!(
            (record.version.get(), record.prev_hash),
            (version + 1, hash),
            "position {}",
            record.position
        );
    }
}

#[test]
fn a_command_has_one_outcome_also_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let (live, image) = (dir.path().join("live"), dir.path().join("image"));
    let desk = Desk::open(&live);
    let first = desk.tell(ticket(1), "create", create(10)).unwrap();
    assert_eq!((first.number.as_deref(), first.version, first.replayed), (Some("T-1"), 1, false));
    let again = desk.tell(ticket(1), "create", create(10)).unwrap();
    assert_eq!(again, Accepted { replayed: true, ..first.clone() });
    crash_image(&live, &image);

    let after = Desk::open(&image);
    assert_eq!(after.tell(ticket(1), "create", create(10)).unwrap(), Accepted { replayed: true, ..first });
    let other = desk.tell(ticket(1), "add_comment", comment(10, "same id")).unwrap_err();
    assert_eq!(other.code(), "command_id_reused");
    check_log(&after.records());
    after.close();
    desk.close();
}

#[test]
fn an_outcome_without_events_is_kept_too() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    desk.tell(ticket(1), "create", create(10)).unwrap();
    let reopen = || body(11, json!({"reason": "again"}));
    let nothing = desk.tell(ticket(1), "reopen", reopen()).unwrap();
    assert_eq!((nothing.events.len(), nothing.version), (0, 1));
    desk.tell(ticket(1), "add_comment", comment(12, "later")).unwrap();
    desk.close();
    let desk = Desk::open(dir.path());
    assert_eq!(desk.tell(ticket(1), "reopen", reopen()).unwrap(), Accepted { replayed: true, ..nothing });
    desk.close();
}

#[test]
fn commands_of_one_batch_see_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    let mut commands = vec![(ticket(1), "create", create(10))];
    for n in 0..300 {
        commands.push((ticket(1), "add_comment", comment(1000 + n, "hot")));
    }
    // Every comment a second time: the same answer, no second event.
    for n in 0..300 {
        commands.push((ticket(1), "add_comment", comment(1000 + n, "hot")));
    }
    let answers: Vec<_> = desk.tell_all(&commands).into_iter().map(Result::unwrap).collect();
    for n in 1..=300 {
        assert_eq!(answers[n].version, n as u64 + 1);
        assert_eq!(answers[n + 300], Accepted { replayed: true, ..answers[n].clone() });
    }
    check_log(&desk.records());
    // The start, the key of the requester, and what the answers name.
    assert_eq!(desk.records().len(), 1 + 1 + 301);
    desk.close();
}

#[test]
fn numbers_are_dense_and_go_on_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let (live, image) = (dir.path().join("live"), dir.path().join("image"));
    let desk = Desk::open(&live);
    for n in 1..=5 {
        assert_eq!(desk.tell(Entity::New, "create", create(n)).unwrap().number, Some(format!("T-{n}")));
    }
    let dry = json!({"dry_run": true});
    let mut asked = create(99);
    asked.as_object_mut().unwrap().extend(dry.as_object().unwrap().clone());
    assert_eq!(desk.tell(Entity::New, "create", asked).unwrap().number.as_deref(), Some("T-6"));
    crash_image(&live, &image);
    let after = Desk::open(&image);
    assert_eq!(after.tell(Entity::New, "create", create(6)).unwrap().number.as_deref(), Some("T-6"));
    after.close();
    desk.close();
}

#[test]
fn a_conflict_names_the_events_that_were_missed() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    desk.tell(ticket(1), "create", create(10)).unwrap();
    for n in 0..30 {
        desk.tell(ticket(1), "add_comment", comment(100 + n, "more")).unwrap();
    }
    let mut late = comment(500, "late");
    late["expected_version"] = json!(1);
    let conflict = desk.tell(ticket(1), "add_comment", late).unwrap_err();
    let guichet_schemas::rejection::Rejection::VersionConflict { expected, actual, missed, missed_count } =
        conflict
    else {
        panic!("{conflict}")
    };
    assert_eq!((expected, actual, missed_count), (1, 31, 30));
    assert_eq!(missed.iter().map(|m| m.version.get()).collect::<Vec<_>>(), (12..=31).collect::<Vec<_>>());
    let second = desk.tell(ticket(1), "create", create(501)).unwrap_err();
    assert_eq!(second.code(), "version_conflict");
    desk.close();
}

#[test]
fn a_long_history_loads_from_its_snapshot_and_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    desk.tell(ticket(1), "create", create(10)).unwrap();
    for n in 0..250 {
        desk.tell(ticket(1), "add_comment", comment(1000 + n, "long")).unwrap();
    }
    desk.close();
    let desk = Desk::open(dir.path());
    let next = desk.tell(ticket(1), "add_comment", comment(5000, "after the restart")).unwrap();
    assert_eq!(next.version, 252);
    check_log(&desk.records());
    desk.close();
}

#[test]
fn an_external_reference_is_unique() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    let with_ref = |command| {
        let mut b = create(command);
        b["data"]["external_ref"] = json!({"source": "jira", "id": "OPS-1"});
        b
    };
    let answers = desk.tell_all(&[(ticket(1), "create", with_ref(10)), (ticket(2), "create", with_ref(11))]);
    assert!(answers[0].is_ok());
    assert_eq!(answers[1].as_ref().unwrap_err().code(), "duplicate");
    desk.close();
}

#[test]
fn every_start_is_an_epoch_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    for epoch in 1..=3 {
        let desk = Desk::open(dir.path());
        assert_eq!(desk.log.head.epoch.0, epoch);
        desk.close();
    }
    let desk = Desk::open(dir.path());
    let records = desk.records();
    check_log(&records);
    let kinds: Vec<_> = records.iter().map(|r| decode_record(r).unwrap().stream_kind).collect();
    assert_eq!(kinds, vec![StreamKind::System; 4]);
    desk.close();
}

#[test]
fn two_engines_do_not_share_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    assert!(matches!(Desk::try_open(dir.path()), Err(OpenError::Locked(_))));
    desk.close();
}

#[test]
fn a_flipped_bit_in_the_write_ahead_log_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (live, image) = (dir.path().join("live"), dir.path().join("image"));
    let desk = Desk::open(&live);
    for n in 1..=200 {
        desk.tell(Entity::New, "create", create(n)).unwrap();
    }
    crash_image(&live, &image);
    desk.close();
    let wal = std::fs::read_dir(image.join("rocksdb"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "log"))
        .max_by_key(|p| p.metadata().unwrap().len())
        .unwrap();
    let mut bytes = std::fs::read(&wal).unwrap();
    let middle = bytes.len() / 4;
    bytes[middle] ^= 1;
    std::fs::write(&wal, bytes).unwrap();
    // RocksDB's default would open here, with most of the records gone and no error.
    let refused = Desk::try_open(&image).unwrap_err();
    assert!(matches!(refused, OpenError::Store(_) | OpenError::Lost(_)), "{refused}");
}

// The first build with a new column family could not verify what the one before had written: only engines make them.
#[test]
fn a_folder_that_lacks_a_later_column_family_is_read_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    Desk::open(dir.path()).close();
    let database = dir.path().join("rocksdb");
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, &database).unwrap();
    let mut db = rocksdb::DB::open_cf(&options, &database, &families).unwrap();
    db.drop_cf("config").unwrap();
    drop(db);
    let memory = Memory::new(8 << 20, 16 << 20);
    assert_eq!(StoppedLog::open(dir.path(), &memory).unwrap().head(), 1);
    let work = tempfile::tempdir().unwrap();
    assert_eq!(LiveLog::open(dir.path(), work.path(), &memory).unwrap().head(), 1);
    // Who writes makes it.
    Desk::open(dir.path()).close();
    assert!(rocksdb::DB::list_cf(&options, &database).unwrap().contains(&"config".to_owned()));
}

// Tenants choose the ids of their tickets themselves. What was under way of another's ticket of the same id was named.
#[test]
fn a_conflict_names_the_events_of_its_own_tenant_alone() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path());
    let made = json!({"command_id": id(1), "actor": {"kind": "admin", "id": "ana"}, "data": {"kind": "tenant", "body": {}}});
    let stale = |command| {
        let mut stale = comment(command, "late");
        stale["expected_version"] = json!(0);
        stale
    };
    let mut commands = vec![("acme", Entity::Config, "publish_config", made)];
    for tenant in ["default", "acme"] {
        commands.push((tenant, ticket(7), "create", create(2)));
    }
    for n in 0..20 {
        commands.push(("default", ticket(7), "add_comment", comment(10 + n, "theirs")));
        commands.push(("acme", ticket(7), "add_comment", stale(100 + n)));
    }
    let outcomes = desk.tell_all_of(&commands);
    let created = outcomes[2].as_ref().unwrap();
    let conflicts = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    let mut seen = 0;
    for conflict in conflicts {
        let Rejection::VersionConflict { missed, missed_count, actual, .. } = conflict else {
            panic!("{conflict}")
        };
        let positions: Vec<_> = missed.iter().map(|event| event.position.get()).collect();
        assert_eq!((*actual, *missed_count, positions), (1, 1, vec![created.position]));
        seen += 1;
    }
    assert_eq!(seen, 20);
    desk.close();
}
