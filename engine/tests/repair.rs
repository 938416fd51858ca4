//! A log that lost its end, its anchor or all of its database: made whole from its copy where what was signed proves
//! the copy, and left alone where nothing does.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[path = "support/folder.rs"]
mod folder;

use std::cell::Cell;
use std::path::Path;

use bytes::Bytes;
use folder::{Folder, Stream, contents, same, send};
use guichet_engine::log::{Copied, CopyError, EventCopy, NoCopy, OpenError, Terms};
use guichet_engine::notary::{AnchorError, NotaryError};
use guichet_schemas::codec::{decode_record, encode_record};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;

/// A copy in memory.
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

/// How many damaged databases stand beside the log.
fn damaged(folder: &Folder) -> usize {
    let entries = std::fs::read_dir(folder.path("log-0")).unwrap();
    entries.filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains("damaged-")).count()
}

#[test]
fn an_end_that_was_lost_is_brought_back() {
    let folder = Folder::new();
    folder.write(1_000, 30);
    folder.keep_aside("log-0");
    let all = folder.write(2_000, 700);
    folder.put_back("log-0");
    let log = folder.open(&Kept(all.clone())).unwrap();
    let (records, started) = contents(&log);
    same(&records, &all);
    assert_eq!((started.repaired_from, started.repaired_through), (Some(34), Some(all.len() as u64)));
    assert!(send(&log, 2_001, "add_comment").replayed, "a command is known by its id as before");
    assert_eq!(send(&log, 2_900, "add_comment").version, 702, "the ticket goes on");
    log.close().unwrap();
    // Whole again: the next start has nothing to say.
    let log = folder.open(&NoCopy).unwrap();
    assert_eq!(contents(&log).1.repaired_from, None);
    log.close().unwrap();
}

#[test]
fn a_damaged_database_is_rebuilt_beside_the_damaged_one() {
    let folder = Folder::new();
    let all = folder.write(1_000, 300);
    let manifest = std::fs::read_dir(folder.path("log-0/rocksdb")).unwrap();
    let manifest =
        manifest.map(|e| e.unwrap().path()).find(|p| p.to_string_lossy().contains("MANIFEST")).unwrap();
    let mut bytes = std::fs::read(&manifest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&manifest, bytes).unwrap();
    let log = folder.open(&Kept(all.clone())).unwrap();
    let (records, started) = contents(&log);
    same(&records, &all);
    assert_eq!((started.repaired_from, started.repaired_through), (Some(1), Some(all.len() as u64)));
    assert_eq!(started.epoch, 2);
    assert!(send(&log, 1_001, "add_comment").replayed, "the secret of the request hashes is the same");
    log.close().unwrap();
    assert_eq!(damaged(&folder), 1, "the damaged one is there to be looked at");
}

#[test]
fn a_database_that_is_gone_is_rebuilt() {
    let folder = Folder::new();
    let all = folder.write(1_000, 50);
    std::fs::remove_dir_all(folder.path("log-0/rocksdb")).unwrap();
    let error = folder.open(&NoCopy).unwrap_err();
    assert!(matches!(error, OpenError::Notary(NotaryError::Anchor(AnchorError::Ahead { .. }))), "{error}");
    let log = folder.open(&Kept(all.clone())).unwrap();
    same(&contents(&log).0, &all);
    assert!(send(&log, 1_001, "add_comment").replayed);
    log.close().unwrap();
}

#[test]
fn damage_that_was_met_while_reading_is_repaired_by_the_next_start() {
    let folder = Folder::new();
    let all = folder.write(1_000, 50);
    std::fs::write(folder.path("log-0/damaged"), "read from the log: Corruption: block checksum mismatch")
        .unwrap();
    let log = folder.open(&Kept(all.clone())).unwrap();
    same(&contents(&log).0, &all);
    log.close().unwrap();
    folder.open(&NoCopy).unwrap().close().unwrap();
}

#[test]
fn a_copy_that_ends_before_what_was_signed_is_no_help() {
    let folder = Folder::new();
    folder.write(1_000, 30);
    folder.keep_aside("log-0");
    let mut all = folder.write(2_000, 100);
    folder.put_back("log-0");
    all.truncate(all.len() - 1);
    let error = folder.open(&Kept(all)).unwrap_err();
    assert!(matches!(error, OpenError::Notary(NotaryError::Anchor(AnchorError::Ahead { .. }))), "{error}");
    assert!(error.protects_data());
    assert!(error.to_string().contains("33") && error.to_string().contains("135"), "{error}");
}

