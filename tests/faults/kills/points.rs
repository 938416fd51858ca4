//! SIGKILL at every named step. The registry is the list: a point without a road to it does not build, and one that
//! is never hit is a finding.

use std::time::Duration;

use guichet_crash::CrashPoint;
use guichet_schemas::hash::Hash;
use guichet_schemas::wire::Record;
use nix::sys::signal::Signal;
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{Round, finish, load, revive_engine, round};
use crate::crowd::{CLIENTS, Crowd};
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

/// What a first start passes that leaves something behind: each is cut there, and the next start must go on.
const OF_A_FIRST_START: [CrashPoint; 10] = [
    CrashPoint::OpenDatabase,
    CrashPoint::OpenPrepared,
    CrashPoint::IdentityDrafted,
    CrashPoint::KeyDrafted,
    CrashPoint::KeyLinked,
    CrashPoint::AnchorDrafted,
    CrashPoint::AnchorRenamed,
    CrashPoint::EpochBefore,
    CrashPoint::EpochAfter,
    CrashPoint::StreamCreated,
];

/// How a point is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Road {
    /// The very first start of an engine; see [`at_first_start`].
    FirstStart,
    /// The engine under load.
    Load,
    /// Its start, after it was killed.
    Start,
    /// Its start, when somebody has deleted the stream.
    StartWithoutStream,
    /// Its end, when it is asked to stop.
    Stop,
    /// The worker under load.
    Fold,
    /// The worker while it rebuilds a read model.
    Rebuild,
    /// Its start after that.
    StartAfterRebuild,
    /// An upload of an attachment.
    Upload,
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
        | CrashPoint::PublishAcked
        | CrashPoint::AnchorDrafted
        | CrashPoint::AnchorRenamed
        | CrashPoint::AnchorWritten
        | CrashPoint::TilesBefore
        | CrashPoint::TilesAfter => Road::Load,
        CrashPoint::IdentityDrafted | CrashPoint::KeyDrafted | CrashPoint::KeyLinked => Road::FirstStart,
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
        CrashPoint::UploadSynced | CrashPoint::UploadMarked | CrashPoint::UploadKept => Road::Upload,
    }
}

/// At which hit a point under load kills, at most: most steps are taken for each command, a few
/// seldom.
fn often(point: CrashPoint) -> u64 {
    let seldom = [
        CrashPoint::AnchorDrafted,
        CrashPoint::AnchorRenamed,
        CrashPoint::AnchorWritten,
        CrashPoint::TilesBefore,
        CrashPoint::TilesAfter,
        CrashPoint::KeysBefore,
        CrashPoint::KeysAfter,
    ];
    if seldom.contains(&point) { 2 } else { 200 }
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

/// Each point of a first start, on a folder of its own.
pub(crate) async fn at_first_start(program: &Program, seed: u64) -> Round {
    let mut all = Round::default();
    for point in OF_A_FIRST_START {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut site = Site::unstarted(program.clone(), dir.path()).await;
        let crowd = Crowd::start(&site.nats.url(), CLIENTS, seed).await;
        let mut start_twice = async || {
            site.launch_engine(Some(&armed(point, 1)));
            died(point, site.engine.as_mut()).await?;
            site.launch_worker(None);
            revive_engine(&mut site, &crowd).await?;
            load(&crowd, ANSWERS).await?;
            Ok(1)
        };
        let disturbed = start_twice().await;
        all.add(finish(site, crowd, disturbed).await);
    }
    all
}

async fn kill_at(
    point: CrashPoint,
    site: &mut Site,
    crowd: &Crowd,
    dice: &mut StdRng,
) -> Result<usize, Finding> {
    let first = armed(point, 1);
    match road(point) {
        Road::FirstStart => {
            assert!(OF_A_FIRST_START.contains(&point), "{} is nowhere reached", point.name());
            Ok(0)
        }
        Road::Load => {
            let later = armed(point, dice.random_range(1..=often(point)));
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
        Road::Upload => {
            site.kill_engine();
            crowd.interrupt();
            site.launch_engine(Some(&first));
            site.engine_ready().await?;
            upload(site).await;
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

/// Brings a file to a ticket of the crowd. Nobody answers: the engine dies on the way.
async fn upload(site: &Site) {
    let records = site.desk.log().await;
    let records = records.iter().filter_map(|bytes| Record::decode(&bytes[..]).ok());
    let ticket =
        records.into_iter().find(|record| record.r#type == "TicketCreated").expect("the crowd made one");
    let (tenant, ticket, bytes) = (ticket.tenant, ticket.stream_id, b"a file");
    let sha256 = Hash::of_bytes(bytes);
    let subject = format!("guichet.v1.attachment.{tenant}.outside.{ticket}.put.{sha256}.{}.0", bytes.len());
    let request = async_nats::Request::new().payload(bytes.as_slice().into()).timeout(Some(HIT_WITHIN));
    site.desk
        .client
        .send_request(subject, request)
        .await
        .expect_err("the engine is killed before it answers");
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
