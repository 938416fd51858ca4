//! The examples of `docs/examples` against the real thing, each in its own language: they do what they show, and
//! a follower that is killed again and again has every event once.

mod languages;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use guichet_schemas::wire::{Record, StreamKind};
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::desk::Desk;
use crate::harness::{Process, Serve, Settings, seed, until};
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

async fn works(language: &Language, dir: &Path) {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let mut caller = Process::spawn("desk", language.desk(node.url()), dir);
    let status = caller.exit(WITHIN).await;
    let said = caller.said();
    assert!(status.success(), "{status}: {said}");
    assert!(said.contains("T-1 is resolved, assigned to bob, at position "), "{said}");
    assert!(said.contains("today: 1 created, 1 resolved"), "{said}");
    followed_through_kills(language, &desk, node.url(), dir).await;
}

async fn followed_through_kills(language: &Language, desk: &Desk, url: &str, dir: &Path) {
    let seed = seed().unwrap_or(25);
    eprintln!("GUICHET_SEED={seed} kills at the same places");
    let mut dice = StdRng::seed_from_u64(seed);
    let folder = dir.join("followed");
    let mut before = 0;
    for kill in 0..KILLS {
        let follower = Follower::start(language, url, dir, &folder);
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
    let follower = Follower::start(language, url, dir, &folder);
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
    fn start(language: &Language, url: &str, dir: &Path, folder: &Path) -> Self {
        let process = Process::spawn("follow", language.follow(folder, url), dir);
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