#[test]
fn a_copy_that_is_not_what_was_signed_is_not_believed() {
    let folder = Folder::new();
    folder.write(1_000, 30);
    folder.keep_aside("log-0");
    let mut all = folder.write(2_000, 100);
    folder.put_back("log-0");
    // A record in the place of another: each is one of ours.
    all.swap(60, 61);
    let error = folder.open(&Kept(all)).unwrap_err();
    assert!(matches!(error, OpenError::CopyNotSigned { .. }), "{error}");
    let error = folder.open(&NoCopy).unwrap_err();
    assert!(error.to_string().contains("ends at 33"), "nothing was written: {error}");
}

#[test]
fn the_copy_of_another_desk_is_not_taken_for_ours() {
    let (folder, other) = (Folder::new(), Folder::new());
    folder.write(1_000, 30);
    let theirs = other.write(1_000, 60);
    let error = folder.open(&Kept(theirs)).unwrap_err();
    assert!(matches!(error, OpenError::OtherCopy { position } if position.get() == 33), "{error}");
    assert!(error.protects_data());
}

#[test]
fn a_new_folder_does_not_adopt_the_history_of_another() {
    let (folder, other) = (Folder::new(), Folder::new());
    let theirs = other.write(1_000, 60);
    let error = folder.open(&Kept(theirs)).unwrap_err();
    assert!(matches!(error, OpenError::NewBesideOld { stream: 63 }), "{error}");
    assert!(error.protects_data());
    folder.write(1_000, 1);
}

#[test]
fn what_came_after_the_checkpoint_is_taken_only_where_it_continues_its_tickets() {
    let folder = Folder::new();
    folder.write(1_000, 30);
    folder.keep_aside("log-0");
    folder.keep_aside("anchor-0");
    let all = folder.write(2_000, 100);
    let forget = || {
        folder.put_back("log-0");
        folder.put_back("anchor-0");
    };
    forget();
    let mut changed = all.clone();
    let last = changed.len() - 1;
    changed[last] = changed[last - 1].clone();
    // An engine with the secret of the folder would have to be mad to write it.
    let error = folder.open(&Stream(folder.published(&changed))).unwrap_err();
    assert!(
        matches!(error, OpenError::CopyRefused { position, .. } if position.get() as usize == all.len()),
        "{error}"
    );
    forget();
    let log = folder.open(&Stream(folder.published(&all))).unwrap();
    same(&contents(&log).0, &all);
    log.close().unwrap();
}

/// Two engines wrote one stream: the second one's first messages were refused, and a later one of them, which was under
/// way by then, stood behind the first one's last, for a broker looks at numbers alone. The first engine took it for
/// the end of its own log. Found by the simulation, as a ticket with two events of one version.
#[test]
fn what_a_second_engine_wrote_behind_our_end_is_not_ours() {
    let folder = Folder::new();
    folder.write(1_000, 1);
    folder.write(2_000, 1);
    for part in ["log-0", "anchor-0"] {
        folder.keep_aside(part);
    }
    let goes_on = |comments: &[u128]| {
        let log = folder.open(&NoCopy).unwrap();
        comments.iter().for_each(|n| drop(send(&log, *n, "add_comment")));
        let records = log.reader().read(LogPosition::FIRST, usize::MAX, usize::MAX).unwrap();
        log.close().unwrap();
        folder.published(&records)
    };
    let theirs = goes_on(&[2_900, 1_900]);
    for part in ["log-0", "anchor-0"] {
        folder.put_back(part);
    }
    let mut stream = goes_on(&[2_800]);
    let end = stream.len();
    // It continues its ticket as well as any.
    stream.push(theirs[end].clone());
    let error = folder.open(&Stream(stream)).unwrap_err();
    assert!(
        matches!(&error, OpenError::CopyRefused { position, .. } if position.get() as usize == end + 1),
        "{error}"
    );
    assert!(error.protects_data() && error.to_string().contains("another engine"), "{error}");
}

