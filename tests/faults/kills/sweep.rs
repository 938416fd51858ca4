//! SIGKILL at the n-th call of a system call, inside RocksDB too: strace delivers it before the call is made.

use std::path::Path;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{Round, revive_engine, round};
use crate::site::{Fault, Injection, Program, end_of};

/// The calls by which a log reaches a disk, and up to which one of each there is something to see.
const CALLS: [(&str, u64); 9] = [
    ("write", 400),
    ("pwrite64", 40),
    ("fdatasync", 300),
    ("fsync", 12),
    ("openat", 60),
    ("rename", 4),
    ("unlink", 4),
    ("ftruncate", 4),
    ("mkdir", 4),
];
/// A call that was not made by then is not made: the engine is killed all the same, under load.
const REACHED_WITHIN: Duration = Duration::from_millis(700);

/// So many kills, call by call; also says how many of them were at the call that was meant.
pub(crate) async fn kills(program: Program, seed: u64, kills: usize) -> (Round, usize) {
    let mut reached = 0;
    let counted = &mut reached;
    let round = round(program, seed, async |site, crowd| {
        let mut dice = StdRng::seed_from_u64(seed);
        for n in 0..kills {
            let (call, most) = CALLS[n % CALLS.len()];
            // Early ones are the start, late ones the load.
            let when = dice.random_range(1..=most);
            let when = if dice.random_bool(0.3) { when.div_ceil(10) } else { when };
            let injection = Injection { calls: call, fault: Fault::Kill, when };
            crowd.interrupt();
            site.kill_engine();
            site.launch_traced_engine(&injection, Path::new("/dev/null"));
            if site.engine_started().await?.is_none() {
                *counted += 1;
            } else if let Some(engine) = &mut site.engine
                && end_of(engine, REACHED_WITHIN).await.is_some()
            {
                *counted += 1;
            }
            revive_engine(site, crowd).await?;
        }
        Ok(kills)
    })
    .await;
    (round, reached)
}
