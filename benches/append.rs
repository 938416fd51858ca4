//! How much of the speed of the bare disk is left after deciding? Durable commands/s through the engine without
//! NATS, against the same record bytes alone: one put per event into a plain RocksDB with the same options, in
//! synced batches of the same size. Engine and floor take turns, so that both see the same machine.

use guichet_bench_support::log::{CACHE_BYTES, WRITE_BUFFER_BYTES};
use guichet_bench_support::{cpu, drive, table, workload};

#[path = "append/floor.rs"]
mod floor;

use std::time::Duration;

use guichet_engine::halt::Halt;
use guichet_engine::log::{Log, Memory};
use guichet_engine::protection::Protection;
use guichet_schemas::position::Partition;
use hdrhistogram::Histogram;

use crate::drive::Drive;
use crate::floor::Floor;
use crate::table::{Length, Row, print};
use crate::workload::{Tickets, Workload};

/// The threads of the log.
const THREADS: [&str; 2] = ["guichet-decide", "guichet-commit"];
/// Tickets that get all the commands of the last level.
const HOT: u64 = 64;

fn main() {
    let length = Length::asked();
    let levels = [
        (1, Tickets::Many, "no target"),
        (64, Tickets::Many, "no target"),
        (512, Tickets::Many, "≥ 0.25"),
        (512, Tickets::New, "no target"),
        (512, Tickets::Hot(HOT), "no target"),
    ];
    let mut rows = Vec::new();
    let mut latencies = Vec::new();
    for (in_flight, tickets, target) in levels {
        let level = measure(in_flight, tickets, length);
        let what = match tickets {
            Tickets::Many => format!("{in_flight} in flight, a new ticket every 5 commands"),
            Tickets::New => format!("{in_flight} in flight, a new ticket of a new requester each"),
            Tickets::Hot(n) => format!("{in_flight} in flight, {n} hot tickets"),
        };
        let (engine, floor) = (median(&level.engine), median(&level.floor));
        rows.push(Row {
            what,
            figure: engine,
            unit: "commands/s",
            against: Some(floor),
            ratio: Some(engine / floor),
            target,
        });
        rows.push(Row {
            what: "  of these, in one synced batch".to_owned(),
            figure: level.events as f64 / level.batches as f64,
            unit: "events",
            ..Row::default()
        });
        let [decider, committer, floor] = level.cpu.map(|t| t.as_secs_f64() * 1e6 / level.commands as f64);
        for (what, figure) in [("  decider, on a CPU", decider), ("  committer, on a CPU", committer)] {
            let against = Some(floor);
            rows.push(Row { what: what.to_owned(), figure, unit: "µs/command", against, ..Row::default() });
        }
        if in_flight == 1 {
            for (name, quantile, target) in [("p50", 0.5, "≤ 1.5"), ("p99", 0.99, "≤ 1.5")] {
                let of = |h: &Histogram<u64>| h.value_at_quantile(quantile) as f64 / 1000.0;
                let (engine, floor) = (of(&level.engine_ns), of(&level.floor_ns));
                latencies.push(Row {
                    what: format!("1 in flight, {name}"),
                    figure: engine,
                    unit: "µs",
                    against: Some(floor),
                    ratio: Some(engine / floor),
                    target,
                });
            }
        }
    }
    print("append: durable commands, against the same bytes in synced batches of the same size", &rows);
    print("append: latency of a command, against one synced write of its records", &latencies);
}

/// What one level came to, all turns together.
struct Level {
    commands: u64,
    events: u64,
    batches: u64,
    /// On a CPU: the decider, the committer, and what writes the floor.
    cpu: [Duration; 3],
    /// Commands/s of each turn.
    engine: Vec<f64>,
    /// The same commands/s, if nothing but their records had to be written.
    floor: Vec<f64>,
    engine_ns: Histogram<u64>,
    floor_ns: Histogram<u64>,
}

fn measure(in_flight: usize, tickets: Tickets, length: Length) -> Level {
    let dir = tempfile::tempdir().expect("a folder for the log");
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let protection = Protection::within(dir.path(), Partition(0));
    let log = Log::open(&dir.path().join("log"), Partition(0), &memory, &protection, &Halt::new())
        .expect("a fresh log opens");
    let floor_memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let mut floor = Floor::open(&dir.path().join("floor"), &floor_memory);
    let mut drive = Drive::new(log.inlet(), log.reader(), Workload::new(tickets));
    let histogram =
        || Histogram::new_with_max(60_000_000_000, 3).expect("a minute in ns with 3 digits is possible");
    let mut level = Level {
        commands: 0,
        events: 0,
        batches: 0,
        cpu: [Duration::ZERO; 3],
        engine: Vec::new(),
        floor: Vec::new(),
        engine_ns: histogram(),
        floor_ns: histogram(),
    };
    let (turns, turn) = (length.pick(11, 25), Duration::from_millis(length.pick(300, 1500)));
    // The first turn fills caches and creates what is hot; it does not count.
    for counts in std::iter::once(false).chain(std::iter::repeat_n(true, turns)) {
        let before = THREADS.map(cpu::of_threads);
        let turn = drive.turn(in_flight, turn);
        let after = THREADS.map(cpu::of_threads);
        let written = floor.write(&log.reader(), &turn.heads);
        if counts {
            level.commands += turn.latencies_ns.len() as u64;
            for i in 0..THREADS.len() {
                level.cpu[i] += after[i].saturating_sub(before[i]);
            }
            level.cpu[2] += written.on_cpu;
            let commands = turn.latencies_ns.len() as f64;
            level.events += written.events;
            level.batches += turn.heads.len() as u64;
            level.engine.push(commands / turn.took.as_secs_f64());
            level.floor.push(commands / written.took.as_secs_f64());
            turn.latencies_ns.iter().for_each(|ns| level.engine_ns.saturating_record(*ns));
            written.latencies_ns.iter().for_each(|ns| level.floor_ns.saturating_record(*ns));
        }
    }
    drop(drive);
    log.close().expect("the log closes");
    level
}

/// A turn in which somebody else had the machine or the disk does not count for much.
fn median(rates: &[f64]) -> f64 {
    let mut rates = rates.to_vec();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