/// A stream that ended inside a command was taken as it was: the log then held the first event of the command and not
/// the second, nobody knew the command by its id, and a retry did all of it once more beside the half. Found by the
/// simulation, as "one command, one outcome".
#[test]
fn half_a_command_is_not_brought_back() {
    let folder = Folder::new();
    folder.write(1_000, 30);
    folder.keep_aside("log-0");
    folder.keep_aside("anchor-0");
    let log = folder.open(&NoCopy).unwrap();
    send(&log, 2_000, "create");
    let before = log.reader().head().unwrap().get();
    send(&log, 2_001, "assign");
    let all = log.reader().read(LogPosition::FIRST, usize::MAX, usize::MAX).unwrap();
    log.close().unwrap();
    let half = usize::try_from(before).unwrap() + 1;
    assert!(all.len() > half, "to assign a new ticket is more than one event");
    folder.put_back("log-0");
    folder.put_back("anchor-0");
    let copy = GivenUp { kept: Stream(folder.published(&all[..half])), done: Cell::new(false) };
    let log = folder.open(&copy).unwrap();
    assert!(copy.done.get(), "the copy has an end that the log has not: it must be rebuilt");
    let (records, started) = contents(&log);
    same(&records, &all[..half - 1]);
    assert_eq!(started.repaired_through, Some(before));
    assert!(send(&log, 2_000, "create").replayed);
    assert!(!send(&log, 2_001, "assign").replayed, "it is done once, and whole");
    log.close().unwrap();
}

/// A copy that remembers whether it was given up.
struct GivenUp {
    kept: Stream,
    done: Cell<bool>,
}

impl EventCopy for GivenUp {
    fn last(&self) -> Result<u64, CopyError> {
        self.kept.last()
    }

    fn give_up(&self) -> Result<(), CopyError> {
        self.done.set(true);
        Ok(())
    }

    fn read(&self, from: LogPosition, most: usize) -> Result<Vec<Copied>, CopyError> {
        self.kept.read(from, most)
    }
}

#[test]
fn a_lost_or_damaged_anchor_is_rebuilt_where_the_copy_vouches_for_the_log() {
    for damage in [
        |path: &Path| std::fs::remove_file(path).unwrap(),
        |path: &Path| std::fs::write(path, "nonsense").unwrap(),
    ] {
        let folder = Folder::new();
        let all = folder.write(1_000, 30);
        let anchor = folder.path("anchor-0/checkpoint");
        damage(&anchor);
        assert!(folder.open(&NoCopy).unwrap_err().protects_data());
        let log = folder.open(&Kept(all.clone())).unwrap();
        let (records, started) = contents(&log);
        same(&records, &all);
        assert_eq!(started.anchor_replaced, Some(true));
        log.close().unwrap();
        let log = folder.open(&NoCopy).unwrap();
        assert_eq!(contents(&log).1.anchor_replaced, None);
        log.close().unwrap();
    }
}

#[test]
fn a_clock_that_is_behind_must_be_accepted_and_is_written_down() {
    let folder = Folder::new();
    let mut all = folder.write(1_000, 3);
    // A record of tomorrow, as a clock that ran ahead would have made it.
    let mut tomorrow = decode_record(all.last().unwrap()).unwrap();
    tomorrow.prev_hash = Hash::of_record(all.last().unwrap());
    tomorrow.position = tomorrow.position.next();
    tomorrow.version = tomorrow.version.next();
    tomorrow.recorded_at.0 += 86_400_000;
    all.push(encode_record(tomorrow.clone()).into());
    let copy = Stream(folder.published(&all));
    let error = folder.open(&copy).unwrap_err();
    assert!(matches!(error, OpenError::ClockBehind { .. }) && error.protects_data(), "{error}");
    assert!(error.to_string().contains("--accept-clock"), "{error}");
    let log = folder.open_on(&Terms { copy: &copy, accept_clock: true, ..Terms::default() }).unwrap();
    let (_, started) = contents(&log);
    assert!(started.clock_behind_ms.is_some_and(|ms| ms > 86_000_000), "{started:?}");
    let accepted = send(&log, 1_500, "add_comment");
    let newest = log.reader().record(LogPosition::new(accepted.position).unwrap()).unwrap().unwrap();
    assert_eq!(
        decode_record(&newest).unwrap().recorded_at,
        tomorrow.recorded_at,
        "time stands still meanwhile"
    );
    log.close().unwrap();
}
