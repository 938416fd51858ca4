//! A node that has worked and stands still: its files, and what was true when it stopped. Damage is done to copies.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::damage::FOLDERS;
use crate::crowd::{CLIENTS, Crowd};
use crate::finding::{Finding, Invariant};
use crate::judge::judge;
use crate::kills::load;
use crate::ledger::{Entry, is_accepted};
use crate::needs::done;
use crate::site::{Program, Site};

/// Answers before the tables are written, and after: the second half is only in the write-ahead log. Together more
/// than a tile of the tree holds.
const IN_TABLES: u64 = 400;
const IN_WAL: u64 = 200;

/// What the desk shows of a ticket.
const SHOWN: [&str; 10] = [
    "ticket_id",
    "number",
    "version",
    "state",
    "subject",
    "description",
    "assignee",
    "group",
    "tier",
    "priority",
];

/// The files, and the truth.
pub(crate) struct Settled {
    dir: TempDir,
    pub(crate) truth: Truth,
}

/// What every start must still say.
pub(crate) struct Truth {
    /// Every record.
    pub(crate) log: Vec<Vec<u8>>,
    /// Commands that were accepted, each with the answer that it got.
    pub(crate) answered: Vec<(Entry, Vec<u8>)>,
    /// What the desk shows of each ticket.
    pub(crate) views: Vec<Value>,
}

impl Settled {
    /// Lets a crowd work, judges what came of it, and stops everything.
    pub(crate) async fn prepare(seed: u64) -> Result<Self, Finding> {
        let dir = folder_in_memory();
        let mut site = Site::start(Program::product(), dir.path()).await?;
        let mut crowd = Crowd::start(&site.nats.url(), CLIENTS, seed).await;
        load(&crowd, IN_TABLES).await?;
        // Its end writes the tables.
        site.engine.take().expect("it was launched").terminate().await;
        crowd.interrupt();
        site.launch_engine(None);
        site.engine_ready().await?;
        crowd.interrupt();
        load(&crowd, IN_WAL).await?;
        if !crowd.settle().await {
            return Err(Finding::of(
                Invariant::I11,
                "the crowd of the settled folder does not come to its end",
            ));
        }
        let verdict = judge(&mut site, crowd.ledger()).await;
        if let Some(finding) = verdict.findings.into_iter().next() {
            return Err(finding);
        }
        let truth = Truth {
            log: site.desk.log().await,
            answered: crowd.ledger().entries().into_iter().filter_map(answered).collect(),
            views: site.desk.tickets().await,
        };
        covered(&site, truth.log.len() as u64).await;
        site.kill_engine();
        site.kill_worker();
        site.nats.stop().await;
        Ok(Self { dir, truth })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A folder with the same files.
    pub(crate) fn copy(&self) -> Result<TempDir, String> {
        let copy = folder_in_memory();
        let from: Vec<PathBuf> = FOLDERS.iter().map(|name| self.dir.path().join(name)).collect();
        let mut paths: Vec<&Path> = from.iter().map(PathBuf::as_path).collect();
        paths.push(copy.path());
        done("cp", &["-a"], &paths)?;
        Ok(copy)
    }
}

impl Truth {
    /// The tickets, each with its version.
    pub(crate) fn tickets(&self) -> impl Iterator<Item = (&str, u64)> {
        self.views.iter().filter_map(|view| Some((view["ticket_id"].as_str()?, view["version"].as_u64()?)))
    }

    /// True where a desk shows the same tickets. What an answer computes from the time of the day is none of them.
    pub(crate) fn shows(&self, views: &[Value]) -> bool {
        views.len() == self.views.len()
            && views
                .iter()
                .zip(&self.views)
                .all(|(now, then)| SHOWN.iter().all(|field| now[field] == then[field]))
    }
}

/// Memory where there is some: a start syncs often, and here nothing loses its power.
fn folder_in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok()).flatten();
    in_memory.unwrap_or_else(|| tempfile::tempdir().expect("a temporary folder"))
}

fn answered(entry: Entry) -> Option<(Entry, Vec<u8>)> {
    if entry.dry_run {
        return None;
    }
    let answer = entry.answers().map(|(_, bytes)| bytes.to_vec()).find(|bytes| is_accepted(bytes))?;
    Some((entry, answer))
}

/// Waits until the newest record is signed.
async fn covered(site: &Site, head: u64) {
    let anchor = site.engine_dir().join("anchor-0").join("checkpoint");
    let signed = async || {
        let note = std::fs::read_to_string(&anchor).ok()?;
        let size: u64 = note.lines().nth(1)?.parse().ok()?;
        (size >= head).then_some(())
    };
    crate::harness::until("the newest record is signed", std::time::Duration::from_secs(10), signed).await;
}
