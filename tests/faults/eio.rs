//! A disk that says no: EIO at the n-th fsync, and a disk that is full. The outcome is then unknown, so nothing more is
//! acknowledged, the process ends, and the next one finds out.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::campaign::Campaign;
use crate::crowd::Crowd;
use crate::finding::{Finding, Invariant};
use crate::harness::HALTED;
use crate::kills::{load, revive_engine, round};
use crate::ledger::{Attempt, End, Ledger, is_accepted};
use crate::needs;
use crate::site::{Fault, Injection, Program, Site, end_of};
use crate::table::Row;

/// From the failed call to the end of the process.
const ENDS_WITHIN: Duration = Duration::from_millis(100);
/// So long may it take until the call in question is made.
const REACHED_WITHIN: Duration = Duration::from_secs(20);
/// An answer that left before the call failed may be on its way for so long.
const ON_ITS_WAY: Duration = Duration::from_millis(100);
/// Faults on one site before it is judged.
const FAULTS_OF_A_SITE: u64 = 50;
/// A start makes fewer calls than this.
const CALLS_OF_A_START: u64 = 100;
/// How a start ends that met a disk that says no.
const FAILED: i32 = 1;

/// The goal: each fsync failed once, from the first one of a start to so many of an engine at work.
pub(crate) async fn at_each_sync(goal: &str, campaign: &Campaign) -> Vec<Row> {
    if let Err(why) = needs::strace() {
        return vec![Row::skipped(goal, why)];
    }
    let wanted = campaign.pick(20, 170);
    let mut all = crate::kills::Round::default();
    let mut ends = Ends::default();
    let mut first = 1;
    while all.verdict.findings.is_empty() && ends.at_work.len() < wanted {
        if first > CALLS_OF_A_START + wanted as u64 {
            let what = format!("{first} syncs were failed, {} of an engine at work", ends.at_work.len());
            all.verdict.findings.push(Finding::of(Invariant::I7, what));
            break;
        }
        let ended = &mut ends;
        let round = round(Program::product(), campaign.seed + first, async |site, crowd| {
            let last = first + FAULTS_OF_A_SITE - 1;
            let mut done = 0;
            for n in first..=last {
                if ended.at_work.len() < wanted {
                    ended.add(fail_sync(site, crowd, n).await?);
                    done += 1;
                }
            }
            Ok(done)
        });
        all.add(round.await);
        first += FAULTS_OF_A_SITE;
    }
    let row = Row::of(goal, format!("{} faults", all.kills), all.verdict, all.restarts);
    vec![row.noted(ends.told())]
}

/// How the engines ended.
#[derive(Debug, Default)]
struct Ends {
    at_work: Vec<Ended>,
    /// A start that fails has promised nothing, and takes the time to close what it had opened.
    at_start: Vec<Ended>,
}

/// How one engine ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Ended {
    /// From the failed call on.
    lived: Duration,
    /// Which call it was.
    sync: u64,
    /// It had answered a command.
    was_at_work: bool,
    /// Its last words.
    said: String,
}

impl Ends {
    fn add(&mut self, ended: Ended) {
        if ended.was_at_work { self.at_work.push(ended) } else { self.at_start.push(ended) }
    }

    fn told(mut self) -> String {
        self.at_work.sort_unstable();
        let slowest = self.at_work.last().cloned().unwrap_or_default();
        let middle = self.at_work.get(self.at_work.len() / 2).cloned().unwrap_or_default();
        let slow_start = self.at_start.iter().map(|ended| ended.lived).max().unwrap_or_default();
        // A figure, not a finding: a busy machine is no fault of the product.
        let met = if slowest.lived > ENDS_WITHIN {
            format!("MISSED at sync {}: {}", slowest.sync, slowest.said)
        } else {
            "met".to_owned()
        };
        format!(
            "{} at work ended after p50 {} ms, at most {} ms (aim: {} ms, {met}); {} starts failed, at most {} ms",
            self.at_work.len(),
            middle.lived.as_millis(),
            slowest.lived.as_millis(),
            ENDS_WITHIN.as_millis(),
            self.at_start.len(),
            slow_start.as_millis()
        )
    }
}

/// One fault.
async fn fail_sync(site: &mut Site, crowd: &Crowd, n: u64) -> Result<Ended, Finding> {
    let trace = site.dir().join(format!("syncs-{n}"));
    let injection = Injection { calls: "fdatasync,fsync", fault: Fault::Error("EIO"), when: n };
    crowd.interrupt();
    site.kill_engine();
    let launched = crowd.ledger().now();
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
    let was_at_work = accepted(crowd.ledger(), |attempt| attempt.sent > launched).is_some();
    // While it starts nobody waits for an answer; under load it must say that it halts.
    let is_fit = match status.code() {
        Some(HALTED) => true,
        Some(FAILED) => !was_at_work,
        Some(_) | None => false,
    };
    if !is_fit {
        return Err(site.unwanted_end("engine", status));
    }
    let fault = now.1.saturating_sub(lived);
    // A command that was sent after the fault, or an answer that came long after it.
    let late = |attempt: &Attempt| attempt.sent > fault || attempt.ended > fault + ON_ITS_WAY;
    if let Some(position) = accepted(crowd.ledger(), late) {
        let what = format!("sync {n} failed, and a command that was sent later got position {position}");
        return Err(Finding::of(Invariant::I7, what));
    }
    revive_engine(site, crowd).await?;
    load(crowd, 20).await?;
    let said = said.lines().last().unwrap_or_default().to_owned();
    Ok(Ended { lived, sync: n, was_at_work, said })
}

/// An acceptance, of such an attempt.
fn accepted(ledger: &Ledger, such: impl Fn(&Attempt) -> bool) -> Option<String> {
    let entries = ledger.entries();
    let attempts = entries.iter().filter(|entry| !entry.dry_run).flat_map(|entry| &entry.attempts);
    let such = attempts.filter(|attempt| such(attempt));
    such.filter_map(|attempt| match &attempt.end {
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
