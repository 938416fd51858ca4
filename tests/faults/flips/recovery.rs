//! What comes of a start on a damaged folder: right answers, a halt with a name, or a lie.
//!
//! A process that halts is started again, as a supervisor does: what was found to be damaged while it was read is
//! repaired at the start that follows.

use std::path::Path;
use std::time::{Duration, Instant};

use super::answers;
use super::damage::{Damage, Kind};
use super::settled::{Settled, Truth};
use crate::finding::{Finding, Invariant};
use crate::harness::{HALTED, UNREACHABLE};
use crate::published;
use crate::site::{Program, Site};

/// Starts after which a halt is a halt.
const STARTS: usize = 3;
/// An engine that says nothing for so long has failed.
const SPEAKS_WITHIN: Duration = Duration::from_secs(20);
/// What an engine says that could not keep all answers.
const FORGOTTEN: &str = "commands that wrote no event";
/// Who halts has ended by then.
const ENDS_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What came of it.
#[derive(Debug)]
pub(crate) enum Came {
    /// All answers are right, and nobody noticed anything.
    Right,
    /// All answers are right, after somebody noticed, at this start.
    Repaired(usize),
    /// Nothing is answered, and this is said.
    Halted(String),
    /// A read model says that it is damaged, and the command that rebuilds it makes it whole.
    ByCommand,
    /// The log is whole, but answers that stand in no record are forgotten, and that is said.
    Forgotten,
    /// All answers are right, but some personal texts cannot be opened any more, and that is said.
    Sealed,
    /// A promise is broken.
    Wrong(Finding),
}

/// Why a start did not get to its end.
pub(super) enum Trouble {
    /// A process ended.
    Ended,
    /// Something is answered that is not so.
    Wrong(Finding),
    /// Nothing wrong is answered, but something not at all.
    Silent(String),
    /// All is right, since a read model that said that it is damaged was rebuilt by hand.
    ByCommand,
    /// So many answers to commands that changed nothing are given otherwise.
    Forgotten(usize),
    /// So many personal texts do not open.
    Sealed(usize),
}

/// Damages a copy, starts it, and judges.
pub(crate) async fn after(damage: &Damage, settled: &Settled) -> Came {
    let copy = match settled.copy() {
        Ok(copy) => copy,
        Err(why) => return wrong(Invariant::I11, format!("the rig cannot copy a folder: {why}")),
    };
    if let Err(error) = damage.inflict(copy.path()) {
        return wrong(Invariant::I11, format!("the rig cannot damage a file: {error}"));
    }
    let mut site = match Site::on(Program::product(), copy.path()).await {
        Ok(site) => site,
        Err(said) => return Came::Halted(format!("nats-server: {}", last_line(&said))),
    };
    started(&mut site, damage.kind, &settled.truth, copy.path()).await
}

async fn started(site: &mut Site, kind: Kind, truth: &Truth, dir: &Path) -> Came {
    let stream = published::last_sequence(&site.desk).await;
    let mut noticed = stream != Some(truth.log.len() as u64);
    let mut why = String::new();
    for start in 1..=STARTS {
        site.launch_engine(None);
        if kind == Kind::Models {
            site.launch_worker(None);
        }
        let trouble = match ready(site).await {
            Ok(()) => answers::all(site, kind, truth).await.err(),
            Err(trouble) => Some(trouble),
        };
        noticed |= start > 1 || ["engine", "worker"].iter().any(|name| complains(&said(dir, name)));
        match trouble {
            None if noticed => return Came::Repaired(start),
            None => return Came::Right,
            Some(Trouble::Wrong(finding)) => return Came::Wrong(finding),
            Some(Trouble::Sealed(_)) if noticed => return Came::Sealed,
            Some(Trouble::Sealed(texts)) => {
                return wrong(Invariant::I1, format!("{texts} texts do not open, and nobody says why"));
            }
            Some(Trouble::ByCommand) => return Came::ByCommand,
            Some(Trouble::Forgotten(_)) if said(dir, "engine").contains(FORGOTTEN) => return Came::Forgotten,
            Some(Trouble::Forgotten(answers)) => {
                let what = format!("{answers} answers without events are forgotten, and nobody says so");
                return wrong(Invariant::I2, what);
            }
            Some(Trouble::Ended) => {}
            Some(Trouble::Silent(what)) => why = what,
        }
        match end(site, dir).await {
            Some(Ended::Halted(said)) => why = said,
            Some(Ended::Otherwise(finding)) => return Came::Wrong(finding),
            // It runs and does not answer: no end, no name.
            None => {
                return wrong(Invariant::I11, format!("nothing halts, but {why}: {}", said(dir, "engine")));
            }
        }
        site.kill_engine();
        site.kill_worker();
    }
    Came::Halted(why)
}

enum Ended {
    Halted(String),
    Otherwise(Finding),
}

/// The same, where a process may be about to end: who halts says so before it ends.
async fn end(site: &mut Site, dir: &Path) -> Option<Ended> {
    let begun = Instant::now();
    loop {
        let ended = ended(site, dir);
        if ended.is_some() || begun.elapsed() > ENDS_WITHIN {
            return ended;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// How engine or worker ended, if one has.
fn ended(site: &mut Site, dir: &Path) -> Option<Ended> {
    for (name, process) in [("engine", &mut site.engine), ("worker", &mut site.worker)] {
        let Some(status) = process.as_mut().and_then(|process| process.ended()) else { continue };
        let said = last_line(&said(dir, name));
        if status.code() == Some(HALTED) && said.contains("halted: ") {
            return Some(Ended::Halted(said));
        }
        let what = format!("the {name} ended with {status}: {said}");
        return Some(Ended::Otherwise(Finding::of(Invariant::I7, what)));
    }
    None
}

/// Waits until the engine answers a command.
async fn ready(site: &mut Site) -> Result<(), Trouble> {
    let begun = Instant::now();
    loop {
        if let Some(status) = site.ended_engine() {
            if status.code() != Some(UNREACHABLE) {
                return Err(Trouble::Ended);
            }
            site.launch_engine(None);
        }
        if site.answers_a_command().await {
            site.restarts.push(begun.elapsed());
            return Ok(());
        }
        if begun.elapsed() > SPEAKS_WITHIN {
            return Err(Trouble::Silent("the engine answers no command".to_owned()));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A warning or worse.
fn complains(said: &str) -> bool {
    said.contains("ERROR") || said.contains(" WARN ")
}

fn said(dir: &Path, name: &str) -> String {
    let bytes = std::fs::read(dir.join(format!("{name}.said"))).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn last_line(said: &str) -> String {
    said.lines().last().unwrap_or_default().to_owned()
}

fn wrong(broken: Invariant, what: String) -> Came {
    Came::Wrong(Finding::of(broken, what))
}
