//! Power cuts: engine, worker and nats-server live on a disk that loses its power under load. What was acknowledged
//! must be there when it comes back, whatever else is gone.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use guichet_crash::Sabotage;
use nix::sys::signal::Signal;

use crate::campaign::Campaign;
use crate::controls::sabotaged_program;
use crate::crowd::{CLIENTS, Crowd};
use crate::disk::{self, Disk};
use crate::finding::{Finding, Invariant};
use crate::harness::until;
use crate::kills::{Round, finish, load};
use crate::site::{Program, Site};
use crate::table::Row;

/// Cuts of one disk before it is judged and a new one begins.
const CUTS_OF_A_DISK: usize = 30;
/// Cuts after which the control must have lost something.
const CUTS_OF_THE_CONTROL: usize = 6;
const STANDS_WITHIN: Duration = Duration::from_secs(10);
/// Answers that come between two cuts, at most.
const ANSWERS_MAX: u64 = 300;

/// The goal, and its control.
pub(crate) async fn cuts(goal: &str, campaign: &Campaign) -> Vec<Row> {
    if let Err(why) = disk::probe() {
        return vec![Row::skipped(goal, why)];
    }
    let mut all = Round::default();
    let mut left = campaign.pick(30, 2000);
    while left > 0 {
        let cuts = left.min(CUTS_OF_A_DISK);
        left -= cuts;
        all.add(round(Program::product(), campaign.seed + left as u64, cuts).await);
    }
    let row = Row::of(goal, format!("{} cuts", all.kills), all.verdict, all.restarts);
    vec![row, control(campaign).await]
}

/// The same with a log that is written and never synced: it must lose something.
async fn control(campaign: &Campaign) -> Row {
    let goal = format!("control: {}", Sabotage::AckBeforeSync.name());
    match sabotaged_program() {
        Ok(path) => {
            let program = Program::sabotaged(path, Sabotage::AckBeforeSync);
            let round = round(program, campaign.seed, CUTS_OF_THE_CONTROL).await;
            let row = Row::of(&goal, format!("{} cuts", round.kills), round.verdict, round.restarts);
            // Where the stream or an anchor was luckier than the log, the engine sees it and does not start.
            row.control(&[Invariant::I1, Invariant::I4, Invariant::I11])
        }
        Err(why) => Row::skipped(&goal, why),
    }
}

async fn round(program: Program, seed: u64, cuts: usize) -> Round {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let disk = Disk::new(dir.path()).expect("the probe could make one");
    let mut site = match Site::start(program, disk.path()).await {
        Ok(site) => site,
        Err(finding) => {
            return Round { verdict: crate::judge::Verdict::broken(finding), ..Round::default() };
        }
    };
    let crowd = Crowd::start(&site.nats.url(), CLIENTS, seed).await;
    let mut dice = StdRng::seed_from_u64(seed);
    let mut cut_all = async || {
        for _ in 0..cuts {
            load(&crowd, dice.random_range(1..ANSWERS_MAX)).await?;
            cut(&mut site, &disk, &crowd).await?;
        }
        Ok(cuts)
    };
    let disturbed = cut_all().await;
    finish(site, crowd, disturbed).await
}

/// Stops all three, and waits until they are.
pub(crate) async fn stand_still(site: &mut Site) {
    site.nats.signal(Signal::SIGSTOP);
    for process in [&mut site.engine, &mut site.worker].into_iter().flatten() {
        process.signal(Signal::SIGSTOP);
        until("a process stands still", STANDS_WITHIN, async || process.stands_still().then_some(())).await;
    }
}

async fn cut(site: &mut Site, disk: &Disk, crowd: &Crowd) -> Result<(), Finding> {
    // A machine without power answers nobody. One that runs on would: while it is being shut down, ext4 says of a sync
    // that is under way that it is done, and loses it.
    stand_still(site).await;
    disk.cut_power().expect("the probe could cut it");
    site.kill_engine();
    site.kill_worker();
    site.nats.kill();
    crowd.interrupt();
    disk.restore_power().expect("nobody has a file open, and ext4 comes back");
    site.nats.launch().await;
    crowd.interrupt();
    site.launch_worker(None);
    site.launch_engine(None);
    site.engine_ready().await
}
