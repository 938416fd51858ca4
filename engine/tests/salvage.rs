//! A database that is damaged while records are in it that nobody else has: what it still holds is brought over, and
//! where that is not all that was told, the start is refused with the range.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use bytes::Bytes;
use guichet_engine::halt::Halt;
use guichet_engine::log::{
    Copied, CopyError, EventCopy, GivenUp, Log, Lost, Memory, NoCopy, OpenError, Terms,
};
use guichet_engine::protection::Protection;
use guichet_schemas::codec::{Encoding, decode_command};
use guichet_schemas::command::Entity;
use guichet_schemas::ids::{CallerId, TenantId, TicketId};
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::wire::Accepted;
use guichet_test_support::damage::{self, copy, flip, largest};
use serde_json::json;
use uuid::Uuid;

/// A stream that has the first records, and not the rest.
struct Kept(Vec<Bytes>);

impl EventCopy for Kept {
    fn last(&self) -> Result<u64, CopyError> {
        Ok(self.0.len() as u64)
    }

    fn read(&self, from: LogPosition, most: usize) -> Result<Vec<Copied>, CopyError> {
        let from = usize::try_from(from.get()).unwrap() - 1;
        Ok(self.0.iter().skip(from).take(most).cloned().map(Copied::from).collect())
    }
}

/// What a process leaves that dies with records in its tables and in its write-ahead log.
struct Left {
    dir: tempfile::TempDir,
    all: Vec<Bytes>,
    /// Where the tables end.
    in_tables: usize,
    /// What was signed at that time.
    older: Vec<u8>,
}

fn open(dir: &Path, terms: &Terms<'_>) -> Result<Log, OpenError> {
    let protection = Protection::within(dir, Partition(0));
    let memory = Memory::new(8 << 20, 16 << 20);
    Log::open_on(terms, &dir.join("log-0"), Partition(0), &memory, &protection, &Halt::new())
}

fn records(log: &Log) -> Vec<Bytes> {
    log.reader().read(LogPosition::FIRST, usize::MAX, usize::MAX).unwrap()
}

impl Left {
    /// Comments of some KiB each: so many that are in the tables, and more that are not.
    fn new() -> Self {
        Self::of(true)
    }

