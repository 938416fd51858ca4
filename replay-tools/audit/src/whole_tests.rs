//! Logs that somebody tampered with, and what is found of it.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use guichet_proof::{Checkpoint, Edge};
use guichet_schemas::hash::Hash;
use guichet_schemas::wire;
use prost::Message as _;

use super::{Claim, Source, Unread, Whole, audit};

/// Streams of the log, and records in it.
const STREAMS: u64 = 7;
const RECORDS: u64 = 1000;

#[derive(Clone, Default)]
struct Kept {
    records: BTreeMap<u64, Vec<u8>>,
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
    /// Says no to whoever reads this position, or a tile.
    no: Option<(Asked, fn() -> Unread)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Record(u64),
    Tile,
}

impl Kept {
    fn refuses(&self, asked: impl Fn(Asked) -> bool) -> Result<(), Unread> {
        self.no.filter(|(what, _)| asked(*what)).map_or(Ok(()), |(_, why)| Err(why()))
    }
}

impl Source for Kept {
    fn head(&self) -> u64 {
        self.records.last_key_value().map_or(0, |(position, _)| *position)
    }

    fn scan(&self, first: u64, last: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), Unread> {
        self.refuses(|asked| matches!(asked, Asked::Record(at) if (first..=last).contains(&at)))?;
        self.records.range(first..=last).all(|(position, record)| visit(*position, record));
        Ok(())
    }

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, Unread> {
        self.refuses(|asked| asked == Asked::Tile)?;
        Ok(self.tiles.get(&(level, index)).cloned())
    }
}

fn record(position: u64, version: u64, prev: Hash) -> wire::Record {
    wire::Record {
        position,
        epoch: 1,
        tenant: "default".to_owned(),
        stream_id: format!("stream {}", position % STREAMS),
        version,
        r#type: "EpochStarted".to_owned(),
        recorded_at: i64::try_from(position).unwrap(),
        prev_hash: prev.0.to_vec(),
        data: Some(wire::record::Data::EpochStarted(wire::EpochStarted::default())),
        ..wire::Record::default()
    }
}

/// A log as it should be, and checkpoints of it at several sizes.
fn sound() -> (Kept, Vec<Claim>) {
    let (mut kept, mut last) = (Kept::default(), BTreeMap::new());
    for position in 1..=RECORDS {
        let (version, prev) = last.get(&(position % STREAMS)).copied().unwrap_or((0, Hash::ZERO));
        let bytes = record(position, version + 1, prev).encode_to_vec();
        last.insert(position % STREAMS, (version + 1, Hash::of_record(&bytes)));
        kept.records.insert(position, bytes);
    }
    let claims = sign(&mut kept, &[0, 1, 255, 256, 257, 700, RECORDS]);
    (kept, claims)
}

/// Rebuilds the tree, as an attacker would who may write everything; gives what is signed then.
fn sign(kept: &mut Kept, sizes: &[u64]) -> Vec<Claim> {
    let (mut edge, mut full, mut claims) = (Edge::new(), Vec::new(), Vec::new());
    let mut claim = |edge: &Edge| {
        if sizes.contains(&edge.size()) {
            let checkpoint = Checkpoint { origin: "test".to_owned(), size: edge.size(), root: edge.root() };
            claims.push(Claim { who: "a checkpoint".to_owned(), checkpoint });
        }
    };
    claim(&edge);
    for record in kept.records.values() {
        edge.append(Hash::of_record(record), &mut full);
        claim(&edge);
    }
    kept.tiles = full.into_iter().map(|tile| ((tile.level, tile.index), tile.hashes)).collect();
    claims
}

fn judge(kept: &Kept, threads: u64, claims: &[Claim]) -> Whole {
    audit(kept, threads, claims, &AtomicU64::new(0)).unwrap()
}

