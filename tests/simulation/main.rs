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
mod forger;
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

use std::collections::BTreeMap;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::world::{Plan, Ran, run};

/// Seeds of a short run, and of a full one.
const SHORT: u64 = 200;
const FULL: u64 = 10_000;
/// No seed takes a second; where none has ended for so long, none will.
const PATIENCE: Duration = Duration::from_secs(120);

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
    let ran = each(seeds);
    let (mut events, mut crashes, mut failed) = (0, 0, 0);
    for (seed, ran) in &ran {
        let Some(ran) = ran else {
            failed += 1;
            say(&format!("seed {seed}: panicked; SEED={seed} shows how"));
            continue;
        };
        events += ran.events;
        crashes += ran.crashes;
        if let Err(broken) = &ran.verdict {
            failed += 1;
            say(&format!("seed {seed}: {broken}; SEED={seed} shows how"));
        }
    }
    let missing = (0..seeds).filter(|seed| !ran.contains_key(seed)).count();
    if missing > 0 {
        failed += missing as u64;
        say(&format!("{missing} of {seeds} seeds were not run"));
    }
    failed += told();
    // Two of them once more, one with a second engine.
    let repeats = [1, 7].iter().all(
        |seed| matches!(ran.get(seed), Some(Some(ran)) if ran.trace == run(*seed, Plan::of(*seed)).trace),
    );
    say(&format!(
        "simulation: {seeds} seeds, {events} events, {crashes} crashes, {failed} broken, the same seed {} the same \
         trace, {:.1} s",
        if repeats { "gives" } else { "DOES NOT GIVE" },
        begun.elapsed().as_secs_f64()
    ));
    if failed == 0 && repeats { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs seeds, and gives what came of them in their order; nothing for one that panicked. One that does not end ends everything, with its number: a
/// step that never comes to its end is a fault of the product like any other.
fn each(seeds: u64) -> BTreeMap<u64, Option<Ran>> {
    let next = Arc::new(AtomicU64::new(0));
    let (tell, told) = mpsc::channel();
    for _ in 0..std::thread::available_parallelism().map_or(1, NonZeroUsize::get) {
        let (next, tell) = (Arc::clone(&next), tell.clone());
        std::thread::spawn(move || {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds {
                    return;
                }
                let ran = catch_unwind(|| run(seed, Plan::of(seed))).ok();
                // Nobody listens any more: then nobody waits for it either.
                if tell.send((seed, ran)).is_err() {
                    return;
                }
            }
        });
    }
    drop(tell);
    let mut ran = BTreeMap::new();
    loop {
        match told.recv_timeout(PATIENCE) {
            Ok((seed, one)) => ran.insert(seed, one),
            Err(RecvTimeoutError::Disconnected) => return ran,
            Err(RecvTimeoutError::Timeout) => {
                let begun = next.load(Ordering::Relaxed).min(seeds);
                for seed in (0..begun).filter(|seed| !ran.contains_key(seed)) {
                    say(&format!("seed {seed} does not end"));
                }
                std::process::exit(1);
            }
        };
    }
}

/// Tells the stories and runs the controls; how many did not end as they must.
fn told() -> u64 {
    let mut failed = 0;
    for (story, tell) in stories::ALL {
        if let Err(broken) = ends(story, *tell) {
            failed += 1;
            say(&format!("story, {story}: {broken}"));
        }
    }
    for control in controls::ALL {
        let checked = ends(control.name, || control.check());
        failed += u64::from(checked.is_err());
        say(&format!("control, {}", checked.unwrap_or_else(|missed| format!("NOT FOUND, {missed}"))));
    }
    failed
}

/// What comes of it, if it comes to an end.
fn ends<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(work()));
    told.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        say(&format!("{what}: does not end, or ended in a panic"));
        std::process::exit(1)
    })
}

#[expect(clippy::disallowed_methods, reason = "a test is told by the environment what to do")]
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn say(line: &str) {
    // Nobody listens: then there is nobody to tell.
    writeln!(std::io::stdout(), "{line}").unwrap_or_default();
}
