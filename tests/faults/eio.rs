//! A disk that says no: EIO at the n-th fsync, and a disk that is full. The outcome is then unknown, so nothing more is
//! acknowledged, the process ends, and the next one finds out.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::campaign::Campaign;
use crate::crowd::Crowd;
use crate::finding::{Finding, Invariant};
use crate::harness::HALTED;
use crate::kills::{load, revive_engine, round};
use crate::ledger::{End, Ledger, is_accepted};
use crate::needs;
use crate::site::{Fault, Injection, Program, Site, end_of};
use crate::table::Row;

/// From the failed call to the end of the process.
const ENDS_WITHIN: Duration = Duration::from_millis(100);
/// So long may it take until the call in question is made.
const REACHED_WITHIN: Duration = Duration::from_secs(20);
/// An answer that left before the call failed may be on its way for so long.
const ON_ITS_WAY: Duration = Duration::from_millis(100);
/// How an engine that was at work says why it ends.
const HALT: &str = "halted: ";
/// Faults on one site before it is judged.
const FAULTS_OF_A_SITE: u64 = 50;
/// A start makes fewer calls than this one.
const UNDER_LOAD: u64 = 32;

/// The goal: the first n fsyncs, each failed once.
pub(crate) async fn at_each_sync(goal: &str, campaign: &Campaign) -> Vec<Row> {
    if let Err(why) = needs::strace() {
        return vec![Row::skipped(goal, why)];
    }
    let faults = campaign.pick(40, 200);
    let mut all = crate::kills::Round::default();
    let mut ends = Vec::new();
    for first in (1..=faults).step_by(FAULTS_OF_A_SITE as usize) {
        let last = faults.min(first + FAULTS_OF_A_SITE - 1);
        let ended = &mut ends;
        let round = round(Program::product(), campaign.seed + first, async |site, crowd| {
            for n in first..=last {
                ended.push(fail_sync(site, crowd, n).await?);
            }
            Ok((last - first + 1) as usize)
        });
        all.add(round.await);
    }
    // A start that fails has promised nothing, and takes the time to close what it had opened.
    let (mut ends, starts): (Vec<_>, Vec<_>) = ends.into_iter().partition(|(_, _, said)| said.contains(HALT));
    ends.sort_unstable();
    let slow_start = starts.iter().map(|(lived, ..)| *lived).max().unwrap_or_default();
    let (slowest, at, said) = ends.last().cloned().unwrap_or_default();
    let row = Row::of(goal, format!("{} faults", all.kills), all.verdict, all.restarts);
    let middle = ends.get(ends.len() / 2).map(|(lived, ..)| *lived).unwrap_or_default();
    // A figure, not a finding: a busy machine is no fault of the product.
    let met = if slowest > ENDS_WITHIN { format!("MISSED at sync {at}: {said}") } else { "met".to_owned() };
    let note = format!(
        "{} at work ended after p50 {} ms, at most {} ms (aim: {} ms, {met}); {} starts failed, at most {} ms",
        ends.len(),
        middle.as_millis(),
        slowest.as_millis(),
        ENDS_WITHIN.as_millis(),
        starts.len(),
        slow_start.as_millis()
    );
    vec![row.noted(note)]
}

/// One fault; says how long the engine lived on, after which call, and what it said last.
async fn fail_sync(site: &mut Site, crowd: &Crowd, n: u64) -> Result<(Duration, u64, String), Finding> {
    let trace = site.dir().join(format!("syncs-{n}"));
    let injection = Injection { calls: "fdatasync,fsync", fault: Fault::Error("EIO"), when: n };
    crowd.interrupt();
    site.kill_engine();
    site.launch_traced_engine(&injection, &trace);
    let engine = site.engine.as_mut().expect("it was launched");
    let ended = end_of(engine, REACHED_WITHIN).await;
    let now = (wall(), crowd.ledger().now());
    let said = engine.said();
    let Some(status) = ended else {
        return Err(Finding::of(Invariant::I7, format!("sync {n} failed and the engine goes on: {said}")));
    };
    let failed =
        failed_at(&trace).ok_or_else(|| Finding::of(Invariant::I7, format!("no sync {n} was failed")))?;
    let lived = now.0.saturating_sub(failed);
    // While it starts nobody waits for an answer; under load it must say that it halts.
    if status.code() != Some(HALTED) && n > UNDER_LOAD {
        return Err(site.unwanted_end("engine", status));
    }
    let fault = now.1.saturating_sub(lived);
    if let Some(position) = acked_after(crowd.ledger(), fault) {
        let what = format!("sync {n} failed, and a command that was sent later got position {position}");
        return Err(Finding::of(Invariant::I7, what));
    }
    revive_engine(site, crowd).await?;
    load(crowd, 20).await?;
    Ok((lived, n, said.lines().last().unwrap_or_default().to_owned()))
}

/// An acceptance of a command that was sent after the fault, or that came long after it.
fn acked_after(ledger: &Ledger, fault: Duration) -> Option<String> {
    let entries = ledger.entries();
    let attempts = entries.iter().filter(|entry| !entry.dry_run).flat_map(|entry| &entry.attempts);
    let late = attempts.filter(|attempt| attempt.sent > fault || attempt.ended > fault + ON_ITS_WAY);
    late.filter_map(|attempt| match &attempt.end {
        End::Answered(bytes) if is_accepted(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        End::Answered(_) | End::Open | End::Unknown | End::NotTaken => None,
    })
    .next()
}

/// When strace failed the call, by the clock on the wall.
fn failed_at(trace: &Path) -> Option<Duration> {
    let text = std::fs::read_to_string(trace).ok()?;
    let line = text.lines().find(|line| line.contains("(INJECTED)"))?;
    let seconds = line.split_whitespace().find(|word| word.contains('.'))?;
    seconds.parse().ok().map(Duration::from_secs_f64)
}

#[expect(clippy::disallowed_methods, reason = "strace writes the time on the wall, and nothing else")]
pub(crate) fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
