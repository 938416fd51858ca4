//! A second engine where there must be one: its lock is taken away, its folder is copied, or it slept while another
//! took over. One of the two must find out and end, before it has promised more than one group commit.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::campaign::Campaign;
use crate::crowd::{CLIENTS, Crowd};
use crate::finding::{Finding, Invariant};
use crate::harness::{HALTED, Process};
use crate::judge::{Lost, Verdict, judge_without, lost};
use crate::kills::{Round, load};
use crate::needs::done;
use crate::site::{Program, Site, end_of};
use crate::table::Row;

const REFUSED_WITHIN: Duration = Duration::from_secs(10);
/// One of two engines on one stream must have ended by then.
const DECIDED_WITHIN: Duration = Duration::from_secs(20);

/// How long a client waits for an engine that sleeps, and how often that happens before it wakes up.
const TIME_OUT: Duration = Duration::from_millis(100);
const TIME_OUTS: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zombie {
    /// RocksDB's LOCK is gone; the folder is the same.
    LockRemoved,
    /// A copy of the folder, as a virtual machine that was cloned.
    Copied,
    /// The folder was moved away under the engine, and a copy put in its place.
    Moved,
    /// The first one sleeps, a copy takes over, the first one wakes up.
    Paused,
}

/// The goal: so many second engines.
pub(crate) async fn second_engines(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let kinds = [Zombie::Copied, Zombie::Paused, Zombie::Moved, Zombie::LockRemoved];
    let (mut all, mut answers, mut longest) = (Round::default(), 0, Duration::ZERO);
    let times = campaign.pick(5, 100);
    for (n, kind) in (0..times).zip(kinds.iter().cycle()) {
        let (round, lost) = one(*kind, Program::product(), campaign.seed + n).await;
        all.add(round);
        answers += lost.ids.len();
        longest = longest.max(lost.longest);
    }
    let row = Row::of(goal, format!("{} second engines", all.kills), all.verdict, all.restarts);
    let row = row.noted(format!(
        "the losers gave {answers} answers, at most {:.1} ms long (aim: one group commit)",
        longest.as_secs_f64() * 1e3
    ));
    vec![row]
}

async fn one(kind: Zombie, program: Program, seed: u64) -> (Round, Lost) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let broken = |finding| (Round { verdict: Verdict::broken(finding), ..Round::default() }, Lost::default());
    let mut site = match Site::start(program, dir.path()).await {
        Ok(site) => site,
        Err(finding) => return broken(finding),
    };
    let mut crowd = Crowd::start(&site.nats.url(), CLIENTS, seed).await;
    let decided = match load(&crowd, 200).await {
        Ok(()) => decide(kind, &mut site, &crowd).await,
        Err(finding) => Err(finding),
    };
    if let Err(finding) = decided {
        crowd.abandon().await;
        return broken(finding);
    }
    crowd.interrupt();
    let mut findings = Vec::new();
    if !crowd.settle().await {
        findings.push(Finding::of(Invariant::I11, "some commands get no answer from the engine that won"));
    }
    let lost = match lost(&mut site, crowd.ledger()).await {
        Ok(lost) => lost,
        Err(finding) => return broken(finding),
    };
    let mut verdict = judge_without(&mut site, crowd.ledger(), &lost.ids).await;
    verdict.findings.extend(findings);
    (Round { kills: 1, verdict, restarts: site.restarts }, lost)
}

async fn decide(kind: Zombie, site: &mut Site, crowd: &Crowd) -> Result<(), Finding> {
    match kind {
        Zombie::LockRemoved => {
            let lock = site.engine_dir().join("log-0").join("rocksdb").join("LOCK");
            std::fs::remove_file(&lock).expect("RocksDB makes a LOCK");
            let mut second = second(site, "second", site.engine_dir());
            match end_of(&mut second, REFUSED_WITHIN).await {
                Some(status) if !status.success() => {}
                ended => {
                    let what = format!("without LOCK a second engine on the same folder came to {ended:?}");
                    return Err(Finding::of(Invariant::I8, what));
                }
            }
            load(crowd, 100).await
        }
        Zombie::Copied => {
            let copy = copied(site)?;
            signal(site, Signal::SIGCONT);
            let second = second(site, "twin", copy.clone());
            one_ends(site, second, copy).await
        }
        Zombie::Moved => {
            let (copy, place) = (copied(site)?, site.engine_dir());
            let away = site.dir().join("away");
            let moved = std::fs::rename(&place, &away).and_then(|()| std::fs::rename(&copy, &place));
            moved.expect("both are folders of the rig");
            let second = second(site, "twin", place.clone());
            signal(site, Signal::SIGCONT);
            one_ends(site, second, place).await
        }
        Zombie::Paused => {
            let copy = copied(site)?;
            let second = second(site, "twin", copy.clone());
            // Half of what is asked goes to the one who sleeps. Whoever is in doubt asks again, as after any time-out.
            for _ in 0..TIME_OUTS {
                crowd.interrupt();
                crowd.hears(CLIENTS, TIME_OUT).await;
            }
            signal(site, Signal::SIGCONT);
            one_ends(site, second, copy).await
        }
    }
}

/// Stops the engine in the middle of what it does, and copies its folder: whole, as of one instant.
fn copied(site: &mut Site) -> Result<PathBuf, Finding> {
    signal(site, Signal::SIGSTOP);
    let (from, copy) = (site.engine_dir(), site.dir().join("twin"));
    let copy_all = done("cp", &["-a"], &[&from, &copy]);
    copy_all.map_err(|why| Finding::of(Invariant::I11, format!("the rig cannot copy a folder: {why}")))?;
    Ok(copy)
}

fn signal(site: &mut Site, signal: Signal) {
    site.engine.as_mut().expect("it runs").signal(signal);
}

fn second(site: &Site, name: &str, dir: PathBuf) -> Process {
    let mut command: Command = site.program.command();
    command.args(["engine", "--nats-url", &site.nats.url(), "--disk-reserve", "0", "--data-dir"]).arg(dir);
    Process::spawn(name, command, site.dir())
}

/// Waits until one of the two has halted; the other one is the engine of the site from now on.
async fn one_ends(site: &mut Site, mut second: Process, copy: PathBuf) -> Result<(), Finding> {
    let begun = std::time::Instant::now();
    while begun.elapsed() < DECIDED_WITHIN {
        if let Some(status) = second.ended() {
            return halted("second", status.code(), site.ended_engine().is_some());
        }
        if let Some(status) = site.ended_engine() {
            site.adopt_engine(second, copy);
            return halted("first", status.code(), site.ended_engine().is_some());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Err(Finding::of(Invariant::I8, "two engines serve one stream, and neither ends"))
}

fn halted(which: &str, code: Option<i32>, other_ended: bool) -> Result<(), Finding> {
    if other_ended {
        return Err(Finding::of(Invariant::I8, "of two engines on one stream both ended"));
    }
    if code == Some(HALTED) {
        return Ok(());
    }
    Err(Finding::of(Invariant::I8, format!("the {which} engine lost and ended with {code:?}, not {HALTED}")))
}
