//! The tree from outside: what is on disk is signed within a moment, restarts and crashes included, and a log that is
//! not the one that was signed is not continued.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use guichet_engine::halt::{Halt, HaltReason};
use guichet_engine::log::{Log, Memory, OpenError, TreeReader, keys, options};
use guichet_engine::notary::{AnchorError, KeyFileError, Notarised, NotaryError, read_public};
use guichet_engine::protection::Protection;
use guichet_proof::{Edge, SignedCheckpoint, prove};
use guichet_schemas::codec::{Encoding, decode_command};
use guichet_schemas::command::Entity;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CallerId, TenantId, TicketId};
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject::CommandSubject;
use rocksdb::{ColumnFamilyDescriptor, DB};
use serde_json::{Value, json};
use uuid::Uuid;

struct Desk {
    log: Log,
    halt: Halt,
    commands: u128,
}

impl Desk {
    fn open(dir: &Path) -> Self {
        Self::try_open(dir).unwrap()
    }

    fn try_open(dir: &Path) -> Result<Self, OpenError> {
        let (halt, memory) = (Halt::new(), Memory::new(8 << 20, 16 << 20));
        let protection = Protection::within(dir, Partition(0));
        let log = Log::open(&dir.join("log-0"), Partition(0), &memory, &protection, &halt)?;
        let commands = u128::from(log.head.position.get()) << 64;
        Ok(Self { log, halt, commands })
    }

    /// Opens a new ticket and comments on it until so many records were added.
    fn write(&mut self, records: usize) {
        self.commands += 1;
        let id = TicketId(Uuid::from_u128(self.commands));
        let create = json!({"subject": "VPN drops", "description": "Often.", "channel": "email", "requester": {"id": "r-1"}});
        self.send(id, &[("create", create)]);
        let comment = json!({"visibility": "internal", "body": "Again."});
        self.send(id, &vec![("add_comment", comment); records - 1]);
    }

    fn send(&mut self, ticket: TicketId, commands: &[(&'static str, Value)]) {
        let (send, answers) = mpsc::channel();
        for (verb, data) in commands {
            self.commands += 1;
            let (tenant, caller) = (TenantId::default_tenant(), CallerId::parse("tests").unwrap());
            let subject = CommandSubject { tenant, caller, entity: Entity::Ticket(ticket), verb };
            let id = Uuid::from_u128(self.commands).to_string();
            let body = json!({"command_id": id, "actor": {"kind": "agent", "id": "alice"}, "data": data})
                .to_string();
            let request =
                decode_command(subject, Encoding::Json, body.as_bytes(), None, &self.log.request_key.0)
                    .unwrap();
            let send = send.clone();
            self.log.inlet().submit(request, Box::new(move |outcome| send.send(outcome).unwrap()));
        }
        drop(send);
        assert_eq!(answers.iter().filter(Result::is_ok).count(), commands.len());
    }

    fn head(&self) -> u64 {
        self.log.reader().head().unwrap().get()
    }

    fn records(&self) -> Vec<Vec<u8>> {
        let read = self.log.reader().read(LogPosition::FIRST, usize::MAX, usize::MAX).unwrap();
        read.into_iter().map(Vec::from).collect()
    }

    /// The checkpoint that covers all that is on disk.
    fn signed(&self) -> Arc<Notarised> {
        let (tree, head) = (self.log.tree(), self.head());
        eventually(|| tree.newest().filter(|newest| newest.checkpoint().size() == head))
    }

    fn close(self) {
        self.log.close().unwrap();
        assert!(self.halt.reason().is_none(), "{:?}", self.halt.reason());
    }
}

fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "waited for twenty seconds");
        std::thread::yield_now();
    }
}

fn anchored(dir: &Path) -> SignedCheckpoint {
    let key = read_public(&dir.join("signing.key")).unwrap();
    SignedCheckpoint::open(&std::fs::read(dir.join("anchor-0/checkpoint")).unwrap(), &key).unwrap()
}

fn root_of(records: &[Vec<u8>]) -> Hash {
    let mut edge = Edge::new();
    records.iter().for_each(|record| edge.append(Hash::of_record(record), &mut Vec::new()));
    edge.root()
}

/// The files as they are now: what a `kill -9` leaves.
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

/// The database of a stopped log, as somebody opens it who may do everything.
fn by_root(dir: &Path) -> DB {
    let memory = Memory::new(8 << 20, 16 << 20);
    let families = keys::ALL
        .map(|name| ColumnFamilyDescriptor::new(name, options::column_family(name, &memory).unwrap()));
    DB::open_cf_descriptors(&options::database(&memory), dir.join("log-0/rocksdb"), families).unwrap()
}

fn refused(dir: &Path) -> NotaryError {
    match Desk::try_open(dir).map(Desk::close) {
        Err(OpenError::Notary(error)) => error,
        other => panic!("not refused by the notary: {other:?}"),
    }
}

#[test]
fn what_is_on_disk_is_signed_within_a_moment_and_anchored_before_anybody_hears() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path());
    for records in [1, 5, 300, 40] {
        desk.write(records);
        let signed = desk.signed();
        assert_eq!(signed.checkpoint().root(), root_of(&desk.records()));
        assert_eq!(anchored(dir.path()), *signed.checkpoint());
    }
    desk.close();
}

