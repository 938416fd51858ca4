//! Backups from outside: taken while commands arrive, incremental, refused where they would go behind what is signed,
//! and restored to the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use guichet_schemas::wire::record::Data;
use guichet_schemas::wire::{EpochStarted, Record};
use prost::Message as _;
use serde_json::{Value, json};

use crate::desk::{Desk, id, new_ticket};
use crate::harness::{Serve, Settings, guichet, until};
use crate::published;

struct Node(Serve);

impl Node {
    async fn start() -> Self {
        Self(Serve::start(Settings::default()).await)
    }

    fn data(&self) -> PathBuf {
        self.0.dir().join("data")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.dir().join(name)
    }

    /// `guichet backup`, repeated until the newest checkpoint covers this record.
    async fn back_up(&self, to: &Path, through: u64) -> Value {
        until("the backup covers what was acknowledged", std::time::Duration::from_secs(20), async || {
            let summary = done(self.tool("backup", to, &["--json"]));
            let summary: Value = serde_json::from_str(&summary).expect("JSON");
            (summary["records"].as_u64()? >= through).then_some(summary)
        })
        .await
    }

    fn tool(&self, verb: &str, folder: &Path, more: &[&str]) -> Output {
        let mut command = guichet();
        command.arg(verb).arg(folder).args(more).arg("--data-dir").arg(self.data());
        command.output().expect("the tool runs")
    }

    /// Moves the log, its keys, its signing key and its anchor away: what a burnt disk leaves. The stream stays.
    fn lose_all_but_the_stream(&self) {
        let lost = self.file("lost");
        fs::create_dir(&lost).expect("a folder");
        for name in ["log-0", "keys-0", "anchor-0", "signing.key", "log.vkey", "kek"] {
            fs::rename(self.data().join(name), lost.join(name)).expect("it was there");
        }
    }

    fn kek(&self) -> String {
        self.file("lost").join("kek").to_string_lossy().into_owned()
    }
}

