//! Kills: at every crash point, at every system call, and at random. What survives is judged each time.

mod points;
mod random;
mod sweep;

use std::time::Duration;

use guichet_crash::CrashPoint;

use crate::campaign::Campaign;
use crate::crowd::{CLIENTS, Crowd};
use crate::finding::{Finding, Invariant};
use crate::judge::{Verdict, judge};
use crate::needs;
use crate::site::{Program, Site};
use crate::table::Row;

pub(crate) use self::random::kills as random_kills;

/// Load must come back within this after everything has.
pub(crate) const LOAD_WITHIN: Duration = Duration::from_secs(20);

/// Kills of one site before it is judged and the next one begins: a verdict reads everything again.
const KILLS_OF_A_SITE: usize = 60;

/// The goal: every crash point.
pub(crate) async fn at_points(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let mut all = Round::default();
    for n in 0..campaign.pick(1, 20) {
        all.add(points::kills(Program::product(), campaign.seed + n, 1).await);
        all.add(points::at_first_start(&Program::product(), campaign.seed + n).await);
    }
    let done = format!("{} kills at {} points", all.kills, CrashPoint::ALL.len());
    vec![Row::of(goal, done, all.verdict, all.restarts)]
}

/// The goal: system calls, each at its n-th.
pub(crate) async fn at_calls(goal: &str, campaign: &Campaign) -> Vec<Row> {
    if let Err(why) = needs::strace() {
        return vec![Row::skipped(goal, why)];
    }
    let (mut all, mut reached) = (Round::default(), 0);
    let mut left = campaign.pick(45, 1800);
    while left > 0 {
        let kills = left.min(KILLS_OF_A_SITE);
        left -= kills;
        let (round, at_call) = sweep::kills(Program::product(), campaign.seed + left as u64, kills).await;
        all.add(round);
        reached += at_call;
    }
    let done = format!("{} kills, {reached} at the call", all.kills);
    vec![Row::of(goal, done, all.verdict, all.restarts)]
}

/// The goal: at any moment, to any of the three processes.
pub(crate) async fn at_random(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let mut all = Round::default();
    let mut left = campaign.pick(205, 3000);
    while left > 0 {
        let kills = left.min(KILLS_OF_A_SITE);
        left -= kills;
        all.add(random_kills(Program::product(), campaign.seed + left as u64, kills).await);
    }
    vec![Row::of(goal, format!("{} kills", all.kills), all.verdict, all.restarts)]
}

/// What a round of kills came to.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) kills: usize,
    pub(crate) verdict: Verdict,
    pub(crate) restarts: Vec<Duration>,
}

impl Round {
    pub(crate) fn add(&mut self, other: Self) {
        self.kills += other.kills;
        self.verdict.add(other.verdict);
        self.restarts.extend(other.restarts);
    }
}

/// A site with a crowd on it, while both are disturbed; then the verdict.
pub(crate) async fn round(
    program: Program,
    seed: u64,
    disturb: impl AsyncFnOnce(&mut Site, &mut Crowd) -> Result<usize, Finding>,
) -> Round {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut site = match Site::start(program, dir.path()).await {
        Ok(site) => site,
        Err(finding) => return Round { verdict: Verdict::broken(finding), ..Round::default() },
    };
    let mut crowd = Crowd::start(&site.nats.url(), CLIENTS, seed).await;
    let disturbed = disturb(&mut site, &mut crowd).await;
    finish(site, crowd, disturbed).await
}

/// Lets the crowd come to its end, and judges.
pub(crate) async fn finish(mut site: Site, mut crowd: Crowd, disturbed: Result<usize, Finding>) -> Round {
    let mut round = Round::default();
    match disturbed {
        Ok(kills) => {
            round.kills = kills;
            if !crowd.settle().await {
                let what = "some commands get no answer although everything is up again";
                round.verdict.findings.push(Finding::of(Invariant::I11, what));
            }
            round.verdict.add(judge(&mut site, crowd.ledger()).await);
        }
        Err(finding) => {
            // The round is broken. What else can be seen is worth seeing.
            crowd.abandon().await;
            round.verdict.findings.push(finding);
            round.verdict.add(judge(&mut site, crowd.ledger()).await);
        }
    }
    round.restarts = site.restarts;
    round
}

/// The engine is dead: starts it again and lets the clients go on.
pub(crate) async fn revive_engine(site: &mut Site, crowd: &Crowd) -> Result<(), Finding> {
    crowd.interrupt();
    site.kill_engine();
    site.launch_engine(None);
    site.engine_ready().await
}

/// Waits until the crowd has heard so many answers.
pub(crate) async fn load(crowd: &Crowd, answers: u64) -> Result<(), Finding> {
    if crowd.hears(answers, LOAD_WITHIN).await {
        return Ok(());
    }
    Err(Finding::of(Invariant::I11, format!("{answers} answers do not come although everything is up")))
}
