//! Read models folded again and again from the same log, in batches of any size, killed at any step: each comes to the
//! same content, to the byte.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use guichet_crash::CrashPoint;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;

use crate::campaign::Campaign;
use crate::finding::{Finding, Invariant};
use crate::flips::Settled;
use crate::judge::{MODELS, Verdict};
use crate::site::{Program, armed, was_killed};
use crate::table::Row;

/// Folders at work at a time, each with its own log.
const LANES: u64 = 2;
/// Kills of one rebuild, at most, before it may come to its end.
const KILLS_MAX: usize = 2;
/// A rebuild takes about so long: a kill comes somewhere in it.
const LASTS: Duration = Duration::from_millis(250);
/// Steps of a rebuild.
const STEPS: [CrashPoint; 4] =
    [CrashPoint::FoldBefore, CrashPoint::FoldAfter, CrashPoint::SettleRemoved, CrashPoint::SettleRenamed];

/// The goal: so many rebuilds of each read model.
pub(crate) async fn of_each_model(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let times = campaign.pick(20, 500);
    let settled = match Settled::prepare(campaign.seed).await {
        Ok(settled) => Arc::new(settled),
        Err(finding) => {
            return vec![Row::of(goal, "a folder".to_owned(), Verdict::broken(finding), Vec::new())];
        }
    };
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let (settled, seed) = (Arc::clone(&settled), campaign.seed + lane);
        let share = times / LANES + u64::from(lane < times % LANES);
        lanes.spawn_blocking(move || work(&settled, seed, share));
    }
    let mut all = Folded::default();
    while let Some(folded) = lanes.join_next().await {
        all.add(folded.expect("a lane does not panic"));
    }
    let mut verdict = Verdict { findings: all.findings, ..Verdict::default() };
    for (model, hashes) in &all.contents {
        if hashes.len() != 1 {
            let what = format!("read model {model} came to {} contents: {hashes:?}", hashes.len());
            verdict.findings.push(Finding::of(Invariant::I5, what));
        }
    }
    let note = format!("{} kills on the way; batches of 1 to 10,000 events; one content each", all.kills);
    vec![
        Row::of(goal, format!("{times} rebuilds of {} models", MODELS.len()), verdict, Vec::new())
            .noted(note),
    ]
}

/// What a lane has seen.
#[derive(Default)]
struct Folded {
    kills: usize,
    /// How often each content came out, by model.
    contents: BTreeMap<&'static str, BTreeMap<String, usize>>,
    findings: Vec<Finding>,
}

impl Folded {
    fn add(&mut self, other: Self) {
        self.kills += other.kills;
        self.findings.extend(other.findings);
        for (model, hashes) in other.contents {
            for (hash, times) in hashes {
                *self.contents.entry(model).or_default().entry(hash).or_default() += times;
            }
        }
    }
}

fn work(settled: &Settled, seed: u64, times: u64) -> Folded {
    let mut folded = Folded::default();
    let copy = match settled.copy() {
        Ok(copy) => copy,
        Err(why) => {
            folded.findings.push(Finding::of(Invariant::I5, format!("the rig cannot copy a folder: {why}")));
            return folded;
        }
    };
    let dir = copy.path().join("engine");
    let mut dice = StdRng::seed_from_u64(seed);
    for n in 0..=times {
        for model in MODELS {
            match once(&dir, model, &mut dice, &mut folded.kills) {
                // The very first has nothing to be compared with.
                Ok(None) if n == 0 => {}
                Ok(Some(hash)) => *folded.contents.entry(model).or_default().entry(hash).or_default() += 1,
                Ok(None) => folded.findings.push(broken(model, "the rebuild says no content")),
                Err(said) => folded.findings.push(broken(model, &said)),
            }
        }
    }
    folded
}

/// One rebuild, killed on the way or not; the content that it says it has.
fn once(
    dir: &Path,
    model: &'static str,
    dice: &mut StdRng,
    kills: &mut usize,
) -> Result<Option<String>, String> {
    for _ in 0..dice.random_range(0..=KILLS_MAX) {
        let mut command = rebuild(dir, model, dice);
        if dice.random_bool(0.5) {
            let step = STEPS.choose(dice).expect("there are steps");
            command.env("GUICHET_CRASH_POINT", armed(*step, dice.random_range(1..50)));
        }
        let mut child = command.spawn().map_err(|error| format!("start a rebuild: {error}"))?;
        let until = Instant::now() + LASTS.mul_f64(dice.random());
        while Instant::now() < until && child.try_wait().is_ok_and(|ended| ended.is_none()) {
            // A pace: the kill comes at a moment that the dice choose.
            std::thread::park_timeout(Duration::from_millis(1));
        }
        child.kill().ok();
        let ended = child.wait().map_err(|error| error.to_string())?;
        *kills += usize::from(was_killed(ended));
    }
    let output = rebuild(dir, model, dice).output().map_err(|error| format!("start a rebuild: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() || !said.contains("took over") {
        return Err(said);
    }
    if said.contains("differ") && !said.contains(" 0 differ") {
        return Err(said);
    }
    Ok(said.split("content ").nth(1).and_then(|rest| rest.split_whitespace().next()).map(str::to_owned))
}

/// The command, with a batch of a size that the dice choose: as often below a hundred as above.
fn rebuild(dir: &Path, model: &str, dice: &mut StdRng) -> Command {
    let batch = 10_f64.powf(dice.random_range(0.0..4.0)) as u64;
    let mut command = Program::product().command();
    command.args(["project", "--rebuild", model, "--fold-batch", &batch.to_string(), "--data-dir"]).arg(dir);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn broken(model: &str, said: &str) -> Finding {
    Finding::of(Invariant::I5, format!("read model {model}: {said}"))
}
