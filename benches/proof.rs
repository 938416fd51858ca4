//! How soon is a long log back, how long does it take to read all of it again and compare it with what was signed, and
//! what does it take to prove one record of it to somebody else?

use guichet_bench_support::log::{CACHE_BYTES, WRITE_BUFFER_BYTES};
use guichet_bench_support::{drive, table, workload};

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use guichet_engine::halt::Halt;
use guichet_engine::log::{Log, Memory, StoppedLog};
use guichet_engine::notary::read_public;
use guichet_engine::protection::Protection;
use guichet_proof::{Author, Authorship, ProofFile, Said, StreamKey, StreamMac, prove};
use guichet_replay_tools::verify::{Claims, Source, Unread, audit};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{Generation, LogPosition, Partition};

use crate::drive::Drive;
use crate::table::{Length, Row, print};
use crate::workload::{Tickets, Workload};

/// Asks the program to fill the log of a folder.
const FILL: &str = "--fill";
/// MACs that are made and checked.
const MACS: u64 = 200_000;
/// Records that are proven, spread over the log.
const PROOFS: u64 = 1000;

fn main() {
    let length = Length::asked();
    let events_min = length.pick(500_000, 10_000_000);
    if let Some(dir) = std::env::args().skip_while(|a| a != FILL).nth(1) {
        return fill(Path::new(&dir), events_min);
    }
    let dir = tempfile::tempdir().expect("a folder for the log");
    fill_and_kill(dir.path());
    let (log, after_kill) = start(dir.path());
    log.close().expect("the log closes");
    let (log, restart) = start(dir.path());
    let events = log.head.position.get();
    assert!(events >= events_min, "every record that was there is there again");
    let (proving, checking, bytes) = proofs(&log, dir.path());
    log.close().expect("the log closes");
    let audited = read_again(dir.path());
    let (mac_made, mac_checked) = macs();

    let per_ten_million = |took: Duration| took.as_secs_f64() * 1e7 / events as f64;
    let row = |what: &str, figure, unit, target| Row {
        what: what.to_owned(),
        figure,
        unit,
        target,
        ..Row::default()
    };
    let rows = [
        row("start after kill -9", after_kill.as_secs_f64(), "s", "< 2 at 10,000,000"),
        row("start after a clean stop", restart.as_secs_f64(), "s", "< 2 at 10,000,000"),
        row("full audit, all cores", audited.as_secs_f64(), "s", ""),
        row("  for 10,000,000 records at this pace", per_ten_million(audited), "s", "< 10"),
        row("a proof, made", proving.as_secs_f64() * 1e6, "µs", ""),
        row("a proof, checked", checking.as_secs_f64() * 1e6, "µs", "< 10,000"),
        row("the largest proof", bytes as f64, "bytes", "< 2048 at 10,000,000"),
        row("the MAC of a message, made and written", mac_made.as_secs_f64() * 1e9, "ns", ""),
        row("the MAC of a message, read and checked", mac_checked.as_secs_f64() * 1e9, "ns", ""),
    ];
    print(&format!("proof: a log of {events} records"), &rows);
}

/// What the publisher adds to each message, as text in a header, and what a start does with it.
fn macs() -> (Duration, Duration) {
    let key = StreamKey::of_secret(&[7; 32]);
    let ours = Authorship::new(key, Partition(0), Generation(1), Some(1));
    let mut previous = Hash::ZERO;
    let mut messages = Vec::with_capacity(MACS as usize);
    let places = (1..=MACS).filter_map(LogPosition::new);
    let begun = Instant::now();
    for position in places {
        // Not the hash of a record: that one is there already.
        let mut hash = previous;
        hash.0[..8].copy_from_slice(&position.get().to_be_bytes());
        messages.push((position, previous, hash, ours.mac(position, previous, hash).to_string()));
        previous = hash;
    }
    let made = begun.elapsed();
    let begun = Instant::now();
    for (position, previous, hash, mac) in &messages {
        let says =
            Said { previous: Some(*previous), generation: Some(Generation(1)), mac: StreamMac::parse(mac) };
        assert_eq!(ours.of(*position, *hash, &says), Author::Ours);
    }
    let each = |all: Duration| all / u32::try_from(MACS).unwrap_or(u32::MAX);
    (each(made), each(begun.elapsed()))
}