fn done(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The event of the newest start.
async fn newest_epoch(desk: &Desk) -> EpochStarted {
    let records = desk.log().await;
    let newest = records.iter().rev().find_map(|bytes| {
        let data = Record::decode(&bytes[..]).expect("a record").data.expect("an event");
        if let Data::EpochStarted(started) = data { Some(started) } else { None }
    });
    newest.expect("each start is an event")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_desk_is_restored_and_the_stream_brings_the_rest() {
    let mut node = Node::start().await;
    let desk = node.0.desk().await;
    let first = desk.open_tickets("first", 300).await;
    // The answer of a command that changed nothing stands in no record, and is kept all the same.
    let created = desk.command("new", "create", id("assigned", 0), new_ticket(0)).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket id").to_owned();
    let idle = async |desk: &Desk| {
        let bob = json!({"assignee": "bob"});
        desk.command(&ticket, "assign", id("assigned", 1), bob.clone()).await;
        desk.command(&ticket, "assign", id("assigned", 2), bob).await.body
    };
    let mut before = idle(&desk).await;
    assert_eq!(before["replayed"], json!(false), "{before}");
    let backup = node.file("backup");
    node.back_up(&backup, first).await;
    let tiles = backup.join("log/tile/entries/000");
    let written = fs::metadata(&tiles).expect("the first 256 records").modified().expect("a time");
    let second = desk.open_tickets("second", 300).await;
    let summary = node.back_up(&backup, second).await;
    assert_eq!(
        fs::metadata(&tiles).expect("it stays").modified().expect("a time"),
        written,
        "only what is new"
    );
    done(node.tool("backup", &backup, &["--check"]));
    let last = desk.open_tickets("third", 50).await;
    desk.folded(last).await;
    let log = desk.log().await;
    assert!(node.0.stop().await.success());
    node.lose_all_but_the_stream();

    // Somebody holds a checkpoint of what came after the backup: it is not gone behind without a word.
    let kept = node.file("lost/anchor-0/checkpoint");
    let (kept, kek) = (kept.to_string_lossy().into_owned(), node.kek());
    let why = refused(&node.tool("restore", &backup, &["--kek-file", &kek, "--checkpoint", &kept]));
    let ends = summary["records"].as_u64().expect("a number");
    assert!(why.contains(&format!("the backup ends at {ends}")) && why.contains("--from-stream"), "{why}");
    assert!(!node.data().join("log-0").exists(), "nothing was restored");
    let why = refused(&node.tool("restore", &backup, &[]));
    assert!(why.contains("--kek-file"), "{why}");

    done(node.tool("restore", &backup, &["--kek-file", &kek, "--checkpoint", &kept, "--from-stream"]));
    let why = refused(&node.tool("restore", &backup, &["--kek-file", &kek]));
    assert!(why.contains("holds a log already"), "{why}");
    fs::copy(&kek, node.data().join("kek")).expect("the key is brought back");
    node.0.launch().await;
    let desk = node.0.desk().await;
    let now = desk.log().await;
    assert_eq!(now[..log.len()], log[..], "every record, byte by byte");
    published::verified(&desk).await;
    let head = desk.head().await;
    desk.folded(head).await;
    let epoch = newest_epoch(&desk).await;
    assert_eq!((epoch.restored_through, epoch.generation), (Some(ends), 1), "{epoch:?}");
    assert!(epoch.repaired_through >= Some(last), "{epoch:?}");
    before["replayed"] = json!(true);
    assert_eq!(idle(&desk).await, before, "the same answer as before");
    let ticket = desk.query("ticket", json!({"ticket_id": ticket})).await;
    assert!(ticket["data"]["subject"]["plain"].is_string(), "its texts open: {ticket}");
    assert!(node.0.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_newer_than_the_backup_is_given_up_for_a_reason_that_stands_in_the_log() {
    let mut node = Node::start().await;
    let desk = node.0.desk().await;
    let kept = desk.open_tickets("kept", 100).await;
    let backup = node.file("backup");
    let ends = node.back_up(&backup, kept).await["records"].as_u64().expect("a number");
    let given_up = desk.open_tickets("given up", 100).await;
    let later = node.file("later");
    node.back_up(&later, given_up).await;
    desk.folded(given_up).await;
    assert!(node.0.stop().await.success());
    node.lose_all_but_the_stream();

    let kek = node.kek();
    done(node.tool("restore", &backup, &["--kek-file", &kek, "--behind", "the new disk failed, OPS-7"]));
    fs::copy(&kek, node.data().join("kek")).expect("the key is brought back");
    node.0.launch().await;
    let desk = node.0.desk().await;
    let epoch = newest_epoch(&desk).await;
    assert_eq!(epoch.restored_behind.as_deref(), Some("the new disk failed, OPS-7"), "{epoch:?}");
    assert_eq!((epoch.restored_through, epoch.generation), (Some(ends), 2), "{epoch:?}");
    // The stream and the read models follow the log, and know nothing any more of what was given up.
    let created = desk.command("new", "create", id("afterwards", 0), new_ticket(0)).await;
    desk.folded(created.position()).await;
    published::verified(&desk).await;
    assert_eq!(desk.tickets().await.len(), 101);
    assert!(node.0.stop().await.success());
    node.0.launch().await;
    let desk = node.0.desk().await;
    let epoch = newest_epoch(&desk).await;
    assert_eq!((epoch.restored_behind.as_deref(), epoch.generation), (None, 2), "told once");

    // What continues the history goes on being backed up; what was given up stays as it was kept.
    done(node.tool("backup", &backup, &[]));
    let why = refused(&node.tool("backup", &later, &[]));
    assert!(why.contains("left as they are"), "{why}");
    assert!(node.0.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_changed_anywhere_is_refused_and_nothing_is_restored() {
    let mut node = Node::start().await;
    let desk = node.0.desk().await;
    let last = desk.open_tickets("only", 300).await;
    let backup = node.file("backup");
    let size = node.back_up(&backup, last).await["records"].as_u64().expect("a number");
    assert!(node.0.stop().await.success());
    node.lose_all_but_the_stream();
    let edge = format!("entries/{:03}.p/{}", size / 256, size % 256);
    let kek = node.kek();
    let mut files = Vec::new();
    list(&backup, &mut files);
    assert!(files.len() >= 9, "{files:?}");
    for path in files {
        let good = fs::read(&path).expect("a file of the backup");
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        match bad.get_mut(middle) {
            Some(byte) => *byte ^= 1,
            None => bad.push(0),
        }
        fs::write(&path, bad).expect("changed");
        // Tiles that are not full are made again from the records; those of the runs before are read by nobody.
        let name = path.to_string_lossy();
        if !name.contains(".p/") || name.ends_with(&edge) {
            refused(&node.tool("backup", &backup, &["--check"]));
            refused(&node.tool("restore", &backup, &["--kek-file", &kek]));
            assert!(!node.data().join("log-0/rocksdb").exists(), "{}", path.display());
        }
        fs::write(&path, good).expect("put back");
    }
    done(node.tool("restore", &backup, &["--kek-file", &kek]));
}

fn list(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(under).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { list(&path, found) } else { found.push(path) }
    }
}
