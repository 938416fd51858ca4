//! The store of nats-server is lost under load: deleted, emptied, cut, flipped, or taken away with its disk. The stream
//! is a copy, so each time it becomes the log again, byte by byte, and the read models do not notice.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_nats::jetstream::stream;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::campaign::Campaign;
use crate::crowd::Crowd;
use crate::finding::{Finding, Invariant};
use crate::flips::{Damage, Kind};
use crate::kills::{Round, load, round};
use crate::published::{self, STREAM, jetstream};
use crate::site::{Program, Site};
use crate::table::Row;

/// Attacks on one site before it is judged and a new one begins.
const ATTACKS_OF_A_SITE: usize = 10;
/// Answers between two attacks, at most.
const ANSWERS_MAX: u64 = 60;
/// The stream is the log again within this, and the time in which the engine compares all of it.
const HEALED_WITHIN: Duration = Duration::from_secs(60);
/// What the engine compares in a second.
const COMPARED_PER_SECOND: u64 = 1_000;
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attack {
    /// An admin deletes the stream.
    Delete,
    /// An admin deletes it and makes one of the same name, with nothing of what protects it.
    Replace,
    /// The same, which begins where the old one ended: what a purge leaves.
    Purge,
    /// nats-server is killed.
    Kill,
    /// It is killed, and its store is gone when it comes back.
    Remove,
    /// The store goes while it runs; then it is killed.
    RemoveAlive,
    /// It is killed, and a file of its store is not what it was.
    Damage,
}

const ATTACKS: [Attack; 7] = [
    Attack::Delete,
    Attack::Damage,
    Attack::Remove,
    Attack::Purge,
    Attack::RemoveAlive,
    Attack::Replace,
    Attack::Kill,
];

/// The goal: so many attacks.
pub(crate) async fn lost(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let (mut all, mut slowest, mut refused) = (Round::default(), Duration::ZERO, 0);
    let wanted = campaign.pick(10, 200);
    let mut attacks = ATTACKS.iter().cycle();
    for first in (0..wanted).step_by(ATTACKS_OF_A_SITE) {
        let attacks: Vec<Attack> =
            attacks.by_ref().take(ATTACKS_OF_A_SITE.min(wanted - first)).copied().collect();
        let seed = campaign.seed + first as u64;
        let (slow, no) = (&mut slowest, &mut refused);
        let round = round(Program::product(), seed, async |site, crowd| {
            let mut dice = StdRng::seed_from_u64(seed);
            for attack in &attacks {
                load(crowd, dice.random_range(1..ANSWERS_MAX)).await?;
                site.supervise()?;
                *no += usize::from(!inflict(*attack, site, crowd, &mut dice).await);
                crowd.interrupt();
                let took = healed(site).await.map_err(|finding| named(*attack, finding))?;
                *slow = took.max(*slow);
            }
            Ok(attacks.len())
        });
        all.add(round.await);
    }
    let row = Row::of(goal, format!("{} attacks", all.kills), all.verdict, all.restarts);
    let note = format!(
        "the stream was the log again after {} ms at most; nats-server refused its own store {refused} times",
        slowest.as_millis()
    );
    vec![row.noted(note)]
}

fn named(attack: Attack, finding: Finding) -> Finding {
    Finding::of(finding.broken, format!("after {attack:?}: {}", finding.what))
}

/// False where nats-server did not start on what was left; then its store was taken away altogether, as a person would.
async fn inflict(attack: Attack, site: &mut Site, crowd: &Crowd, dice: &mut StdRng) -> bool {
    let admin = jetstream(&site.desk);
    match attack {
        Attack::Delete => drop(admin.delete_stream(STREAM).await),
        Attack::Replace | Attack::Purge => {
            let last = published::last_sequence(&site.desk).await.unwrap_or(0);
            admin.delete_stream(STREAM).await.ok();
            let first = (attack == Attack::Purge).then_some(last + 1);
            // The engine may have made its own in between, which is as good.
            admin.create_stream(unprotected(first)).await.ok();
        }
        Attack::Kill => site.nats.kill(),
        Attack::Remove => {
            site.nats.kill();
            std::fs::remove_dir_all(store(site.dir())).expect("a folder of the rig");
        }
        Attack::RemoveAlive => {
            // What is written meanwhile may come back, so that not all goes.
            std::fs::remove_dir_all(store(site.dir())).ok();
            load(crowd, 5).await.ok();
            site.nats.kill();
        }
        Attack::Damage => {
            site.nats.kill();
            let damage = Damage::choose(site.dir(), Kind::Stream, dice).expect("the stream has files");
            damage.inflict(site.dir()).expect("a file of the rig");
        }
    }
    match attack {
        Attack::Delete | Attack::Replace | Attack::Purge => true,
        Attack::Kill | Attack::Remove | Attack::RemoveAlive | Attack::Damage => {
            crowd.interrupt();
            let started = site.nats.try_launch().await.is_ok();
            if !started {
                std::fs::remove_dir_all(store(site.dir())).ok();
                site.nats.launch().await;
            }
            started
        }
    }
}

fn store(dir: &Path) -> PathBuf {
    dir.join("jetstream")
}

/// A stream of ours as an admin would make it by hand.
fn unprotected(first_sequence: Option<u64>) -> stream::Config {
    stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["guichet.v1.evt.*.0.*".to_owned()],
        first_sequence,
        ..Default::default()
    }
}

/// Waits until the stream has every byte that the log had when this began.
async fn healed(site: &mut Site) -> Result<Duration, Finding> {
    let begun = Instant::now();
    site.engine_answers().await?;
    let log = site.desk.log().await;
    let within = HEALED_WITHIN + Duration::from_secs(log.len() as u64 / COMPARED_PER_SECOND);
    loop {
        site.supervise()?;
        let asked = Instant::now();
        let messages = published::try_read(&site.desk).await.unwrap_or_default();
        let same =
            messages.iter().zip(&log).take_while(|(message, record)| message.payload == record[..]).count();
        if same == log.len() {
            return Ok(begun.elapsed());
        }
        if begun.elapsed() > within {
            let what = format!(
                "the stream does not become what the log is: {} messages, the same as the first {same} of {} records; \
                 read in {} ms",
                messages.len(),
                log.len(),
                asked.elapsed().as_millis()
            );
            return Err(Finding::of(Invariant::I4, what));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
