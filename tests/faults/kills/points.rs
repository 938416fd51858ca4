//! SIGKILL at every named step. The registry is the list: a point without a road to it does not build, and one that
//! is never hit is a finding.

use std::time::Duration;

use guichet_crash::CrashPoint;
use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{Round, load, revive_engine, round};
use crate::crowd::Crowd;
use crate::finding::{Finding, Invariant};
use crate::harness::Process;
use crate::judge::{MODELS, order};
use crate::published::{STREAM, jetstream};
use crate::site::{Program, Site, armed, end_of, was_killed};

const HIT_WITHIN: Duration = Duration::from_secs(30);
/// Answers between two kills, so that each finds something to lose.
const ANSWERS: u64 = 50;
/// So often does a start die before it may succeed: a crash in the recovery of a crash.
const DEEP: usize = 3;

/// How a point is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Road {
    /// The engine under load.
    Load,
    /// Its notary, which works twice a second whatever the load.
    Notary,
    /// Its start, after it was killed.
    Start,
    /// Its start, when somebody has deleted the stream.
    StartWithoutStream,
    /// Its end, when it is asked to stop.
    Stop,
    /// The worker under load.
    Fold,
    /// The worker while it builds a read model anew.
    Rebuild,
    /// Its start after that.
    StartAfterRebuild,
}

/// Add the road of a new point here.
const fn road(point: CrashPoint) -> Road {
    match point {
        CrashPoint::CommandReceived
        | CrashPoint::CommandDecided
        | CrashPoint::KeysBefore
        | CrashPoint::KeysAfter
        | CrashPoint::CommitBeforeWrite
        | CrashPoint::CommitAfterSync
        | CrashPoint::CommitAfterAnswer
        | CrashPoint::DerivedAfter
        | CrashPoint::PublishBefore
        | CrashPoint::PublishAfter
        | CrashPoint::PublishAcked => Road::Load,
        CrashPoint::TreeWritten
        | CrashPoint::AnchorDrafted
        | CrashPoint::AnchorRenamed
        | CrashPoint::AnchorWritten => Road::Notary,
        CrashPoint::OpenLocked
        | CrashPoint::OpenDatabase
        | CrashPoint::OpenPrepared
        | CrashPoint::OpenDerived
        | CrashPoint::EpochBefore
        | CrashPoint::EpochAfter => Road::Start,
        CrashPoint::StreamCreated => Road::StartWithoutStream,
        CrashPoint::FlushBefore | CrashPoint::FlushAfter => Road::Stop,
        CrashPoint::FoldBefore | CrashPoint::FoldAfter => Road::Fold,
        CrashPoint::RebuildBuilt
        | CrashPoint::RebuildCompared
        | CrashPoint::RebuildFlushed
        | CrashPoint::RebuildSwapped
        | CrashPoint::RebuildReleased => Road::Rebuild,
        CrashPoint::SettleRemoved | CrashPoint::SettleRenamed => Road::StartAfterRebuild,
    }
}

/// Every point so many times.
pub(crate) async fn kills(program: Program, seed: u64, times: usize) -> Round {
    round(program, seed, async |site, crowd| {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut kills = 0;
        for _ in 0..times {
            for point in CrashPoint::ALL {
                load(crowd, ANSWERS).await?;
                site.supervise()?;
                kills += kill_at(*point, site, crowd, &mut dice).await?;
                load(crowd, ANSWERS).await?;
            }
        }
        Ok(kills)
    })
    .await
}

async fn kill_at(
    point: CrashPoint,
    site: &mut Site,
    crowd: &Crowd,
    dice: &mut StdRng,
) -> Result<usize, Finding> {
    let first = armed(point, 1);
    match road(point) {
        Road::Load | Road::Notary => {
            let hits = if road(point) == Road::Load { 200 } else { 3 };
            let later = armed(point, dice.random_range(1..hits));
            site.kill_engine();
            crowd.interrupt();
            site.launch_engine(Some(&later));
            died(point, site.engine.as_mut()).await?;
            revive_engine(site, crowd).await?;
            Ok(1)
        }
        Road::Start => {
            site.kill_engine();
            crowd.interrupt();
            for _ in 0..DEEP {
                site.launch_engine(Some(&first));
                died(point, site.engine.as_mut()).await?;
            }
            revive_engine(site, crowd).await?;
            Ok(DEEP)
        }
        Road::StartWithoutStream => {
            site.kill_engine();
            crowd.interrupt();
            jetstream(&site.desk).delete_stream(STREAM).await.expect("the rig may delete the stream");
            site.launch_engine(Some(&first));
            died(point, site.engine.as_mut()).await?;
            revive_engine(site, crowd).await?;
            Ok(1)
        }
        Road::Stop => {
            site.kill_engine();
            crowd.interrupt();
            site.launch_engine(Some(&first));
            site.engine_ready().await?;
            load(crowd, ANSWERS).await?;
            site.engine.as_mut().expect("it was launched").signal(Signal::SIGTERM);
            died(point, site.engine.as_mut()).await?;
            revive_engine(site, crowd).await?;
            Ok(1)
        }
        Road::Fold => {
            let later = armed(point, dice.random_range(1..50));
            site.kill_worker();
            site.launch_worker(Some(&later));
            died(point, site.worker.as_mut()).await?;
            site.launch_worker(None);
            Ok(1)
        }
        Road::Rebuild => {
            site.kill_worker();
            site.launch_worker(Some(&first));
            // Whoever gave the order waits for the end of it; without him it may not have left.
            let _order = rebuild(site, dice).await?;
            died(point, site.worker.as_mut()).await?;
            site.launch_worker(None);
            Ok(1)
        }
        Road::StartAfterRebuild => {
            let mut rebuilt = rebuild(site, dice).await?;
            end_of(&mut rebuilt, HIT_WITHIN).await;
            site.kill_worker();
            site.launch_worker(Some(&first));
            died(point, site.worker.as_mut()).await?;
            site.launch_worker(None);
            Ok(1)
        }
    }
}

/// Orders a rebuild as soon as the worker answers.
async fn rebuild(site: &mut Site, dice: &mut StdRng) -> Result<Process, Finding> {
    site.folded(1).await?;
    Ok(order(site, MODELS[dice.random_range(0..MODELS.len())]))
}

async fn died(point: CrashPoint, process: Option<&mut Process>) -> Result<(), Finding> {
    let process = process.expect("it was launched");
    match end_of(process, HIT_WITHIN).await {
        Some(status) if was_killed(status) => Ok(()),
        Some(status) => {
            let what = format!("on the way to {} the process ended with {status}", point.name());
            Err(Finding::of(Invariant::I11, what))
        }
        None => Err(Finding::of(Invariant::I11, format!("the crash point {} was never hit", point.name()))),
    }
}
