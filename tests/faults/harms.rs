//! Damage under load: a bit flips, a sector is zeroed, a file is cut or gone, while the engine writes it and the stream
//! takes nothing, so that much of what was acknowledged is in the engine's folder alone. Whatever was acknowledged is there
//! after the start that follows, or that start is refused and says what is missing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::campaign::Campaign;
use crate::crowd::{CLIENTS, Crowd};
use crate::finding::{Finding, Invariant};
use crate::flips::{Damage, Kind};
use crate::full::Space;
use crate::harness::HALTED;
use crate::judge::{Verdict, judge};
use crate::kills::load;
use crate::site::{Program, Site, end_of};
use crate::table::{Row, say};

/// Characters of a note: commands of 8 KB.
const NOTE: usize = 8_000;
/// Room for the stream, which is taken away.
const ROOM: &str = "size=96m";
/// Answers that end in tables and in the stream, and answers that end in neither.
const PUBLISHED: std::ops::Range<u64> = 20..150;
const UNPUBLISHED: std::ops::Range<u64> = 20..200;
/// The harm is done, and work goes on for so long.
const GOES_ON: Duration = Duration::from_millis(300);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const READ_WITHIN: Duration = Duration::from_secs(60);
/// A process that halted is started so often.
const STARTS: u32 = 3;

/// Engines that are harmed at once in a full campaign: each mostly waits.
const AT_ONCE: usize = 4;

/// The files that an engine has in its hands, and the stream beside them. Read models are harmed elsewhere.
const KINDS: [Kind; 9] = [
    Kind::Tables,
    Kind::Wal,
    Kind::Manifest,
    Kind::Head,
    Kind::Anchor,
    Kind::Identity,
    Kind::Keys,
    Kind::Stream,
    Kind::SigningKey,
];

/// What came of one harm.
enum Came {
    /// All that was acknowledged is there.
    Whole(Verdict),
    /// The start says why it does not go on.
    Refused(String),
    Wrong(Verdict),
}

/// The goal: so many harms.
pub(crate) async fn under_load(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let (mut verdict, mut restarts, mut done) = (Verdict::default(), Vec::new(), 0);
    let mut counts: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    let (kinds, wanted) = (KINDS.iter().cycle(), campaign.pick(9, 500));
    let each = kinds.enumerate().take(wanted).map(|(n, kind)| on_a_disk(*kind, campaign.seed + n as u64));
    let mut each = stream::iter(each).buffer_unordered(campaign.pick(2, AT_ONCE));
    while let Some(came) = each.next().await {
        let Harmed { kind, seed, what, came, restarts: again } = match came {
            Ok(harmed) => harmed,
            Err(why) => return vec![Row::skipped(goal, format!("this needs root and mount: {why}"))],
        };
        restarts.extend(again);
        let of_kind = counts.entry(kind.name()).or_default();
        done += 1;
        match came {
            Came::Whole(one) => {
                of_kind.0 += 1;
                verdict.add(one);
            }
            Came::Refused(said) => {
                of_kind.1 += 1;
                say(&format!("         {what}: refused: {said}"));
            }
            Came::Wrong(one) => {
                of_kind.2 += 1;
                say(&format!("         WRONG, seed {seed}, {what}"));
                verdict.add(one);
            }
        }
    }
    for (kind, (whole, refused, wrong)) in &counts {
        say(&format!("         {kind}: {whole} whole, {refused} refused by name, {wrong} wrong"));
    }
    let refused: usize = counts.values().map(|(_, refused, _)| refused).sum();
    let row = Row::of(goal, format!("{done} harms"), verdict, restarts);
    vec![row.noted(format!("{refused} starts refused by name"))]
}

/// One harm, and what came of it.
struct Harmed {
    kind: Kind,
    seed: u64,
    what: String,
    came: Came,
    restarts: Vec<Duration>,
}

/// One harm, with a disk for the stream; or why there is none.
async fn on_a_disk(kind: Kind, seed: u64) -> Result<Harmed, String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let room = Space::at(dir.path().join("jetstream"), ROOM)?;
    let mut restarts = Vec::new();
    let (what, came) = harm(kind, seed, dir.path(), &room, &mut restarts).await;
    Ok(Harmed { kind, seed, what, came, restarts })
}