/// What is found, however many threads look.
fn found(kept: &Kept, claims: &[Claim]) -> Vec<String> {
    let told = |threads| {
        let findings = std::mem::take(judge(kept, threads, claims).findings());
        findings.told().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (one, three) = (told(1), told(3));
    assert_eq!(one, three);
    one
}

#[test]
fn a_sound_log_agrees_with_every_checkpoint_of_it() {
    let (kept, claims) = sound();
    assert_eq!(claims.len(), 7);
    assert_eq!(found(&kept, &claims), Vec::<String>::new());
    for threads in [1, 2, 3, 8] {
        let whole = judge(&kept, threads, &claims);
        assert_eq!((whole.events(), whole.streams()), (RECORDS, 7));
        assert_eq!(whole.root(), claims[6].checkpoint.root);
    }
    assert_eq!(judge(&Kept::default(), 2, &[]).events(), 0);
}

#[test]
fn a_changed_record_is_named() {
    let (mut kept, claims) = sound();
    let record = wire::Record::decode(kept.records[&300].as_slice()).unwrap();
    kept.records.insert(300, wire::Record { caller: "mallory".to_owned(), ..record }.encode_to_vec());
    let found = found(&kept, &claims);
    assert!(
        found.contains(&"position 300: the record is not the one whose hash stands in the tree".to_owned()),
        "{found:#?}"
    );
    assert!(found.iter().any(|f| f.starts_with("position 307: its prev_hash")), "{found:#?}");
    assert_eq!(
        found.iter().filter(|f| f.contains("changed after they were signed")).count(),
        2,
        "{found:#?}"
    );
}

#[test]
fn an_edit_that_is_signed_again_is_found_only_by_a_checkpoint_that_was_kept() {
    let (mut kept, before) = sound();
    // The last event of its stream: no chain names it.
    let last = record(998, 143, Hash::of_record(&kept.records[&991]));
    assert_eq!(kept.records[&998], last.encode_to_vec());
    kept.records.insert(998, wire::Record { caller: "mallory".to_owned(), ..last }.encode_to_vec());
    let after = sign(&mut kept, &[RECORDS]);
    assert_eq!(found(&kept, &after), Vec::<String>::new());
    assert_eq!(found(&kept, &before).len(), 1);
}

#[test]
fn what_is_missing_is_named() {
    let (sound, claims) = sound();
    let mut kept = sound.clone();
    kept.records.remove(&400);
    let gap = found(&kept, &claims);
    assert!(gap.contains(&"position 400: positions 400 to 400 are missing".to_owned()), "{gap:#?}");
    assert!(gap.iter().any(|f| f.starts_with("position 407: version")), "{gap:#?}");

    let mut kept = sound;
    kept.records.retain(|position, _| *position <= 900);
    assert_eq!(
        found(&kept, &claims),
        ["the log ends at 900, but a checkpoint covers 1000 records: positions 901 to 1000 are gone"]
    );
}

#[test]
fn records_in_each_others_place_are_found() {
    let (mut kept, claims) = sound();
    let (a, b) = (kept.records[&10].clone(), kept.records[&11].clone());
    kept.records.insert(10, b);
    kept.records.insert(11, a);
    let found = found(&kept, &claims);
    assert!(found.contains(&"position 10: the record says position 11".to_owned()), "{found:#?}");
}

#[test]
fn a_tree_that_does_not_follow_from_the_records_is_found() {
    let (mut kept, claims) = sound();
    kept.tiles.get_mut(&(0, 2)).unwrap()[5 * 32] ^= 1;
    assert_eq!(
        found(&kept, &claims),
        ["position 518: the record is not the one whose hash stands in the tree"]
    );
}

#[test]
fn a_clock_that_goes_back_is_found() {
    let (mut kept, _) = sound();
    let prev = Hash::of_record(&kept.records[&993]);
    let back = wire::Record { recorded_at: 5, ..record(1000, 143, prev) };
    kept.records.insert(1000, back.encode_to_vec());
    kept.tiles.clear();
    assert_eq!(found(&kept, &[]), ["position 1000: recorded 994 ms before the record before it"]);
}

#[test]
fn what_is_damaged_is_found_and_what_the_system_refuses_is_no_finding() {
    let (kept, claims) = sound();
    for asked in [Asked::Record(500), Asked::Tile] {
        for threads in [1, 3] {
            let damaged = Kept { no: Some((asked, || Unread::Damaged("checksum".into()))), ..kept.clone() };
            let mut whole = judge(&damaged, threads, &claims);
            let findings = std::mem::take(whole.findings()).told();
            assert!(findings.iter().any(|found| found.to_string().contains("checksum")), "{findings:?}");
            let refused =
                Kept { no: Some((asked, || Unread::Refused("no descriptors".into()))), ..kept.clone() };
            let why = audit(&refused, threads, &claims, &AtomicU64::new(0)).unwrap_err();
            assert!(matches!(why, Unread::Refused(_)), "{why}");
        }
    }
}
