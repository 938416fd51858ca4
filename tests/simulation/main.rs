//! The writer, the publisher and the worker in one thread, on a disk, a broker and a clock that are ours: a seed
//! chooses who does what next, what fails and when, and the same seed chooses the same again.
//!
//! Without arguments, 200 seeds. `GUICHET_CAMPAIGN=full` runs 10,000; `SEED=n` runs one and prints its trace. What is
//! real here and what is not stands in decision 11.

mod broker;
mod bus;
mod client;
mod controls;
mod disk;
mod engine;
mod judge;
mod ledger;
mod life;
mod orders;
mod shelf;
mod sim;
mod source;
mod stories;
mod tasks;
mod worker;
mod world;

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::world::{Plan, run};

/// Seeds of a short run, and of a full one.
const SHORT: u64 = 200;
const FULL: u64 = 10_000;

fn main() -> ExitCode {
    match asked("SEED").and_then(|seed| seed.parse().ok()) {
        Some(seed) => one(seed),
        None => all(if asked("GUICHET_CAMPAIGN").is_some_and(|v| v == "full") { FULL } else { SHORT }),
    }
}

/// One seed, with everything that happens in it.
fn one(seed: u64) -> ExitCode {
    let ran = run(seed, Plan { spoken: true, ..Plan::of(seed) });
    ran.spoken.iter().for_each(|line| say(line));
    say(&format!("seed {seed}: {} events, {} crashes, trace {}", ran.events, ran.crashes, ran.trace));
    match ran.verdict {
        Ok(()) => ExitCode::SUCCESS,
        Err(broken) => {
            say(&format!("seed {seed}: {broken}"));
            ExitCode::FAILURE
        }
    }
}

/// Every seed, as many at a time as the machine has cores: each by itself is one thread.
fn all(seeds: u64) -> ExitCode {
    let begun = Instant::now();
    let (next, ran) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let one = run(seed, Plan::of(seed));
                    ran.lock().unwrap_or_else(PoisonError::into_inner).push((seed, one));
                }
            });
        }
    });
    let mut ran = ran.into_inner().unwrap_or_else(PoisonError::into_inner);
    ran.sort_by_key(|(seed, _)| *seed);
    let (mut events, mut crashes, mut failed) = (0, 0, 0);
    for (seed, ran) in &ran {
        events += ran.events;
        crashes += ran.crashes;
        if let Err(broken) = &ran.verdict {
            failed += 1;
            say(&format!("seed {seed}: {broken}; SEED={seed} shows how"));
        }
    }
    failed += told();
    // Two of them once more, one with a second engine.
    let repeats = [1, 7]
        .iter()
        .all(|seed| ran.iter().any(|(s, r)| s == seed && r.trace == run(*seed, Plan::of(*seed)).trace));
    say(&format!(
        "simulation: {seeds} seeds, {events} events, {crashes} crashes, {failed} broken, the same seed {} the same \
         trace, {:.1} s",
        if repeats { "gives" } else { "DOES NOT GIVE" },
        begun.elapsed().as_secs_f64()
    ));
    if failed == 0 && repeats { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tells the stories and runs the controls; how many did not end as they must.
fn told() -> u64 {
    let mut failed = 0;
    for (story, told) in stories::all() {
        if let Err(broken) = told {
            failed += 1;
            say(&format!("story, {story}: {broken}"));
        }
    }
    for control in controls::all() {
        failed += u64::from(control.is_err());
        say(&format!("control, {}", control.unwrap_or_else(|missed| format!("NOT FOUND, {missed}"))));
    }
    failed
}

#[expect(clippy::disallowed_methods, reason = "a test is told by the environment what to do")]
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn say(line: &str) {
    // Nobody listens: then there is nobody to tell.
    writeln!(std::io::stdout(), "{line}").unwrap_or_default();
}
