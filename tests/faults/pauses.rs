//! A process that stands still and goes on, as under a debugger, on a machine that swaps or in a virtual machine that
//! is moved: it must not take up old promises, and nobody else may lose any.

use std::time::Duration;

use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::campaign::Campaign;
use crate::crowd::Crowd;
use crate::finding::Finding;
use crate::kills::{Round, load, round};
use crate::site::{Program, Site};
use crate::table::Row;

/// Pauses of one site before it is judged.
const PAUSES_OF_A_SITE: u64 = 20;
/// The longest pause; the second one is longer than the patience of the publisher.
const LONGEST: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(7));

#[derive(Debug, Clone, Copy)]
enum Victim {
    Engine,
    Worker,
    Nats,
}

/// The goal: so many pauses.
pub(crate) async fn of_processes(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let (mut all, mut left) = (Round::default(), campaign.pick(4, 100));
    let longest = campaign.pick(LONGEST.0, LONGEST.1);
    while left > 0 {
        let pauses = left.min(PAUSES_OF_A_SITE);
        left -= pauses;
        let seed = campaign.seed + left;
        let paused = round(Program::product(), seed, async |site, crowd| {
            let mut dice = StdRng::seed_from_u64(seed);
            for _ in 0..pauses {
                pause(site, crowd, longest, &mut dice).await?;
            }
            Ok(usize::try_from(pauses).unwrap_or(0))
        });
        all.add(paused.await);
    }
    vec![Row::of(goal, format!("{} pauses", all.kills), all.verdict, all.restarts)]
}

async fn pause(site: &mut Site, crowd: &Crowd, longest: Duration, dice: &mut StdRng) -> Result<(), Finding> {
    let victims = [Victim::Engine, Victim::Worker, Victim::Nats];
    let victim = *victims.choose(dice).expect("there are three");
    load(crowd, dice.random_range(1..100)).await?;
    signal(site, victim, Signal::SIGSTOP);
    // Most pauses are short; that is what the square does.
    let share: f64 = dice.random();
    // The length of the fault, not a wait for something.
    tokio::time::sleep(longest.mul_f64(share * share)).await;
    signal(site, victim, Signal::SIGCONT);
    crowd.interrupt();
    load(crowd, 50).await?;
    site.supervise()
}

fn signal(site: &mut Site, victim: Victim, signal: Signal) {
    match victim {
        Victim::Engine => site.engine.as_mut().expect("it runs").signal(signal),
        Victim::Worker => site.worker.as_mut().expect("it runs").signal(signal),
        Victim::Nats => site.nats.signal(signal),
    }
}
