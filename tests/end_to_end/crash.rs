//! Kills at random, and what must be true afterwards: the same tickets, a gapless stream, and every answer that
//! was given still holds. The seed of the systematic rig.

mod acknowledged;
mod supervised;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use crate::desk::Desk;
use crate::harness::{Process, Trio, long, seed, until, worker};
use crate::import::{Export, Summary, finish};
use crate::published;
use crate::truth::{bpi2013, comparable, loaded};

/// Another one comes from `GUICHET_SEED`.
const SEED: u64 = 20_130_501;
const KILLS: usize = 12;
/// Imports of the long version, each with a seed of its own.
const ROUNDS_LONG: u64 = 20;
/// Where in the export the kills may fall, in events; it has 78,131.
const EVENTS: std::ops::Range<u64> = 1_000..60_000;
/// Commands on their way at once: so few that the import does not outrun its killer.
const WINDOW: &str = "8";
/// Longest time that a killed process stays dead.
const DEAD_MS_MAX: u64 = 300;
/// For the next events after a kill: the import may wait for answers that died.
const GOES_ON_WITHIN: Duration = Duration::from_secs(120);
const ENDS_WITHIN: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Engine,
    Worker,
    Nats,
}

#[tokio::test]
async fn an_import_under_kills_ends_like_an_undisturbed_one() {
    let Some(export) = bpi2013() else { return };
    let first = seed().unwrap_or(SEED);
    for seed in first..first + if long() { ROUNDS_LONG } else { 1 } {
        under_kills(&export, seed).await;
    }
}

async fn under_kills(export: &Export, seed: u64) {
    let mut trio = Trio::start().await;
    let desk = trio.desk().await;
    let mut import = Export { window: Some(WINDOW), ..export.clone() }.start(&trio.url(), trio.dir());
    kill_at_random(&mut trio, &desk, &mut import, seed).await;
    until("the end of the import", ENDS_WITHIN, async || {
        trio.supervise();
        import.ended()
    })
    .await;
    let summary = finish(import).await;
    desk.ready().await;

    let undisturbed = loaded().expect("the data sets are there");
    let commands = undisturbed.first_runs[1].accepted;
    assert_eq!((summary.rejected_rows, summary.refused, summary.unchanged), (0, 0, 0), "{summary:?}");
    assert_eq!(summary.accepted + summary.replayed, commands, "{summary:?}");
    let views = desk.tickets().await;
    same(&comparable(&undisturbed.bpi2013_views), &comparable(&views));
    let epochs = stream_is_the_log(&desk).await;
    assert!(epochs > 1, "at least one engine was killed");

    trio.stop_roles().await;
    trio.launch_engine();
    trio.launch_worker();
    desk.ready().await;
    let head = desk.head().await;
    let again = export.run(&trio.url(), trio.dir()).await;
    let expected = Summary { accepted: 0, replayed: commands, retries: again.retries, ..summary };
    assert_eq!(again, expected, "every command was here before");
    assert_eq!(desk.head().await, head, "a second import writes nothing");
    same(&by_id(&views), &by_id(&desk.tickets().await));
    assert_eq!(stream_is_the_log(&desk).await, epochs + 1);

    trio.kill_worker();
    let fresh = tempfile::tempdir().expect("a temporary folder");
    trio.worker = Some(worker(&trio.url(), fresh.path()));
    desk.ready().await;
    same(&by_id(&views), &by_id(&desk.tickets().await));
}

async fn kill_at_random(trio: &mut Trio, desk: &Desk, import: &mut Process, seed: u64) {
    eprintln!("{KILLS} kills with seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let mut places: Vec<u64> = (0..KILLS).map(|_| dice.random_range(EVENTS)).collect();
    places.sort_unstable();
    for place in places {
        until(&format!("event {place}"), GOES_ON_WITHIN, async || {
            trio.supervise();
            assert!(import.ended().is_none(), "the import ended before event {place}: {}", import.said());
            desk.try_head().await.filter(|head| *head >= place)
        })
        .await;
        let victims = choose(&mut dice);
        for victim in &victims {
            match victim {
                Victim::Engine => trio.kill_engine(),
                Victim::Worker => trio.kill_worker(),
                Victim::Nats => trio.nats.kill(),
            }
        }
        // No condition to wait for: how long a process stays dead is part of the dice.
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..DEAD_MS_MAX))).await;
        if victims.contains(&Victim::Nats) {
            trio.nats.launch().await;
        }
        if victims.contains(&Victim::Engine) {
            trio.launch_engine();
        }
        if victims.contains(&Victim::Worker) {
            trio.launch_worker();
        }
    }
}

/// One of the three, and one time in four two of them.
fn choose(dice: &mut StdRng) -> Vec<Victim> {
    let all = [Victim::Engine, Victim::Worker, Victim::Nats];
    if dice.random_ratio(1, 4) {
        let mut two = all.to_vec();
        two.shuffle(dice);
        two.truncate(2);
        two
    } else {
        all.choose(dice).into_iter().copied().collect()
    }
}

/// Every event is in the stream, in its place, to the byte. Returns how many engines wrote it.
async fn stream_is_the_log(desk: &Desk) -> usize {
    let head = desk.head().await;
    let caught_up = async || published::last_sequence(desk).await.filter(|last| *last == head);
    until("the stream has all that the log has", GOES_ON_WITHIN, caught_up).await;
    let messages = published::verified(desk).await;
    published::count(&messages, "EpochStarted")
}

/// The views by their id, without what depends on when they were asked for.
fn by_id(views: &[Value]) -> BTreeMap<String, Value> {
    let with_id = |view: &Value| (view["ticket_id"].to_string(), crate::truth::timeless(view));
    let tickets: BTreeMap<String, Value> = views.iter().map(with_id).collect();
    assert_eq!(tickets.len(), views.len(), "no ticket is there twice");
    tickets
}

fn same(expected: &BTreeMap<String, Value>, found: &BTreeMap<String, Value>) {
    assert_eq!(expected.len(), found.len(), "tickets");
    let different: Vec<_> = expected.iter().filter(|(name, view)| found.get(*name) != Some(view)).collect();
    if let Some((name, view)) = different.first() {
        panic!("{} tickets differ, such as {name}:\n{view}\n{:?}", different.len(), found.get(*name));
    }
}
