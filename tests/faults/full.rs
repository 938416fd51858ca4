//! A disk that is full: the engine halts rather than acknowledge, and comes back once there is space.

use std::path::PathBuf;
use std::time::Duration;

use crate::campaign::Campaign;
use crate::crowd::{CLIENTS, Crowd};
use crate::disk;
use crate::finding::{Finding, Invariant};
use crate::harness::HALTED;
use crate::judge::Verdict;
use crate::kills::{Round, finish, load};
use crate::needs::done;
use crate::site::{Program, Site, end_of};
use crate::table::Row;

/// So small that load fills it within seconds.
const SMALL: &str = "size=6m";
const LARGE: &str = "remount,size=512m";
const FULL_WITHIN: Duration = Duration::from_secs(60);

/// A folder in memory with a size of its own. Dropping it takes it away.
pub(crate) struct Space(PathBuf);

impl Space {
    pub(crate) fn at(dir: PathBuf, size: &str) -> Result<Self, String> {
        std::fs::create_dir_all(&dir).map_err(|error| format!("make {}: {error}", dir.display()))?;
        done("mount", &["-t", "tmpfs", "-o", size, "tmpfs"], &[&dir])?;
        Ok(Self(dir))
    }

    /// Takes all the room that is left.
    pub(crate) fn fill(&self) {
        disk::fill(&self.0);
    }

    /// Gives it back.
    pub(crate) fn free(&self) {
        disk::free(&self.0);
    }

    pub(crate) fn grow(&self) -> Result<(), String> {
        done("mount", &["-o", LARGE], &[&self.0])
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        done("umount", &["-l"], &[&self.0]).ok();
    }
}

/// The goal: filled, halted, given space, and nothing is lost.
pub(crate) async fn and_recovery(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let mut all = Round::default();
    for n in 0..campaign.pick(1, 10) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let space = match Space::at(dir.path().join("engine"), SMALL) {
            Ok(space) => space,
            Err(why) => return vec![Row::skipped(goal, format!("this needs root and mount: {why}"))],
        };
        let mut site = match Site::start(Program::product(), dir.path()).await {
            Ok(site) => site,
            Err(finding) => {
                return vec![Row::of(goal, "a start".to_owned(), Verdict::broken(finding), Vec::new())];
            }
        };
        let crowd = Crowd::start(&site.nats.url(), CLIENTS, campaign.seed + n).await;
        let filled = fill(&mut site, &crowd, &space).await;
        all.add(finish(site, crowd, filled).await);
    }
    vec![Row::of(goal, format!("{} times full", all.kills), all.verdict, all.restarts)]
}

async fn fill(site: &mut Site, crowd: &Crowd, space: &Space) -> Result<usize, Finding> {
    let engine = site.engine.as_mut().expect("it was launched");
    let Some(status) = end_of(engine, FULL_WITHIN).await else {
        return Err(Finding::of(Invariant::I7, "the disk is full and the engine goes on"));
    };
    if status.code() != Some(HALTED) {
        return Err(site.unwanted_end("engine", status));
    }
    crowd.interrupt();
    space.grow().expect("what was mounted can grow");
    site.launch_engine(None);
    site.engine_ready().await?;
    crowd.interrupt();
    load(crowd, 100).await?;
    Ok(1)
}
