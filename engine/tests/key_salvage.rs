//! A key store that is damaged: every key that is left somewhere in its files is brought over, and where that is not every
//! key that the log names, the start is refused and says which is missing.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use guichet_engine::halt::Halt;
use guichet_engine::log::{GivenUp, Log, Lost, Memory, OpenError, Terms};
use guichet_engine::protection::Protection;
use guichet_keys::KeyStore;
use guichet_schemas::codec::{Encoding, decode_command, decode_record};
use guichet_schemas::command::Entity;
use guichet_schemas::event::{Event, KeyCreated, LogEvent};
use guichet_schemas::ids::{CallerId, KeyId, TenantId};
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject::CommandSubject;
use guichet_test_support::damage::{self, copy, flip, largest};
use serde_json::json;
use uuid::Uuid;

/// Keys in tables, and keys in the write-ahead log alone.
const IN_TABLES: u128 = 30;
const IN_WAL: u128 = 20;

/// What a process leaves that dies with keys in its tables and in its write-ahead log.
struct Left(tempfile::TempDir);

impl Left {
    fn new() -> Self {
        let (alive, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log = open(alive.path(), GivenUp::default()).unwrap();
        (0..IN_TABLES).for_each(|n| create(&log, n));
        log.close().unwrap();
        let log = open(alive.path(), GivenUp::default()).unwrap();
        (IN_TABLES..IN_TABLES + IN_WAL).for_each(|n| create(&log, n));
        copy(alive.path(), dir.path());
        log.close().unwrap();
        Self(dir)
    }

    /// A copy of it, to be harmed.
    fn again(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        copy(self.0.path(), dir.path());
        dir
    }
}

fn open(dir: &Path, accept_loss: GivenUp) -> Result<Log, OpenError> {
    let protection = Protection::within(dir, Partition(0));
    let memory = Memory::new(8 << 20, 16 << 20);
    let terms = Terms { accept_loss, ..Terms::default() };
    Log::open_on(&terms, &dir.join("log-0"), Partition(0), &memory, &protection, &Halt::new())
}

/// A ticket of a requester of its own, who gets a key.
fn create(log: &Log, n: u128) {
    let requester = json!({"id": format!("r-{n}")});
    let data = json!({"subject": "VPN", "description": "Often.", "channel": "email", "requester": requester});
    let (tenant, caller) = (TenantId::default_tenant(), CallerId::parse("tests").unwrap());
    let subject = CommandSubject { tenant, caller, entity: Entity::New, verb: "create" };
    let id = Uuid::from_u128(0xc0_0000 + n).to_string();
    let body = json!({"command_id": id, "actor": {"kind": "agent", "id": "alice"}, "data": data}).to_string();
    let request = decode_command(subject, Encoding::Json, body.as_bytes(), None, &log.request_key.0).unwrap();
    let (answer, answered) = mpsc::channel();
    log.inlet().submit(request, Box::new(move |outcome| answer.send(outcome).unwrap()));
    answered.recv().unwrap().unwrap();
}

/// The keys that the log names, with the positions of their records.
fn named(log: &Log) -> Vec<(u64, KeyCreated)> {
    let records = log.reader().read(LogPosition::FIRST, usize::MAX, usize::MAX).unwrap();
    let decoded = records.iter().map(|bytes| decode_record(bytes).unwrap());
    decoded
        .filter_map(|record| {
            if let Event::Log(LogEvent::KeyCreated(created)) = record.event {
                Some((record.position.get(), created))
            } else {
                None
            }
        })
        .collect()
}

/// How many of the keys that the log names the store has; `None`: it meets damage while it reads.
fn has(log: &Log) -> Option<usize> {
    let (store, named) = (log.keys().unwrap(), named(log));
    assert_eq!(named.len() as u128, IN_TABLES + IN_WAL);
    let mut count = 0;
    for (_, key) in named {
        match store.get("default", key.key_id) {
            Ok(Some((_, commitment))) => assert_eq!(commitment, key.commitment),
            Ok(None) => continue,
            Err(fault) => {
                assert!(fault.kind().is_damage(), "{fault}");
                return None;
            }
        }
        count += 1;
    }
    Some(count)
}

fn is_whole(dir: &Path) {
    let log = open(dir, GivenUp::default()).unwrap();
    assert_eq!(has(&log), Some((IN_TABLES + IN_WAL) as usize));
    let store: std::sync::Arc<KeyStore> = log.keys().unwrap();
    for (_, key) in named(&log) {
        assert_eq!(store.keys_of("default", &key.subject).unwrap(), [key.key_id]);
    }
    drop(store);
    // Somebody new, and somebody known.
    create(&log, 1_000);
    log.close().unwrap();
    let left = std::fs::read_dir(dir.join("keys-0")).unwrap().flatten();
    let names: Vec<_> = left.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name == "rocksdb.kept" || name == "damaged"), "{names:?}");
}

