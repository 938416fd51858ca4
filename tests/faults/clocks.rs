//! The wall clock is thrown about while engine and worker run: years ahead, years back, minutes. Records keep a time
//! that never goes back and stays near the true one; and a start at which the clock is behind the log is refused.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use guichet_schemas::codec::decode_record;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::campaign::Campaign;
use crate::crowd::Crowd;
use crate::eio::wall;
use crate::finding::{Finding, Invariant};
use crate::harness::HALTED;
use crate::kills::{Round, load, round};
use crate::site::{Program, Road, Site, end_of};
use crate::table::Row;

/// Where Debian and others put the library; the name of the architecture stands between the two.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";
/// What the clock is thrown to. Below five minutes a jump is believed.
const JUMPS: [&str; 6] = ["+3650d", "-3650d", "+4m", "-4m", "+1d", "+0"];
/// So far may a record be from the true time: a jump that is believed, and the time that the rig takes.
const NEAR: Duration = Duration::from_secs(5 * 60 + 30);
const REFUSED_WITHIN: Duration = Duration::from_secs(10);
/// Jumps of one site before it is judged.
const JUMPS_OF_A_SITE: u64 = 60;

/// The goal: so many jumps.
pub(crate) async fn thrown(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let library = match probe() {
        Ok(library) => library,
        Err(why) => return vec![Row::skipped(goal, why)],
    };
    let (mut all, mut left) = (Round::default(), campaign.pick(12, 600));
    while left > 0 {
        let jumps = left.min(JUMPS_OF_A_SITE);
        left -= jumps;
        let (seed, library) = (campaign.seed + left, &library);
        let jumped = round(Program::product(), seed, async |site, crowd| {
            jump(site, crowd, library, seed, jumps).await?;
            Ok(usize::try_from(jumps).unwrap_or(0))
        });
        all.add(jumped.await);
    }
    vec![Row::of(goal, format!("{} jumps", all.kills), all.verdict, all.restarts)]
}

async fn jump(site: &mut Site, crowd: &Crowd, library: &Path, seed: u64, jumps: u64) -> Result<(), Finding> {
    let clock = site.dir().join("clock");
    set(&clock, "+0");
    site.take_road(Road {
        url: site.nats.url(),
        namespace: None,
        environment: vec![
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ],
    });
    again(site, crowd).await?;
    let (begun, mut dice) = (wall(), StdRng::seed_from_u64(seed));
    for _ in 0..jumps {
        set(&clock, JUMPS.choose(&mut dice).expect("there are jumps"));
        load(crowd, dice.random_range(20..100)).await?;
        site.supervise()?;
    }
    // A clock that is behind the log: nothing is written before a person has looked.
    set(&clock, "-3650d");
    site.kill_engine();
    crowd.interrupt();
    site.launch_engine(None);
    let refused = end_of(site.engine.as_mut().expect("it was launched"), REFUSED_WITHIN).await;
    if refused.is_none_or(|status| status.code() != Some(HALTED)) {
        let what = format!("a start ten years behind the log came to {refused:?}");
        return Err(Finding::of(Invariant::I13, what));
    }
    set(&clock, "+0");
    again(site, crowd).await?;
    load(crowd, 50).await?;
    near(site, begun).await
}

/// Starts engine and worker again, by the clock as it is.
async fn again(site: &mut Site, crowd: &Crowd) -> Result<(), Finding> {
    crowd.interrupt();
    site.kill_engine();
    site.kill_worker();
    site.launch_worker(None);
    site.launch_engine(None);
    site.engine_ready().await?;
    crowd.interrupt();
    Ok(())
}

/// The time of each record since then is near the true one. That it never goes back is part of every verdict.
async fn near(site: &Site, begun: Duration) -> Result<(), Finding> {
    let until = wall() + NEAR;
    let log = site.desk.log().await;
    let records = log.iter().filter_map(|bytes| decode_record(bytes).ok());
    let wrong = records
        .map(|record| (record.position, record.recorded_at.0))
        .find(|(_, at)| u64::try_from(*at).map_or(true, |at| Duration::from_millis(at) > until));
    let earliest = begun.saturating_sub(NEAR);
    let newest = log.last().and_then(|bytes| decode_record(bytes).ok()).map(|record| record.recorded_at.0);
    let is_early =
        newest.is_none_or(|at| u64::try_from(at).map_or(true, |at| Duration::from_millis(at) < earliest));
    match wrong {
        Some((position, at)) => {
            Err(Finding::of(Invariant::I13, format!("position {position} was recorded at {at} ms")))
        }
        None if is_early => {
            Err(Finding::of(Invariant::I13, format!("the newest record is of {newest:?} ms")))
        }
        None => Ok(()),
    }
}

/// In one step: who reads it never sees half of it.
fn set(clock: &Path, to: &str) {
    let next = clock.with_extension("next");
    let written = std::fs::write(&next, format!("{to}\n")).and_then(|()| std::fs::rename(&next, clock));
    written.expect("the folder is ours");
}

/// The library, if it turns the clock of another program.
fn probe() -> Result<PathBuf, String> {
    let folders = std::fs::read_dir(LIBRARIES).into_iter().flatten().flatten();
    let library = folders.map(|folder| folder.path().join(LIBRARY)).find(|path| path.exists());
    let library = library.ok_or("this needs libfaketime (apt-get install faketime)")?;
    let year = |offset: &str| {
        let mut date = Command::new("date");
        date.arg("+%Y").env("LD_PRELOAD", &library).env("FAKETIME", offset);
        date.output().map(|output| output.stdout).map_err(|error| error.to_string())
    };
    if year("+0")? == year("+3650d")? {
        return Err(format!("{} does not turn the clock", library.display()));
    }
    Ok(library)
}
