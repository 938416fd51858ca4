//! How fast does a past come back? Events folded from the log on one core: scan, decode, evolve, every ticket.

use guichet_bench_support::{cpu, drive, table, workload};

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use guichet_engine::halt::Halt;
use guichet_engine::log::{Log, Memory, Store};
use guichet_engine::protection::Protection;
use guichet_rules::{Ticket, evolve};
use guichet_schemas::codec::decode_record;
use guichet_schemas::ids::TicketId;
use guichet_schemas::position::{LogPosition, Partition};

use crate::drive::Drive;
use crate::table::{Length, Row, print};
use crate::workload::{Tickets, Workload};

/// As in the binary: the log is larger than the cache, so a pass reads files.
const CACHE_BYTES: usize = 32 << 20;
/// See [`CACHE_BYTES`].
const WRITE_BUFFER_BYTES: usize = 96 << 20;

fn main() {
    let length = Length::asked();
    let dir = tempfile::tempdir().expect("a folder for the log");
    let events = fill(dir.path(), length.pick(520_000, 3_000_000));
    let store = Store::open(&dir.path().join("rocksdb"), &Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES))
        .expect("a log that was closed opens");
    let passes = length.pick(5, 9);
    let scanned = median(passes, || scan(&store));
    let decoded = median(passes, || decode(&store));
    let folded = median(passes, || fold(&store));
    let per_second = |took: Duration| events as f64 / took.as_secs_f64();
    let row = |what: &str, took, target| Row {
        what: what.to_owned(),
        figure: per_second(took),
        unit: "events/s",
        target,
        ..Row::default()
    };
    let mut whole = row("scan, decode and fold every ticket", folded, "≥ 1,000,000 (ratio 1)");
    whole.against = Some(1e6);
    whole.ratio = Some(whole.figure / 1e6);
    let rows = [row("scan alone", scanned, ""), row("scan and decode", decoded, ""), whole];
    print(
        &format!("replay: {events} events from the log, per second of one core, median of {passes} passes"),
        &rows,
    );
}

/// Writes a log of at least so many events; says how many it holds.
fn fill(dir: &Path, events_min: u64) -> u64 {
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let protection = Protection::within(dir, Partition(0));
    let log = Log::open(dir, Partition(0), &memory, &protection, &Halt::new()).expect("a fresh log opens");
    let reader = log.reader();
    let mut drive = Drive::new(log.inlet(), log.reader(), Workload::new(Tickets::Many));
    while LogPosition::or_zero(reader.head()) < events_min {
        drive.turn(512, Duration::from_secs(1));
    }
    drop(drive);
    log.close().expect("the log closes");
    LogPosition::or_zero(reader.head())
}

fn median(passes: usize, mut pass: impl FnMut()) -> Duration {
    let mut took: Vec<Duration> = (0..passes)
        .map(|_| {
            // Per core: what another process takes of this one does not count.
            let begun = cpu::of_this_thread();
            pass();
            cpu::of_this_thread() - begun
        })
        .collect();
    took.sort_unstable();
    took[passes / 2]
}

fn scan(store: &Store) {
    let mut bytes = 0;
    let visit = |_, record: &[u8]| {
        bytes += record.len();
        true
    };
    store.scan(LogPosition::FIRST, visit).expect("the log can be read");
    black_box(bytes);
}

fn decode(store: &Store) {
    let visit = |_, record: &[u8]| {
        black_box(decode_record(record).expect("the log holds records"));
        true
    };
    store.scan(LogPosition::FIRST, visit).expect("the log can be read");
}

/// Ids of tickets are random at their end: their last bytes are as good as any hash of them.
#[derive(Default)]
struct EndOfId(u64);

impl Hasher for EndOfId {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }
}

fn fold(store: &Store) {
    let mut tickets: HashMap<TicketId, Option<Ticket>, BuildHasherDefault<EndOfId>> = HashMap::default();
    let visit = |_, record: &[u8]| {
        let record = decode_record(record).expect("the log holds records");
        // Epochs belong to no ticket.
        if let Some(id) = record.ticket_id() {
            let ticket = tickets.entry(id).or_default();
            *ticket = Some(evolve(ticket.take(), &record.event, record.occurred_at));
        }
        true
    };
    store.scan(LogPosition::FIRST, visit).expect("the log can be read");
    black_box(tickets.len());
}
