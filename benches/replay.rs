//! How fast does a past come back? On one core, by how much of a record is decoded: none of it, its head, a chosen field,
//! all of it, all of it folded, all of it exported. Beside them protobuf alone, over the same bytes in a plain file.

use guichet_bench_support::log::{CACHE_BYTES, WRITE_BUFFER_BYTES, fill};
use guichet_bench_support::{cpu, table};

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;

use guichet_client::output::Output;
use guichet_engine::log::{Memory, Store};
use guichet_history::HistoryError;
use guichet_history::export::{self, ExportArgs};
use guichet_history::filter::ticket_of;
use guichet_history::lake::Manifest;
use guichet_history::reader::entered;
use guichet_history::source::{History, Source};
use guichet_rules::{Ticket, evolve};
use guichet_schemas::codec::{Head, decode_record};
use guichet_schemas::ids::TicketId;
use guichet_schemas::position::LogPosition;
use guichet_schemas::wire;
use guichet_schemas::words::TicketState;
use prost::Message as _;
use tempfile::TempDir;

use crate::table::{Length, Row, print};

fn main() {
    let length = Length::asked();
    let dir = tempfile::tempdir().expect("a folder for the log");
    let events = fill(dir.path(), length.pick(520_000, 3_000_000));
    let store = Store::open(&dir.path().join("rocksdb"), &Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES))
        .expect("a log that was closed opens");
    let passes = length.pick(5, 9);
    let flat = dir.path().join("flat");
    copy(&store, &flat);
    let scanned = median(passes, || scan(&store));
    let counted = median(passes, || count(&store));
    let stated = median(passes, || states(&store));
    let decoded = median(passes, || decode(&store));
    let folded = median(passes, || fold(&store));
    let store = Arc::new(store);
    let exports = Exports { store: Arc::clone(&store), events, dir: dir.path() };
    let with_tables = median(passes.min(3), || drop(exports.run(&[])));
    let events_alone = median(passes.min(3), || drop(exports.run(&["--table", "events"])));
    let bytes = exports.bytes();
    let by_prost = median(passes, || in_file(&flat, |bytes| drop(black_box(wire::Record::decode(bytes)))));
    let by_us = median(passes, || in_file(&flat, |bytes| drop(black_box(decode_record(bytes)))));
    let per_second = |took: Duration| events as f64 / took.as_secs_f64();
    let row = |what: &str, took, against: Option<f64>, target| {
        let figure = per_second(took);
        let ratio = against.map(|against| figure / against);
        Row { what: what.to_owned(), figure, unit: "events/s", target, against, ratio }
    };
    let (scan, prost) = (per_second(scanned), per_second(by_prost));
    let rows = [
        row("scan alone", scanned, None, ""),
        row("count by type and day", counted, Some(scan), "≥ 0.6 of the scan"),
        row("fold of the states of tickets", stated, Some(1e6), "≥ 1,000,000 (ratio 1)"),
        row("scan and decode", decoded, None, ""),
        row("scan, decode and fold every ticket", folded, Some(1e6), "≥ 1,000,000 (ratio 1)"),
        row("export to Parquet, with the tables", with_tables, Some(3e5), "≥ 300,000 (ratio 1)"),
        row("export to Parquet, events alone", events_alone, Some(3e5), "≥ 300,000 (ratio 1)"),
        Row {
            what: "  bytes an event".to_owned(),
            figure: bytes,
            unit: "B",
            target: "≤ 60 of the ServiceNow year",
            ..Row::default()
        },
        row("a plain file, by prost alone", by_prost, None, ""),
        row("a plain file, whole records", by_us, Some(prost), "≥ 0.5 of prost"),
    ];
    print(
        &format!("replay: {events} events from the log, per second of one core, median of {passes} passes"),
        &rows,
    );
}

/// Exports of a log, each into a folder of its own.
struct Exports<'a> {
    store: Arc<Store>,
    events: u64,
    dir: &'a Path,
}

impl Exports<'_> {
    fn run(&self, more: &[&str]) -> TempDir {
        #[derive(Parser)]
        struct Cli {
            #[command(flatten)]
            export: ExportArgs,
        }
        let out = tempfile::tempdir_in(self.dir).expect("a folder for the export");
        let folder = out.path().display().to_string();
        let words = [&["export", folder.as_str(), "--json"], more].concat();
        let args = Cli::parse_from(words).export;
        let history = History::new(Box::new(Files(Arc::clone(&self.store))), self.events, None);
        export::pass(&args, &history, &Output::new(&args.output)).expect("the log can be exported");
        out
    }

    /// What an event takes in the files.
    fn bytes(&self) -> f64 {
        let out = self.run(&["--table", "events"]);
        let manifest = Manifest::read(out.path()).expect("it was exported");
        manifest.files.iter().map(|file| file.bytes).sum::<u64>() as f64 / self.events as f64
    }
}

/// The log as exports read it.
struct Files(Arc<Store>);

impl Source for Files {
    fn scan(
        &self,
        first: u64,
        last: u64,
        visit: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), HistoryError> {
        let first = LogPosition::new(first).unwrap_or(LogPosition::FIRST);
        let visit =
            |position: LogPosition, record: &[u8]| position.get() <= last && visit(position.get(), record);
        self.0.scan(first, visit).expect("the log can be read");
        Ok(())
    }
}

/// The records of a log, each behind its length.
fn copy(store: &Store, to: &Path) {
    let mut file = BufWriter::new(File::create(to).expect("a file beside the log"));
    let visit = |_, record: &[u8]| {
        let length = u32::try_from(record.len()).expect("a record is small");
        file.write_all(&length.to_be_bytes())
            .and_then(|()| file.write_all(record))
            .expect("room on the disk");
        true
    };
    store.scan(LogPosition::FIRST, visit).expect("the log can be read");
    file.flush().expect("room on the disk");
}

fn in_file(path: &Path, mut visit: impl FnMut(&[u8])) {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).expect("it was written"));
    let (mut length, mut record) = ([0; 4], Vec::new());
    while file.read_exact(&mut length).is_ok() {
        record.resize(u32::from_be_bytes(length) as usize, 0);
        file.read_exact(&mut record).expect("the file was written to its end");
        visit(&record);
    }
}

/// What is asked of the head alone.
fn count(store: &Store) {
    let mut counts: BTreeMap<i64, Vec<(String, u64)>> = BTreeMap::new();
    let visit = |_, record: &[u8]| {
        let head = Head::read(record).expect("the log holds records as we write them");
        let of_day = counts.entry(head.occurred_at.div_euclid(86_400_000)).or_default();
        match of_day.iter_mut().find(|(name, _)| name == head.r#type) {
            Some((_, count)) => *count += 1,
            None => of_day.push((head.r#type.to_owned(), 1)),
        }
        true
    };
    store.scan(LogPosition::FIRST, visit).expect("the log can be read");
    black_box(counts.len());
}

/// What is asked of some events only.
fn states(store: &Store) {
    let mut tickets: HashMap<TicketId, TicketState, BuildHasherDefault<EndOfId>> = HashMap::default();
    let visit = |_, record: &[u8]| {
        let head = Head::read(record).expect("the log holds records as we write them");
        if let Some(state) = entered(&head).expect("events that we know")
            && let Some(id) = ticket_of(&head)
        {
            tickets.insert(id, state);
        }
        true
    };
    store.scan(LogPosition::FIRST, visit).expect("the log can be read");
    black_box(tickets.len());
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
