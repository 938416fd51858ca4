//! Messages in the stream that this log's engine did not write: whatever their headers say, a start takes none of them,
//! writes down that they were there, and goes on.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[path = "support/folder.rs"]
mod folder;

use bytes::Bytes;
use folder::{Folder, Stream, contents, said, same, send};
use guichet_engine::log::{Copied, NoCopy, OpenError};
use guichet_proof::{Authorship, Said, StreamKey, StreamMac};
use guichet_schemas::codec::{decode_record, encode_record};
use guichet_schemas::event::{ConfigEvent, ConfigPublished, Event, TicketCancelled};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, EventId};
use guichet_schemas::position::{Generation, LogPosition, Partition};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{Apply, CancelReason};
use uuid::Uuid;

/// A log that lost its end after the newest checkpoint, and what its engine had published: behind `kept` nothing is
/// signed.
struct Lost {
    folder: Folder,
    kept: usize,
    all: Vec<Bytes>,
    stream: Vec<Copied>,
}

impl Lost {
    fn new() -> Self {
        let folder = Folder::new();
        let kept = folder.write(1_000, 3).len();
        folder.keep_aside("log-0");
        folder.keep_aside("anchor-0");
        let all = folder.write(2_000, 5);
        let stream = folder.published(&all);
        let lost = Self { folder, kept, all, stream };
        lost.again();
        lost
    }

    fn again(&self) {
        self.folder.put_back("log-0");
        self.folder.put_back("anchor-0");
    }
}

/// What somebody writes who reads everything and has no secret: it continues log, ticket and chain.
fn like_ours(all: &[Bytes], event: Event) -> Bytes {
    let last = all.last().unwrap();
    let mut record = decode_record(last).unwrap();
    record.prev_hash = Hash::of_record(last);
    record.position = record.position.next();
    record.version = record.version.next();
    record.event_id = EventId(Uuid::from_u128(0xbad_0001));
    record.command_id = CommandId(Uuid::from_u128(0xbad_0002));
    record.command_index = 0;
    record.command_count = 1;
    record.event = event;
    encode_record(record).into()
}

/// Every way to say that a message is ours without the secret, by name: its bytes, and what its headers say. `stream` is
/// what was published so far; the forged message is to stand behind it.
fn forgeries(stream: &[Copied], all: &[Bytes]) -> Vec<(&'static str, Copied)> {
    let bytes = like_ours(all, Event::from(TicketCancelled { reason: CancelReason::Duplicate }));
    let (last, previous) = (stream.last().unwrap(), Hash::of_record(all.last().unwrap()));
    let honest = Said { previous: Some(previous), generation: Some(Generation(1)), mac: None };
    let with = |mac: &str| Said { mac: StreamMac::parse(mac), ..honest };
    let other = Authorship::new(StreamKey::of_secret(&[9; 32]), Partition(0), Generation(1), Some(1));
    let at = LogPosition::new(all.len() as u64 + 1).unwrap();
    let copied = |says: Said| Copied { bytes: bytes.clone(), says };
    let of_generation = |n: u64| Said { generation: Some(Generation(n)), ..last.says };
    vec![
        ("headers as ours, no MAC", copied(honest)),
        ("no headers at all", copied(Said::default())),
        ("a MAC of zeros", copied(with(&"0".repeat(64)))),
        ("a MAC that is cut", copied(with(&"ab".repeat(31)))),
        ("the MAC of the message before", copied(Said { mac: last.says.mac, ..honest })),
        ("everything that the message before says", copied(last.says)),
        ("an older generation", copied(of_generation(0))),
        ("a newer generation", copied(of_generation(2))),
        (
            "the MAC of another folder",
            copied(Said { mac: Some(other.mac(at, previous, Hash::of_record(&bytes))), ..honest }),
        ),
        ("a message of ours once more", last.clone()),
        ("the first message of ours once more", stream[0].clone()),
        ("no record", Copied { bytes: Bytes::from_static(b"nonsense"), says: honest }),
        ("nothing", Copied { bytes: Bytes::new(), says: last.says }),
    ]
}