fn files(dir: &Path, part: &str) -> Vec<PathBuf> {
    damage::files(&dir.join("keys-0/rocksdb"), part)
}

/// The write-ahead log with keys.
fn wal(dir: &Path) -> PathBuf {
    largest(&dir.join("keys-0/rocksdb"), ".log")
}

/// The table in which these bytes stand.
fn table_with(dir: &Path, bytes: &[u8]) -> PathBuf {
    let holds = |path: &PathBuf| std::fs::read(path).unwrap().windows(bytes.len()).any(|at| at == bytes);
    files(dir, ".sst").into_iter().find(holds).unwrap()
}

fn length(path: &Path) -> usize {
    usize::try_from(path.metadata().unwrap().len()).unwrap()
}

fn cut(path: &Path, to: usize) {
    std::fs::File::options().write(true).open(path).unwrap().set_len(to as u64).unwrap();
}

#[test]
fn a_damaged_list_of_files_takes_no_key() {
    let left = Left::new();
    let harms: [fn(&Path); 7] = [
        |dir| flip(&files(dir, "MANIFEST")[0], |length| length / 2),
        |dir| cut(&files(dir, "MANIFEST")[0], length(&files(dir, "MANIFEST")[0]) / 2),
        |dir| cut(&files(dir, "MANIFEST")[0], 0),
        |dir| std::fs::remove_file(&files(dir, "MANIFEST")[0]).unwrap(),
        |dir| std::fs::remove_file(&files(dir, "CURRENT")[0]).unwrap(),
        |dir| cut(&files(dir, "CURRENT")[0], 0),
        |dir| flip(&files(dir, "CURRENT")[0], |_| 12),
    ];
    for harm in harms {
        let dir = left.again();
        harm(dir.path());
        is_whole(dir.path());
    }
}

#[test]
fn without_the_key_of_the_tags_every_key_gets_its_tag_again() {
    let left = Left::new();
    let dir = left.again();
    let meta = table_with(dir.path(), b"names");
    // In the row itself, behind its name.
    let at = std::fs::read(&meta).unwrap().windows(5).position(|at| at == b"names").unwrap();
    flip(&meta, |_| at + 30);
    is_whole(dir.path());
}

