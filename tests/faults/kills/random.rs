//! SIGKILL at any moment: to the engine, the worker, nats-server, or several at once.

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};

use super::{Round, load, round};
use crate::crowd::Crowd;
use crate::finding::Finding;
use crate::site::{Program, Site};

/// Answers that come between two kills, at most.
const ANSWERS_MAX: u64 = 250;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Engine,
    Worker,
    Nats,
}

/// So many kills of one site, in an order that the seed gives.
pub(crate) async fn kills(program: Program, seed: u64, kills: usize) -> Round {
    round(program, seed, async |site, crowd| {
        let mut dice = StdRng::seed_from_u64(seed);
        for _ in 0..kills {
            kill(site, crowd, &mut dice).await?;
        }
        Ok(kills)
    })
    .await
}

async fn kill(site: &mut Site, crowd: &Crowd, dice: &mut StdRng) -> Result<(), Finding> {
    load(crowd, dice.random_range(0..ANSWERS_MAX)).await?;
    site.supervise()?;
    let victims = choose(dice);
    for victim in &victims {
        match victim {
            Victim::Engine => site.kill_engine(),
            Victim::Worker => site.kill_worker(),
            Victim::Nats => site.nats.kill(),
        }
    }
    crowd.interrupt();
    if victims.contains(&Victim::Nats) {
        site.nats.launch().await;
        crowd.interrupt();
    }
    if victims.contains(&Victim::Worker) {
        site.launch_worker(None);
    }
    if victims.contains(&Victim::Engine) {
        site.launch_engine(None);
        site.engine_ready().await?;
    }
    Ok(())
}

/// Mostly the engine, which alone can lose something; sometimes another, sometimes two.
fn choose(dice: &mut StdRng) -> Vec<Victim> {
    let all = [Victim::Engine, Victim::Worker, Victim::Nats];
    match dice.random_range(0..10) {
        0..7 => vec![Victim::Engine],
        7..9 => all.choose(dice).into_iter().copied().collect(),
        _ => {
            let mut two = all.to_vec();
            two.shuffle(dice);
            two.truncate(2);
            two
        }
    }
}