#[test]
fn a_stop_signs_all_and_a_start_goes_on_from_there() {
    let dir = tempfile::tempdir().unwrap();
    for records in [3, 400, 1000, 1] {
        let mut desk = Desk::open(dir.path());
        let before = anchored(dir.path());
        desk.write(records);
        let (head, records, tree) = (desk.head(), desk.records(), desk.log.tree());
        desk.close();
        let now = anchored(dir.path());
        assert_eq!((now.size(), now.root()), (head, root_of(&records)));
        assert_eq!(tree.newest().unwrap().checkpoint(), &now, "the last checkpoint was not told");
        assert_eq!(root_of(&records[..usize::try_from(before.size()).unwrap()]), before.root());
    }
}

#[test]
fn every_record_is_proven_by_the_tiles_and_so_is_every_older_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path());
    let mut older = Vec::new();
    for records in [10, 246, 300, 33] {
        desk.write(records);
        older.push(desk.signed());
    }
    let (newest, tree, records) = (desk.signed(), desk.log.tree(), desk.records());
    let (size, root) = (newest.checkpoint().size(), newest.checkpoint().root());
    for (index, record) in records.iter().enumerate() {
        prove::inclusion(size, root, index as u64, Hash::of_record(record), &tree).unwrap();
    }
    for then in older {
        let then = then.checkpoint();
        prove::consistency::<TreeReader>(size, root, then.size(), then.root(), &tree).unwrap();
    }
    desk.close();
}

#[test]
fn a_crash_loses_no_leaf() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path());
    desk.write(700);
    let image = tempfile::tempdir().unwrap();
    crash_image(dir.path(), image.path());
    let records = desk.records();
    desk.close();

    let desk = Desk::open(image.path());
    assert_eq!(desk.records()[..records.len()], records);
    assert_eq!(desk.signed().checkpoint().root(), root_of(&desk.records()));
    desk.close();
}

#[test]
fn a_log_that_ends_before_its_anchor_is_not_continued() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path());
    desk.write(20);
    let older = desk.head();
    desk.signed();
    let image = tempfile::tempdir().unwrap();
    crash_image(dir.path(), image.path());
    desk.write(20);
    desk.close();
    let newer = anchored(dir.path());

    std::fs::copy(dir.path().join("anchor-0/checkpoint"), image.path().join("anchor-0/checkpoint")).unwrap();
    let before = std::fs::read(image.path().join("anchor-0/checkpoint")).unwrap();
    let NotaryError::Anchor(AnchorError::Ahead { log, anchored, first_missing, .. }) = refused(image.path())
    else {
        panic!("not refused for what is missing");
    };
    assert_eq!((log, anchored, first_missing), (older, newer.size(), older + 1));
    assert_eq!(std::fs::read(image.path().join("anchor-0/checkpoint")).unwrap(), before);
}

#[test]
fn a_record_that_was_changed_since_it_was_signed_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path());
    desk.write(20);
    desk.close();
    let db = by_root(dir.path());
    let (events, key) = (db.cf_handle(keys::EVENTS).unwrap(), 7u64.to_be_bytes());
    let mut record = db.get_cf(events, key).unwrap().unwrap();
    *record.last_mut().unwrap() ^= 1;
    db.put_cf(events, key, record).unwrap();
    drop(db);
    assert!(matches!(refused(dir.path()), NotaryError::Anchor(AnchorError::OtherPast { .. })));
}

#[test]
fn a_tree_that_is_damaged_is_made_again_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path());
    desk.write(900);
    desk.close();
    for damage in [Some([7u8; 8192].as_slice()), Some(&[7; 31]), None] {
        let db = by_root(dir.path());
        let tree = db.cf_handle(keys::TREE).unwrap();
        match damage {
            Some(hashes) => db.put_cf(tree, keys::tile(0, 1), hashes).unwrap(),
            None => db.delete_cf(tree, keys::tile(0, 1)).unwrap(),
        }
        drop(db);
        let desk = Desk::open(dir.path());
        assert_eq!(desk.signed().checkpoint().root(), root_of(&desk.records()));
        desk.close();
    }
}

#[test]
fn a_log_without_its_anchor_or_its_key_is_not_continued() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path());
    desk.write(3);
    desk.close();
    let (anchor, key) = (dir.path().join("anchor-0/checkpoint"), dir.path().join("signing.key"));
    let (away, note) = (dir.path().join("away"), std::fs::read_to_string(&anchor).unwrap());

    std::fs::rename(&anchor, &away).unwrap();
    assert!(matches!(refused(dir.path()), NotaryError::Anchor(AnchorError::Missing { .. })));
    let mut lines: Vec<&str> = note.split('\n').collect();
    assert_eq!(std::mem::replace(&mut lines[1], "4"), "5", "the size");
    std::fs::write(&anchor, lines.join("\n")).unwrap();
    assert!(matches!(refused(dir.path()), NotaryError::Anchor(AnchorError::Unbelieved { .. })));
    std::fs::rename(&away, &anchor).unwrap();

    std::fs::rename(&key, &away).unwrap();
    assert!(matches!(refused(dir.path()), NotaryError::Key(KeyFileError::Missing(_))));
    std::fs::rename(&away, &key).unwrap();
    Desk::open(dir.path()).close();
}

#[test]
fn an_anchor_that_cannot_be_written_ends_all_answers() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(dir.path());
    desk.write(1);
    desk.signed();
    std::fs::remove_dir_all(dir.path().join("anchor-0")).unwrap();
    std::fs::write(dir.path().join("anchor-0"), "no folder").unwrap();
    desk.write(1);
    let reason = eventually(|| desk.halt.reason().cloned());
    assert!(
        matches!(&reason, HaltReason::Storage(fault) if fault.to_string().contains("anchor")),
        "{reason}"
    );
}