#[test]
fn a_key_that_is_nowhere_any_more_is_named_and_all_others_are_brought_over() {
    let left = Left::new();
    let dir = left.again();
    let wal = wal(dir.path());
    flip(&wal, |length| length / 2);
    let error = open(dir.path(), GivenUp::default()).unwrap_err();
    let OpenError::Lost(Lost::Keys { position, more: 0 }) = error else { panic!("{error}") };
    assert!(error.protects_data() && error.to_string().contains("--accept-loss keys"), "{error}");
    let again = open(dir.path(), GivenUp::default()).unwrap_err();
    assert!(matches!(again, OpenError::Lost(Lost::Keys { more: 0, .. })), "{again}");
    // A refused start leaves everything for the next: somebody brings the file back.
    let healed = tempfile::tempdir().unwrap();
    copy(dir.path(), healed.path());
    std::fs::copy(
        left.0.path().join("keys-0/rocksdb").join(wal.file_name().unwrap()),
        self::wal(healed.path()),
    )
    .unwrap();
    is_whole(healed.path());

    let log = open(dir.path(), GivenUp { keys: true, ..GivenUp::default() }).unwrap();
    assert_eq!(has(&log), Some((IN_TABLES + IN_WAL) as usize - 1));
    let lost = named(&log).into_iter().find(|(at, _)| *at == position).unwrap().1;
    assert!(log.keys().unwrap().get("default", lost.key_id).unwrap().is_none());
    log.close().unwrap();
    // Said once.
    open(dir.path(), GivenUp::default()).unwrap().close().unwrap();
}

#[test]
fn a_table_that_is_found_damaged_while_it_is_read_is_named_by_the_next_start() {
    let left = Left::new();
    let dir = left.again();
    // Whose key it is stands in that table too; this is in the block of the keys themselves.
    let log = open(dir.path(), GivenUp::default()).unwrap();
    // A row holds of its id what it does not share with the row before it: of one that begins alone, all of it.
    let ids: Vec<_> = named(&log).into_iter().map(|(_, key)| key.key_id).collect();
    let begins_alone =
        |id: &&KeyId| ids.iter().filter(|other| other.0.as_bytes()[0] == id.0.as_bytes()[0]).count() == 1;
    let first = *ids.iter().find(begins_alone).expect("one of so many begins alone");
    log.close().unwrap();
    let dir = left.again();
    let table = table_with(dir.path(), first.0.as_bytes());
    let at = std::fs::read(&table).unwrap().windows(16).position(|at| at == first.0.as_bytes()).unwrap();
    flip(&table, |_| at + 20);
    let log = open(dir.path(), GivenUp::default()).expect("opening reads none of it");
    assert_eq!(has(&log), None);
    log.close().unwrap();
    let error = open(dir.path(), GivenUp::default()).unwrap_err();
    assert!(matches!(error, OpenError::Lost(Lost::Keys { .. })), "{error}");
    let log = open(dir.path(), GivenUp { keys: true, ..GivenUp::default() }).unwrap();
    assert!(has(&log).unwrap() >= IN_WAL as usize, "the write-ahead log is whole");
    log.close().unwrap();
}

/// Whatever the byte: every key is there, or the start is refused and names the first that is not.
#[test]
fn a_flip_anywhere_is_mended_or_named() {
    let left = Left::new();
    let (mut whole, mut refused) = (0, 0);
    for part in ["MANIFEST", "CURRENT", ".log", ".sst"] {
        for file in 0..files(left.0.path(), part).len() {
            let size = length(&files(left.0.path(), part)[file]);
            for at in (0..size).step_by((size / 7).max(1)) {
                let dir = left.again();
                flip(&files(dir.path(), part)[file], |_| at);
                let mut opened = open(dir.path(), GivenUp::default());
                if let Ok(log) = &opened
                    && has(log).is_none()
                {
                    opened.unwrap().close().ok();
                    opened = open(dir.path(), GivenUp::default());
                }
                match opened {
                    Ok(log) => {
                        assert_eq!(
                            has(&log),
                            Some((IN_TABLES + IN_WAL) as usize),
                            "{part} {file} byte {at}: keys are missing in silence"
                        );
                        log.close().unwrap();
                        whole += 1;
                    }
                    Err(OpenError::Lost(Lost::Keys { .. })) => refused += 1,
                    Err(error) => panic!("{part} {file} byte {at}: {error}"),
                }
            }
        }
    }
    assert!(whole > 10 && refused > 0, "{whole} whole, {refused} refused");
}