async fn harm(
    kind: Kind,
    seed: u64,
    dir: &std::path::Path,
    room: &Space,
    restarts: &mut Vec<Duration>,
) -> (String, Came) {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut site = match Site::start(Program::product(), dir).await {
        Ok(site) => site,
        Err(finding) => return ("a start".to_owned(), Came::Wrong(Verdict::broken(finding))),
    };
    let mut crowd = Crowd::of(&site.nats.url(), CLIENTS, seed, NOTE).await;
    let what = match prepare(&mut site, &crowd, room, &mut dice).await {
        Ok(()) => inflict(kind, &mut site, &crowd, &mut dice).await,
        Err(finding) => Err(finding),
    };
    room.free();
    let (what, ended) = match what {
        Ok(what) => (what.clone(), come_back(&mut site, &mut crowd).await),
        Err(finding) => ("before the harm".to_owned(), Err(finding)),
    };
    restarts.extend(site.restarts.iter().skip(1));
    let came = match ended {
        Ok(()) => {
            let verdict = judge(&mut site, crowd.ledger()).await;
            if verdict.findings.is_empty() { Came::Whole(verdict) } else { by_name(verdict) }
        }
        Err(finding) => by_name(Verdict::broken(finding)),
    };
    crowd.abandon().await;
    (what, came)
}

/// A halt with a name is no finding; whatever else there is stays one.
fn by_name(verdict: Verdict) -> Came {
    let halted = |finding: &Finding| {
        finding.what.contains("ended by itself with exit status: 4") && finding.what.contains("halted: ")
    };
    match verdict.findings.as_slice() {
        [one] if halted(one) => {
            let said = one.what.rsplit("halted: ").next().unwrap_or_default().to_owned();
            Came::Refused(said)
        }
        _ => Came::Wrong(verdict),
    }
}

/// Work that ends in tables and in the stream, and then work that ends in neither.
async fn prepare(site: &mut Site, crowd: &Crowd, room: &Space, dice: &mut StdRng) -> Result<(), Finding> {
    load(crowd, dice.random_range(PUBLISHED)).await?;
    if dice.random_bool(0.7) {
        room.fill();
        load(crowd, dice.random_range(UNPUBLISHED)).await?;
    }
    if dice.random_bool(0.7) {
        // Its end writes the tables.
        site.engine.take().expect("it was launched").terminate().await;
        crowd.interrupt();
        site.launch_engine(None);
        site.engine_answers().await?;
        crowd.interrupt();
    }
    load(crowd, dice.random_range(UNPUBLISHED)).await
}

/// Does it, lets work go on for a moment, and ends the engine as a crash does.
async fn inflict(kind: Kind, site: &mut Site, crowd: &Crowd, dice: &mut StdRng) -> Result<String, Finding> {
    let Some(damage) = Damage::choose(site.dir(), kind, dice) else {
        site.kill_engine();
        return Ok(format!("no file of the {}", kind.name()));
    };
    // A file may go while we look: then nothing happens to it.
    damage.inflict(site.dir()).ok();
    crowd.hears(10, GOES_ON).await;
    if let Some(engine) = &mut site.engine
        && let Some(status) = end_of(engine, Duration::ZERO).await
        && status.code() != Some(HALTED)
    {
        return Err(site.unwanted_end("engine", status));
    }
    site.kill_engine();
    Ok(damage.to_string())
}

/// Everything is started again, and whoever waits for an answer gets it.
async fn come_back(site: &mut Site, crowd: &mut Crowd) -> Result<(), Finding> {
    site.forgives = STARTS;
    site.nats.kill();
    if site.nats.try_launch().await.is_err() {
        // A person would take the store away: it is a copy.
        std::fs::remove_dir_all(site.dir().join("jetstream/jetstream")).ok();
        site.nats.launch().await;
    }
    site.launch_engine(None);
    site.engine_ready().await?;
    crowd.interrupt();
    let settled = {
        let mut settle = std::pin::pin!(crowd.settle());
        loop {
            tokio::select! {
                settled = &mut settle => break settled,
                () = tokio::time::sleep(LOOK_EVERY) => site.supervise()?,
            }
        }
    };
    if !settled {
        return Err(Finding::of(
            Invariant::I11,
            "some commands get no answer although everything is up again",
        ));
    }
    read_all(site).await
}

/// Reads the whole log once. What was damaged may be met only now: then the engine halts, and the next start repairs.
async fn read_all(site: &mut Site) -> Result<(), Finding> {
    let (begun, mut next) = (Instant::now(), 1);
    loop {
        site.supervise()?;
        match site.desk.read_log(next).await {
            Some(batch) if batch.head < next => return Ok(()),
            Some(batch) => next += batch.records.len() as u64,
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
        if begun.elapsed() > READ_WITHIN {
            return Err(Finding::of(Invariant::I11, format!("nobody reads the log beyond {next}")));
        }
    }
}