fn open(dir: &Path) -> Log {
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let protection = Protection::within(dir, Partition(0));
    Log::open(&dir.join("log-0"), Partition(0), &memory, &protection, &Halt::new()).expect("the log opens")
}

fn start(dir: &Path) -> (Log, Duration) {
    let begun = Instant::now();
    let log = open(dir);
    (log, begun.elapsed())
}

/// A process of its own fills a log, and is killed with all that is under way.
fn fill_and_kill(dir: &Path) {
    let program = std::env::current_exe().expect("this program has a path");
    // The length that this one was asked for, and whatever else it was told.
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .arg(FILL)
        .arg(dir)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts again");
    let told = child.stdout.as_mut().expect("its output is ours").read(&mut [0]).expect("it can be read");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert_eq!(told, 1, "it was killed when the log was full, not before");
}

/// Fills a log, says so, and goes on until somebody kills it.
#[expect(clippy::print_stdout, reason = "the process that waits hears it there")]
fn fill(dir: &Path, events_min: u64) {
    let log = open(dir);
    let mut drive = Drive::new(log.inlet(), log.reader(), Workload::new(Tickets::Many));
    let mut told = false;
    loop {
        drive.turn(512, Duration::from_secs(1));
        if !told && LogPosition::or_zero(log.reader().head()) >= events_min {
            println!("full");
            told = true;
        }
    }
}

/// Makes and checks proofs; the time of one each, and the bytes of the largest.
fn proofs(log: &Log, dir: &Path) -> (Duration, Duration, usize) {
    let (tree, reader) = (log.tree(), log.reader());
    let newest = tree.newest().expect("a checkpoint");
    let (checkpoint, key) = (newest.checkpoint(), read_public(&dir.join("signing.key")).expect("a key"));
    let step = (checkpoint.size() / PROOFS).max(1);
    let (mut proving, mut checking, mut bytes) = (Duration::ZERO, Duration::ZERO, 0);
    for index in (0..PROOFS).map(|n| n * step) {
        let position = LogPosition::new(index + 1).expect("positions begin at 1");
        let record = reader.record(position).expect("the log can be read").expect("a record");
        let begun = Instant::now();
        let proof =
            prove::inclusion(checkpoint.size(), checkpoint.root(), index, Hash::of_record(&record), &tree);
        let text =
            ProofFile { index, proof: proof.expect("a proof"), checkpoint: checkpoint.clone() }.to_text();
        proving += begun.elapsed();
        bytes = bytes.max(text.len());
        let begun = Instant::now();
        let checked = ProofFile::parse(&text).and_then(|proof| proof.check(&record, &key));
        checking += begun.elapsed();
        checked.expect("a proof that holds");
    }
    let each = u32::try_from(PROOFS).expect("a thousand");
    (proving / each, checking / each, bytes)
}

fn read_again(dir: &Path) -> Duration {
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let log = Files(StoppedLog::open(&dir.join("log-0"), &memory).expect("a stopped log"));
    let mut claims = Claims::default();
    let anchor = std::fs::read(dir.join("anchor-0/checkpoint")).expect("an anchor");
    let key = read_public(&dir.join("signing.key")).expect("a key");
    claims.add("the anchor", &anchor, Some(&key));
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let begun = Instant::now();
    let mut whole = audit(&log, threads, &claims.claims, &AtomicU64::new(0)).expect("the log can be read");
    let took = begun.elapsed();
    assert_eq!((whole.events(), whole.findings().count()), (log.head(), 0), "the log is sound");
    took
}

struct Files(StoppedLog);

impl Source for Files {
    fn head(&self) -> u64 {
        self.0.head()
    }

    fn scan(&self, first: u64, last: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), Unread> {
        self.0.scan(first, last, visit).map_err(|e| Unread::Refused(e.into()))
    }

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, Unread> {
        self.0.tile(level, index).map_err(|e| Unread::Refused(e.into()))
    }
}