    /// The same, and the last of them are signed, or may not be.
    fn of(all_signed: bool) -> Self {
        let (alive, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log = open(alive.path(), &Terms::default()).unwrap();
        send(&log, 0, "create", "Often.");
        for n in 1..40 {
            send(&log, n, "add_comment", &"a".repeat(6_000));
        }
        log.close().unwrap();
        let log = open(alive.path(), &Terms::default()).unwrap();
        let in_tables = records(&log).len() - 1;
        let older = std::fs::read(alive.path().join("anchor-0/checkpoint")).unwrap();
        for n in 40..60 {
            send(&log, n, "add_comment", &"b".repeat(6_000));
        }
        send(&log, 60, "set_priority", "high");
        assert!(send(&log, 61, "set_priority", "high").events.is_empty(), "an answer without events");
        send(&log, 62, "add_comment", "The last one.");
        let all = records(&log);
        if all_signed {
            signed(alive.path(), all.len());
        }
        copy(alive.path(), dir.path());
        log.close().unwrap();
        Self { dir, all, in_tables, older }
    }

    /// A copy of it, to be harmed.
    fn again(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        copy(self.dir.path(), dir.path());
        dir
    }

    fn older_anchor(&self) -> &[u8] {
        &self.older
    }

    fn published(&self, through: usize) -> Kept {
        Kept(self.all[..through].to_vec())
    }

    /// Opens it with a stream that has so many records, and compares.
    fn is_whole(&self, dir: &Path, published: usize) {
        let kept = self.published(published);
        let log = open(dir, &Terms { copy: &kept, ..Terms::default() }).unwrap();
        let found = records(&log);
        assert!(found[..self.all.len()] == self.all[..], "{} of {} records", found.len(), self.all.len());
        assert_eq!(found.len(), self.all.len() + 1, "the epoch, and nothing else");
        assert!(send(&log, 62, "add_comment", "The last one.").replayed);
        assert!(send(&log, 61, "set_priority", "high").replayed, "also an answer that stands in no record");
        log.close().unwrap();
        let left = std::fs::read_dir(dir.join("log-0")).unwrap().flatten();
        assert!(left.into_iter().all(|entry| entry.file_name() != "rocksdb.kept"));
    }

    fn refused(&self, dir: &Path, published: usize) -> OpenError {
        let kept = self.published(published);
        let error = open(dir, &Terms { copy: &kept, ..Terms::default() }).unwrap_err();
        assert!(error.protects_data(), "{error}");
        error
    }
}

fn send(log: &Log, n: u128, verb: &'static str, text: &str) -> Accepted {
    let data = match verb {
        "create" => {
            json!({"subject": "VPN drops", "description": text, "channel": "email", "requester": {"id": "r-1"}})
        }
        "set_priority" => json!({"priority": text}),
        _ => json!({"visibility": "internal", "body": text}),
    };
    let (tenant, caller) = (TenantId::default_tenant(), CallerId::parse("tests").unwrap());
    let entity = Entity::Ticket(TicketId(Uuid::from_u128(7)));
    let subject = CommandSubject { tenant, caller, entity, verb };
    let id = Uuid::from_u128(0xc0_0000 + n).to_string();
    let body = json!({"command_id": id, "actor": {"kind": "agent", "id": "alice"}, "data": data}).to_string();
    let request = decode_command(subject, Encoding::Json, body.as_bytes(), None, &log.request_key.0).unwrap();
    let (answer, answered) = mpsc::channel();
    log.inlet().submit(request, Box::new(move |outcome| answer.send(outcome).unwrap()));
    answered.recv().unwrap().unwrap()
}

/// Waits until so many records are signed: a stream is proven by that.
fn signed(dir: &Path, size: usize) {
    let begun = std::time::Instant::now();
    let newest = || {
        let note = std::fs::read_to_string(dir.join("anchor-0/checkpoint")).ok()?;
        note.lines().nth(1)?.parse::<usize>().ok()
    };
    while newest().is_none_or(|newest| newest < size) {
        assert!(begun.elapsed().as_secs() < 60, "nothing is signed");
        std::thread::yield_now();
    }
}

fn files(dir: &Path, part: &str) -> Vec<PathBuf> {
    damage::files(&dir.join("log-0/rocksdb"), part)
}

/// The table of the records, which is the largest.
fn table(dir: &Path) -> PathBuf {
    largest(&dir.join("log-0/rocksdb"), ".sst")
}

/// The write-ahead log with records.
fn wal(dir: &Path) -> PathBuf {
    largest(&dir.join("log-0/rocksdb"), ".log")
}

/// As an engine that met the damage while it was reading.
fn marked(dir: &Path) {
    std::fs::write(dir.join("log-0/damaged"), "read the log: Corruption: block checksum mismatch").unwrap();
}

#[test]
fn a_table_that_flips_takes_nothing_of_what_the_write_ahead_log_holds() {
    let left = Left::new();
    for part in [4, 2] {
        let dir = left.again();
        flip(&table(dir.path()), |length| length / part);
        marked(dir.path());
        left.is_whole(dir.path(), left.in_tables);
    }
}

#[test]
fn a_damaged_list_of_files_takes_nothing_at_all() {
    let left = Left::new();
    let harms: [fn(&Path); 4] = [
        |dir| flip(&files(dir, "MANIFEST")[0], |length| length / 2),
        |dir| std::fs::remove_file(&files(dir, "MANIFEST")[0]).unwrap(),
        |dir| std::fs::remove_file(&files(dir, "CURRENT")[0]).unwrap(),
        |dir| {
            // Cut behind what a new database says of itself: the tables are not named any more.
            let file = std::fs::File::options().write(true).open(&files(dir, "MANIFEST")[0]).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        },
    ];
    for harm in harms {
        for published in [0, 5] {
            let dir = left.again();
            harm(dir.path());
            left.is_whole(dir.path(), published);
        }
    }
}

#[test]
fn what_is_nowhere_any_more_is_named_and_what_was_signed_is_not_given_up() {
    let left = Left::new();
    let dir = left.again();
    flip(&wal(dir.path()), |length| length / 2);
    let error = left.refused(dir.path(), left.in_tables);
    let OpenError::Lost(Lost::Signed { from, through }) = error else { panic!("{error}") };
    assert!(from as usize > left.in_tables && from < through, "{from} to {through}");
    assert_eq!(through as usize, left.all.len());
    let kept = left.published(left.in_tables);
    let accept_loss = GivenUp { records_from: Some(from), answers: true, keys: true };
    let refused = open(dir.path(), &Terms { copy: &kept, accept_loss, ..Terms::default() });
    assert!(matches!(refused, Err(OpenError::Lost(Lost::Signed { .. }))), "witnesses hold it");
    // The stream has it after all.
    left.is_whole(dir.path(), left.all.len());
}

#[test]
fn what_was_not_signed_is_given_up_by_hand_alone() {
    let left = Left::of(false);
    let dir = left.again();
    // As if the notary had been slower: what was signed ends with the tables.
    let older = left.older_anchor();
    std::fs::write(dir.path().join("anchor-0/checkpoint"), older).unwrap();
    flip(&wal(dir.path()), |length| length / 2);
    let error = left.refused(dir.path(), left.in_tables);
    let OpenError::Lost(Lost::Records { from, through: Some(_) }) = error else { panic!("{error}") };
    assert!(error.to_string().contains(&format!("--accept-loss records-from-{from}")), "{error}");
    // Another position than the one that was named is no consent.
    let kept = left.published(left.in_tables);
    let terms = |from| Terms {
        copy: &kept,
        accept_loss: GivenUp { records_from: Some(from), answers: true, keys: false },
        ..Terms::default()
    };
    assert!(matches!(open(dir.path(), &terms(from + 1)), Err(OpenError::Lost(Lost::Records { .. }))));
    let log = open(dir.path(), &terms(from)).unwrap();
    let found = records(&log);
    assert_eq!(found.len() as u64, from, "up to there, and the epoch");
    assert!(found[..found.len() - 1] == left.all[..found.len() - 1]);
    log.close().unwrap();
    open(dir.path(), &Terms { copy: &kept, ..Terms::default() }).unwrap().close().unwrap();
}

#[test]
fn a_write_ahead_log_that_was_cut_or_is_gone_is_noticed() {
    let left = Left::new();
    let harms: [fn(&Path); 3] = [
        |wal| std::fs::remove_file(wal).unwrap(),
        |wal| std::fs::File::options().write(true).open(wal).unwrap().set_len(0).unwrap(),
        |wal| {
            let file = std::fs::File::options().write(true).open(wal).unwrap();
            file.set_len(file.metadata().unwrap().len() - 40).unwrap();
        },
    ];
    for harm in harms {
        let dir = left.again();
        harm(&wal(dir.path()));
        let error = left.refused(dir.path(), left.in_tables).to_string();
        assert!(error.contains("gone") || error.contains("acknowledged"), "{error}");
        // An answer that stands in no record cannot come from the stream; the rest can.
        let kept = left.published(left.all.len());
        let opened = open(dir.path(), &Terms { copy: &kept, ..Terms::default() });
        match opened {
            Err(error) => assert!(matches!(error, OpenError::Lost(Lost::Answers { .. })), "{error}"),
            Ok(log) => {
                assert!(send(&log, 61, "set_priority", "high").replayed, "only the last record was cut off");
                log.close().unwrap();
            }
        }
        let accept_loss = GivenUp { answers: true, ..GivenUp::default() };
        let log = open(dir.path(), &Terms { copy: &kept, accept_loss, ..Terms::default() }).unwrap();
        assert!(records(&log)[..left.all.len()] == left.all[..]);
        log.close().unwrap();
    }
}

#[test]
fn a_note_that_is_lost_or_damaged_holds_nobody_up() {
    let left = Left::new();
    for harm in [
        |note: &Path| std::fs::remove_file(note).unwrap(),
        |note: &Path| std::fs::write(note, "nonsense").unwrap(),
    ] {
        let dir = left.again();
        harm(&dir.path().join("log-0/head"));
        left.is_whole(dir.path(), 3);
    }
}

#[test]
fn without_a_note_an_end_that_cannot_be_read_is_not_taken_for_the_end() {
    let left = Left::new();
    let dir = left.again();
    std::fs::remove_file(dir.path().join("log-0/head")).unwrap();
    flip(&wal(dir.path()), |length| length - 20);
    let error = left.refused(dir.path(), left.in_tables);
    // Whether the last records were signed as well is a matter of half a second.
    let lost = matches!(error, OpenError::Lost(Lost::Records { .. } | Lost::Signed { .. }));
    assert!(lost, "{error}");
}

#[test]
fn a_refused_start_leaves_everything_for_the_next() {
    let left = Left::new();
    let dir = left.again();
    // RocksDB opens this, forgets the tables and removes them.
    let manifest = &files(dir.path(), "MANIFEST")[0];
    std::fs::File::options().write(true).open(manifest).unwrap().set_len(0).unwrap();
    let wal = wal(dir.path());
    let kept_aside = dir.path().join("wal");
    std::fs::rename(&wal, &kept_aside).unwrap();
    let error = open(dir.path(), &Terms { copy: &NoCopy, ..Terms::default() }).unwrap_err();
    assert!(error.protects_data(), "{error}");
    // Somebody finds the file and brings it back.
    std::fs::rename(&kept_aside, &wal).unwrap();
    left.is_whole(dir.path(), 0);
}