#[test]
fn a_forged_message_behind_a_whole_log_is_not_taken() {
    let folder = Folder::new();
    let mut all = folder.write(1_000, 3);
    let names: Vec<_> = forgeries(&folder.published(&all), &all).iter().map(|(name, _)| *name).collect();
    for (number, name) in names.iter().enumerate() {
        let mut stream = folder.published(&all);
        let forged = forgeries(&stream, &all).remove(number).1;
        // As many as one likes.
        stream.extend([forged.clone(), forged]);
        let log = folder.open(&Stream(stream)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (records, started) = contents(&log);
        same(&records, &all);
        assert_eq!(started.stream_refused_from, Some(all.len() as u64 + 1), "{name}");
        assert_eq!(started.repaired_from, None, "{name}");
        log.close().unwrap();
        let log = folder.open(&NoCopy).unwrap();
        let (records, started) = contents(&log);
        assert_eq!(started.stream_refused_from, None, "{name}: said once");
        all = records;
        all.push(log.reader().record(log.head.position).unwrap().unwrap().into());
        log.close().unwrap();
    }
}

#[test]
fn a_configuration_is_not_forged_either() {
    let folder = Folder::new();
    let all = folder.write(1_000, 3);
    let body = r#"{"callers":{"evil":{"roles":["admin"]}}}"#.to_owned();
    let published = ConfigPublished {
        kind: "callers".to_owned(),
        id: "default".to_owned(),
        version: 1,
        effective_from: Timestamp(0),
        apply: Apply::NewOnly,
        body_hash: Hash::of_bytes(body.as_bytes()),
        body,
        zone_data: None,
        retroactive: false,
    };
    let bytes = like_ours(&all, Event::Config(ConfigEvent::ConfigPublished(published)));
    let mut stream = folder.published(&all);
    stream.push(Copied { bytes, says: Said { mac: None, ..stream.last().unwrap().says } });
    let log = folder.open(&Stream(stream)).unwrap();
    same(&contents(&log).0, &all);
    log.close().unwrap();
}

#[test]
fn what_was_acknowledged_is_brought_back_from_before_a_forged_message() {
    let lost = Lost::new();
    for (name, forged) in forgeries(&lost.stream, &lost.all) {
        let mut stream = lost.stream.clone();
        stream.push(forged);
        let log = lost.folder.open(&Stream(stream)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (records, started) = contents(&log);
        same(&records, &lost.all);
        let end = lost.all.len() as u64;
        assert_eq!(
            (started.repaired_from, started.repaired_through),
            (Some(lost.kept as u64 + 1), Some(end)),
            "{name}"
        );
        assert_eq!(started.stream_refused_from, Some(end + 1), "{name}");
        assert!(send(&log, 2_001, "add_comment").replayed, "{name}");
        log.close().unwrap();
        lost.again();
    }
}

/// The MAC of a message that was captured, on another body, in the place of that message.
#[test]
fn a_genuine_mac_does_not_carry_another_body() {
    let lost = Lost::new();
    let mut stream = lost.stream.clone();
    let last = stream.len() - 1;
    stream[last].bytes =
        like_ours(&lost.all[..last], Event::from(TicketCancelled { reason: CancelReason::Duplicate }));
    let log = lost.folder.open(&Stream(stream)).unwrap();
    let (records, started) = contents(&log);
    same(&records, &lost.all[..last]);
    assert_eq!(started.stream_refused_from, Some(last as u64 + 1));
    log.close().unwrap();
}

/// A forged message that came between two of ours: what it stands in the place of is lost, and no start may hide that.
#[test]
fn what_a_forged_message_displaced_is_not_given_up_in_silence() {
    let lost = Lost::new();
    let mut stream = lost.stream.clone();
    let at = lost.kept + 2;
    stream[at] = Copied { bytes: stream[at].bytes.clone(), says: Said::default() };
    let error = lost.folder.open(&Stream(stream)).unwrap_err();
    let (from, through) = (at as u64 + 1, lost.all.len() as u64);
    assert!(
        matches!(error, OpenError::CopyBroken { from: f, through: t } if (f.get(), t.get()) == (from, through)),
        "{error}"
    );
    assert!(error.protects_data() && error.to_string().contains(&format!("{from} to {through}")), "{error}");
    // Nothing was written: with the right message it is whole.
    let log = lost.folder.open(&Stream(lost.stream.clone())).unwrap();
    same(&contents(&log).0, &lost.all);
    log.close().unwrap();
}

/// The database is gone, too: what was signed is brought back, and what was forged behind it is not.
#[test]
fn a_database_that_is_rebuilt_takes_nothing_forged() {
    let folder = Folder::new();
    let all = folder.write(1_000, 10);
    std::fs::remove_dir_all(folder.path("log-0/rocksdb")).unwrap();
    let mut stream = folder.published(&all);
    let forged = forgeries(&stream, &all).remove(0).1;
    stream.push(forged);
    let log = folder.open(&Stream(stream)).unwrap();
    let (records, started) = contents(&log);
    same(&records, &all);
    assert_eq!(started.stream_refused_from, Some(all.len() as u64 + 1));
    log.close().unwrap();
}

/// Somebody forges while the anchor is lost: the stream vouches for the log up to where it is ours.
#[test]
fn a_forged_message_does_not_keep_a_lost_anchor_from_being_rebuilt() {
    let folder = Folder::new();
    let all = folder.write(1_000, 10);
    std::fs::remove_file(folder.path("anchor-0/checkpoint")).unwrap();
    let mut stream = folder.published(&all);
    let forged = forgeries(&stream, &all).remove(0).1;
    stream.push(forged);
    let log = folder.open(&Stream(stream)).unwrap();
    let (records, started) = contents(&log);
    same(&records, &all);
    assert_eq!(
        (started.anchor_replaced, started.stream_refused_from),
        (Some(true), Some(all.len() as u64 + 1))
    );
    log.close().unwrap();
}

/// The identity of a folder as a program wrote it that made no MACs.
fn without_macs(folder: &Folder) {
    let path = folder.path("log-0/identity");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: String = text
        .lines()
        .filter(|l| !l.starts_with("macs-from ") && !l.starts_with("sum "))
        .map(|l| format!("{l}\n"))
        .collect();
    std::fs::write(&path, format!("{lines}sum {}\n", Hash::of_record(lines.as_bytes()))).unwrap();
    // The database says the same as the file once it is rebuilt beside it.
    std::fs::remove_dir_all(folder.path("log-0/rocksdb")).unwrap();
}

#[test]
fn a_folder_from_before_there_were_macs_goes_on_and_makes_them() {
    let folder = Folder::new();
    let all = folder.write(1_000, 10);
    without_macs(&folder);
    // No message has one, and all are signed.
    let old: Vec<Copied> = all.iter().cloned().map(Copied::from).collect();
    let log = folder.open(&Stream(old)).unwrap();
    same(&contents(&log).0, &all);
    let from = log.head.position;
    log.close().unwrap();
    let text = std::fs::read_to_string(folder.path("log-0/identity")).unwrap();
    assert!(text.contains(&format!("\nmacs-from {from}\n")), "{text}");
    // From here on a message without one is nobody's.
    let log = folder.open(&NoCopy).unwrap();
    let (mut all, _) = contents(&log);
    all.push(log.reader().record(log.head.position).unwrap().unwrap().into());
    log.close().unwrap();
    let mut stream = folder.published(&all);
    let forged = forgeries(&stream, &all).remove(0).1;
    stream.push(forged);
    let log = folder.open(&Stream(stream)).unwrap();
    assert_eq!(contents(&log).1.stream_refused_from, Some(all.len() as u64 + 1));
    log.close().unwrap();
}

#[test]
fn what_nothing_proves_and_no_mac_could_is_for_a_person_to_say() {
    let folder = Folder::new();
    folder.write(1_000, 10);
    folder.keep_aside("anchor-0");
    let all = folder.write(2_000, 2);
    without_macs(&folder);
    folder.put_back("anchor-0");
    let old: Vec<Copied> = all.iter().cloned().map(Copied::from).collect();
    let error = folder.open(&Stream(old)).unwrap_err();
    assert!(matches!(error, OpenError::CopyUnproven { from, .. } if from.get() == 14), "{error}");
    assert!(error.protects_data());
}

#[test]
fn a_folder_whose_secret_is_gone_says_so() {
    let folder = Folder::new();
    let all = folder.write(1_000, 10);
    let stream = folder.published(&all);
    let identity = std::fs::read(folder.path("log-0/identity")).unwrap();
    std::fs::remove_dir_all(folder.path("log-0/rocksdb")).unwrap();
    std::fs::remove_file(folder.path("log-0/identity")).unwrap();
    let error = folder.open(&Stream(stream.clone())).unwrap_err();
    assert!(matches!(error, OpenError::IdentityGone { .. }) && error.protects_data(), "{error}");
    assert!(error.to_string().contains("secrets/identity"), "{error}");
    std::fs::write(folder.path("log-0/identity"), identity).unwrap();
    let log = folder.open(&Stream(stream)).unwrap();
    same(&contents(&log).0, &all);
    log.close().unwrap();
}

/// Another desk's stream has nothing of ours either. It is not taken for a forged one, and nobody deletes it.
#[test]
fn the_stream_of_another_desk_is_left_alone_whatever_it_holds() {
    let (folder, other) = (Folder::new(), Folder::new());
    let all = folder.write(1_000, 3);
    let theirs = other.write(1_000, 9);
    let error = folder.open(&Stream(other.published(&theirs))).unwrap_err();
    assert!(matches!(error, OpenError::OtherCopy { .. }), "{error}");
    let mut mixed = folder.published(&all);
    mixed.push(Copied::from(theirs[5].clone()));
    let named = Named { stream: Stream(mixed), owner: other.authorship().owner().to_owned() };
    let error = folder.open(&named).unwrap_err();
    assert!(matches!(error, OpenError::OtherCopy { .. }), "{error}");
    // Ours by name, whatever stands in it, its first message included.
    let named = Named {
        stream: Stream(said(&other.authorship(), &theirs)),
        owner: folder.authorship().owner().to_owned(),
    };
    let log = folder.open(&named).unwrap();
    assert_eq!(contents(&log).1.stream_refused_from, Some(all.len() as u64 + 1));
    log.close().unwrap();
}

/// A stream that says whose it is.
struct Named {
    stream: Stream,
    owner: String,
}

impl guichet_engine::log::EventCopy for Named {
    fn last(&self) -> Result<u64, guichet_engine::log::CopyError> {
        self.stream.last()
    }

    fn owner(&self) -> Result<Option<String>, guichet_engine::log::CopyError> {
        Ok(Some(self.owner.clone()))
    }

    fn read(&self, from: LogPosition, most: usize) -> Result<Vec<Copied>, guichet_engine::log::CopyError> {
        self.stream.read(from, most)
    }
}
