//! The examples of `docs/examples` against the real thing, each in its own language: they do what they show, and
//! a follower that is killed again and again has every event once.

mod languages;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use async_nats::jetstream::consumer::Info;
use futures_util::StreamExt as _;
use guichet_schemas::wire::{Record, StreamKind};
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::desk::Desk;
use crate::harness::{Process, Serve, Settings, Trio, project, python, seed, until};
use crate::published;
use crate::python::REQUIREMENT;
use crate::stream::foreign;
use languages::Language;

const WITHIN: Duration = Duration::from_secs(60);
const KILLS: usize = 8;
/// Tickets opened while one follower lives: more events than are saved at a time.
const TICKETS: usize = 130;

#[tokio::test]
async fn python_sends_asks_and_follows() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    if let Some(language) = languages::python() {
        works(&language, dir.path()).await;
    }
}

#[tokio::test]
async fn javascript_sends_asks_and_follows() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    if let Some(language) = languages::javascript(dir.path()) {
        works(&language, dir.path()).await;
    }
}

#[tokio::test]
async fn go_sends_asks_and_follows() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    if let Some(language) = languages::go(dir.path()) {
        works(&language, dir.path()).await;
    }
}

/// What a bot and a portal do, in Python.
#[tokio::test]
async fn a_bot_hands_off_and_a_requester_confirms_and_rates() {
    let Some(python) = python(&[REQUIREMENT]) else { return };
    let node = Serve::start(Settings::default()).await;
    let told = [
        (
            "bot.py",
            &[
                "T-1 of hardware/printer waits in hardware for a person: asks for a person",
                "they know: Which printer? The one in B12. | Does it have power? Yes, it blinks. | Tried: article kb-17.",
            ][..],
        ),
        (
            "portal.py",
            &["T-2: We send it again.", "proposed by alice: Sent again.", "T-2 is resolved, rated 5"],
        ),
    ];
    for (script, lines) in told {
        let mut command = Command::new(&python);
        command.arg(project("docs/examples/python").join(script)).arg(node.url());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let mut example = Process::spawn(script, command, node.dir());
        let status = example.exit(WITHIN).await;
        let said = example.said();
        assert!(status.success(), "{script}: {status}\n{said}");
        for line in lines {
            assert!(said.contains(line), "{script}: {said}");
        }
    }
}

async fn works(language: &Language, dir: &Path) {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let mut caller = Process::spawn("desk", language.desk(node.url()), dir);
    let status = caller.exit(WITHIN).await;
    let said = caller.said();
    assert!(status.success(), "{status}: {said}");
    assert!(said.contains("T-1 is resolved, assigned to bob, at position "), "{said}");
    assert!(said.contains("today: 1 created, 1 resolved"), "{said}");
    let at = Node { url: node.url().to_owned(), key: node.dir().join("data/log.vkey") };
    followed_through_kills(language, &desk, &at, dir).await;
    takes_nothing_forged(language, &dir.join("forged")).await;
}

async fn followed_through_kills(language: &Language, desk: &Desk, node: &Node, dir: &Path) {
    let seed = seed().unwrap_or(25);
    eprintln!("GUICHET_SEED={seed} kills at the same places");
    let mut dice = StdRng::seed_from_u64(seed);
    let folder = dir.join("followed");
    let mut before = 0;
    for kill in 0..KILLS {
        let follower = Follower::start(language, node, dir, &folder);
        let series = format!("kill {kill}");
        let opening = desk.open_tickets(&series, TICKETS);
        let place = before + dice.random_range(0..=TICKETS);
        let (newest, ()) = tokio::join!(opening, follower.has(place));
        follower.process.kill();
        before = usize::try_from(newest).expect("a small log");
        if kill % 2 == 0 {
            // The last write may have been cut in two.
            let mut lines = File::options().append(true).open(folder.join("events.jsonl")).expect("there");
            lines.write_all(b"{\"position\": 9").expect("written");
        }
    }
    let log = desk.log().await;
    let follower = Follower::start(language, node, dir, &folder);
    follower.has(log.len()).await;
    follower.saved(log.len()).await;
    let lines = follower.lines();
    let expected: Vec<Value> = log.iter().map(|record| summary(record)).collect();
    assert_eq!(lines.len(), expected.len(), "nothing is missing and nothing is there twice");
    for (line, expected) in lines.iter().zip(&expected) {
        for (name, value) in expected.as_object().expect("an object") {
            assert_eq!(&line[name], value, "{name} of {line}");
        }
    }
    follower.process.kill();
}

