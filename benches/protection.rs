//! What does protection cost? Durable commands/s through the engine without NATS, with everything that protects its
//! log and with none of it: personal texts sealed, the Merkle tree grown, signed and anchored, or not. Two logs take
//! turns, so that both see the same machine. Needs `--features measure`: no other build can open a log without.

use guichet_bench_support::log::{CACHE_BYTES, WRITE_BUFFER_BYTES};
use guichet_bench_support::{cpu, drive, table, workload};

use std::path::Path;
use std::time::Duration;

use guichet_engine::halt::Halt;
use guichet_engine::log::{Log, Memory};
use guichet_engine::protection::Protection;
use guichet_schemas::position::Partition;

use crate::drive::Drive;
use crate::table::{Length, Row, print};
use crate::workload::{Tickets, Workload};

/// The threads of a log.
const THREADS: [&str; 4] = ["guichet-decide", "guichet-commit", "guichet-keys", "guichet-notary"];
/// Commands under way.
const IN_FLIGHT: usize = 512;

/// What of the protection is on.
#[derive(Debug, Clone, Copy)]
struct On {
    sealing: bool,
    notary: bool,
}

fn main() {
    let length = Length::asked();
    let subjects = [
        ("known subjects", Tickets::Many, "> 0.90"),
        ("a new subject in every command", Tickets::New, "> 0.65"),
    ];
    let parts = [
        ("all of it", On { sealing: true, notary: true }),
        ("sealing alone", On { sealing: true, notary: false }),
        ("tree and checkpoints alone", On { sealing: false, notary: true }),
    ];
    for (subjects, tickets, target) in subjects {
        let mut rows = Vec::new();
        for (what, on) in parts {
            let target = if on.sealing && on.notary { target } else { "" };
            rows.extend(compare(what, tickets, on, length, target));
        }
        print(&format!("protection: {IN_FLIGHT} in flight, {subjects}; against a log without any"), &rows);
    }
}

/// The same commands with protection and without, in turns.
fn compare(what: &str, tickets: Tickets, on: On, length: Length, target: &'static str) -> Vec<Row> {
    let dir = tempfile::tempdir().expect("a folder for the logs");
    let mut with = Side::open(&dir.path().join("with"), tickets, on);
    let mut without = Side::open(&dir.path().join("without"), tickets, On { sealing: false, notary: false });
    let (turns, turn) = (length.pick(9, 25), Duration::from_millis(length.pick(400, 1500)));
    // The first turn fills caches and meets the subjects; it does not count.
    for counts in std::iter::once(false).chain(std::iter::repeat_n(true, turns)) {
        with.turn(turn, counts);
        without.turn(turn, counts);
    }
    let ratio = median(&with.rates) / median(&without.rates);
    let mut rows = vec![Row {
        what: what.to_owned(),
        figure: median(&with.rates),
        unit: "commands/s",
        against: Some(median(&without.rates)),
        ratio: Some(ratio),
        target,
    }];
    for (thread, (with, without)) in THREADS.iter().zip(with.cpu().zip(without.cpu())) {
        let what = format!("  {thread}, on a CPU");
        rows.push(Row { what, figure: with, unit: "µs/command", against: Some(without), ..Row::default() });
    }
    with.close();
    without.close();
    rows
}

/// A log, and what its turns came to.
struct Side {
    log: Log,
    drive: Drive,
    rates: Vec<f64>,
    commands: u64,
    on_cpu: [Duration; 4],
}

impl Side {
    fn open(dir: &Path, tickets: Tickets, on: On) -> Self {
        let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
        let protection =
            Protection { sealing: on.sealing, notary: on.notary, ..Protection::within(dir, Partition(0)) };
        let log = Log::open(&dir.join("log"), Partition(0), &memory, &protection, &Halt::new());
        let log = log.expect("a fresh log opens");
        let drive = Drive::new(log.inlet(), log.reader(), Workload::new(tickets));
        Self { log, drive, rates: Vec::new(), commands: 0, on_cpu: [Duration::ZERO; 4] }
    }

    fn turn(&mut self, length: Duration, counts: bool) {
        let before = THREADS.map(cpu::of_threads);
        let turn = self.drive.turn(IN_FLIGHT, length);
        let after = THREADS.map(cpu::of_threads);
        if counts {
            let commands = turn.latencies_ns.len();
            self.rates.push(commands as f64 / turn.took.as_secs_f64());
            self.commands += commands as u64;
            for (sum, (after, before)) in self.on_cpu.iter_mut().zip(after.into_iter().zip(before)) {
                *sum += after.saturating_sub(before);
            }
        }
    }

    /// Of each thread, in µs per command.
    fn cpu(&self) -> impl Iterator<Item = f64> {
        let commands = self.commands as f64;
        self.on_cpu.map(|time| time.as_secs_f64() * 1e6 / commands).into_iter()
    }

    fn close(self) {
        drop(self.drive);
        self.log.close().expect("the log closes");
    }
}

/// A turn in which somebody else had the machine does not count for much.
fn median(rates: &[f64]) -> f64 {
    let mut rates = rates.to_vec();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
