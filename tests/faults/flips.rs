//! Damage at rest: a bit flips, a sector is zeroed, a file is cut or gone, in a folder that was whole. A start on it
//! gives right answers, or repairs itself to the same log, or halts and says why. It never lies.

mod answers;
mod damage;
mod recovery;
mod settled;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::task::{JoinSet, LocalSet};

use self::recovery::{Came, after};
use crate::campaign::Campaign;
use crate::finding::{Finding, Invariant};
use crate::judge::Verdict;
use crate::table::{Row, say};

pub(crate) use self::damage::{Damage, Kind};
pub(crate) use self::settled::Settled;

/// Damaged copies that are looked at together: most of a start is waiting.
const LANES: usize = 3;

/// The goal: so many damages, every kind of file in its turn.
pub(crate) async fn at_rest(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let wanted = campaign.pick(100, 2_000);
    let settled = match Settled::prepare(campaign.seed).await {
        Ok(settled) => Arc::new(settled),
        Err(finding) => {
            return vec![Row::of(goal, "a folder".to_owned(), Verdict::broken(finding), Vec::new())];
        }
    };
    // A panic of one look is a finding, not the end of the others; so each is a task.
    LocalSet::new().run_until(all(settled, campaign.seed, wanted)).await.rows(goal)
}

async fn all(settled: Arc<Settled>, seed: u64, wanted: usize) -> Tally {
    let mut dice = StdRng::seed_from_u64(seed);
    let kinds = Kind::ALL.iter().cycle();
    let mut damages = kinds.filter_map(|kind| Damage::choose(settled.path(), *kind, &mut dice)).take(wanted);
    let (mut lanes, mut tally) = (JoinSet::new(), Tally::default());
    loop {
        while lanes.len() < LANES {
            let Some(damage) = damages.next() else { break };
            let settled = Arc::clone(&settled);
            lanes.spawn_local(async move {
                let judged = tokio::task::spawn_local({
                    let damage = damage.clone();
                    async move { after(&damage, &settled).await }
                });
                // The rig gives up by a panic where something does not happen in time.
                let panicked = |_| Came::Wrong(Finding::of(Invariant::I11, "the rig waited in vain"));
                (damage, judged.await.unwrap_or_else(panicked))
            });
        }
        let Some(judged) = lanes.join_next().await else { break };
        let (damage, came) = judged.expect("a lane does not panic");
        tally.take(&damage, came);
    }
    tally
}

/// What came of all of them.
#[derive(Default)]
struct Tally {
    done: usize,
    of_kind: BTreeMap<&'static str, Counts>,
    all: Counts,
    verdict: Verdict,
}

#[derive(Default)]
struct Counts {
    right: usize,
    repaired: usize,
    /// Of the repaired: those that halted once and were whole at the start that followed.
    at_a_later_start: usize,
    halted: usize,
    /// Read models that a rebuild by hand made whole.
    by_command: usize,
    forgotten: usize,
    sealed: usize,
    wrong: usize,
}

impl Tally {
    fn take(&mut self, damage: &Damage, came: Came) {
        self.done += 1;
        let of_kind = self.of_kind.entry(damage.kind.name()).or_default();
        for counts in [of_kind, &mut self.all] {
            match &came {
                Came::Right => counts.right += 1,
                Came::Repaired(start) => {
                    counts.repaired += 1;
                    counts.at_a_later_start += usize::from(*start > 1);
                }
                Came::Halted(_) => counts.halted += 1,
                Came::ByCommand => counts.by_command += 1,
                Came::Forgotten => counts.forgotten += 1,
                Came::Sealed => counts.sealed += 1,
                Came::Wrong(_) => counts.wrong += 1,
            }
        }
        match came {
            Came::Right | Came::Repaired(_) => {}
            Came::ByCommand => say(&format!("         {damage}: whole after a rebuild by command")),
            Came::Forgotten => say(&format!("         {damage}: answers without events are forgotten")),
            Came::Sealed => say(&format!("         {damage}: texts stay sealed")),
            Came::Halted(said) => say(&format!("         {damage}: {said}")),
            Came::Wrong(finding) => {
                let what = format!("{damage}: {}", finding.what);
                say(&format!("         WRONG {what}"));
                self.verdict.findings.push(Finding::of(finding.broken, what));
            }
        }
    }

    fn rows(self, goal: &str) -> Vec<Row> {
        for (kind, counts) in &self.of_kind {
            say(&format!("         {kind}: {counts}"));
        }
        let whole = self.all.right + self.all.repaired;
        let share = 100.0 * whole as f64 / self.done.max(1) as f64;
        let note = format!("{}; whole again without a hand: {share:.1} %", self.all);
        let done = format!("{} damages to {} kinds of file", self.done, self.of_kind.len());
        vec![Row::of(goal, done, self.verdict, Vec::<Duration>::new()).noted(note)]
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { right, repaired, at_a_later_start, halted, by_command, forgotten, sealed, wrong } = self;
        write!(
            f,
            "{right} no harm, {repaired} repaired ({at_a_later_start} at a later start), {halted} halted by name, {by_command} whole by one command, {forgotten} forgot answers without events and said so, {sealed} lost texts and said so, {wrong} wrong"
        )
    }
}