/// A record that somebody else published, with headers like ours, while no engine ran: it never gets into the output.
async fn takes_nothing_forged(language: &Language, dir: &Path) {
    std::fs::create_dir_all(dir).expect("a folder");
    let mut trio = Trio::start().await;
    let desk = trio.desk().await;
    let newest = desk.open_tickets("ours", 5).await;
    let there = async || published::last_sequence(&desk).await.filter(|last| *last >= newest);
    until("everything is published", WITHIN, there).await;
    let before = published::verified(&desk).await;
    let node = Node { url: trio.url(), key: trio.dir().join("engine/log.vkey") };
    let folder = dir.join("followed");
    let mut follower = Follower::start(language, &node, dir, &folder);
    follower.has(before.len()).await;
    trio.kill_engine();
    foreign::forge(&desk, &before, None).await;
    let brought = async || {
        let stream = published::jetstream(&desk).get_stream(published::STREAM).await.ok()?;
        let consumers: Vec<_> = stream.consumers().filter_map(|found| async { found.ok() }).collect().await;
        let has_it = |info: &Info| info.delivered.stream_sequence == before.len() as u64 + 1;
        consumers.iter().any(has_it).then_some(())
    };
    until("the follower was brought the forged message", WITHIN, brought).await;
    trio.launch_engine();
    let status = follower.process.exit(WITHIN).await;
    assert!(!status.success(), "it says what it found: {}", follower.process.said());
    assert_eq!(follower.lines().len(), before.len(), "and writes nothing of it");
    desk.head().await;
    let follower = Follower::start(language, &node, dir, &folder);
    let log = desk.log().await;
    follower.has(log.len()).await;
    for (line, record) in follower.lines().iter().zip(&log) {
        assert_eq!(line["hash"], summary(record)["hash"]);
    }
    follower.process.kill();
}

/// Where a desk is, and the key that it signs with.
struct Node {
    url: String,
    key: PathBuf,
}

/// What a follower must have written about a record.
fn summary(record: &[u8]) -> Value {
    let hash = Sha256::new().chain_update([0]).chain_update(record).finalize();
    let record = Record::decode(record).expect("a record");
    // A message says that it is about a requester, and never about which.
    let requester = record.stream_kind == StreamKind::Subject as i32;
    json!({
        "position": record.position,
        "type": format!("guichet.{}.v1", record.r#type),
        "subject": if requester { "subject" } else { &record.stream_id },
        "hash": hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
    })
}

struct Follower {
    process: Process,
    folder: PathBuf,
}

impl Follower {
    fn start(language: &Language, node: &Node, dir: &Path, folder: &Path) -> Self {
        let process = Process::spawn("follow", language.follow(folder, &node.url, &node.key), dir);
        Self { process, folder: folder.to_owned() }
    }

    /// Waits until so many lines are written, whole or not.
    async fn has(&self, lines: usize) {
        until("the follower has written so many events", WITHIN, async || {
            let text = std::fs::read(self.folder.join("events.jsonl")).ok()?;
            (text.iter().filter(|byte| **byte == b'\n').count() >= lines).then_some(())
        })
        .await;
    }

    async fn saved(&self, position: usize) {
        until("the follower has saved its position", WITHIN, async || {
            let text = std::fs::read(self.folder.join("position.json")).ok()?;
            let saved: Value = serde_json::from_slice(&text).expect("replaced in one step");
            (saved["position"] == position).then_some(())
        })
        .await;
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.join("events.jsonl")).expect("it is text");
        text.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect()
    }
}
