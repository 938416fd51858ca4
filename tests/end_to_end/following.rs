//! `guichet import --follow` and `--infer` as a person runs them.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{Process, Serve, Settings, guichet, until};

const WITHIN: Duration = Duration::from_secs(60);

fn follow(node: &Serve, what: &Path, said_in: &Path) -> Process {
    let run = node.run_file();
    let mut command = guichet();
    command.arg("import").arg(what).args(["--mapping", "audit", "--follow", "--json", "--data-dir"]);
    command.arg(run.parent().expect("a folder"));
    Process::spawn("follow", command, said_in)
}

fn row(ticket: &str, minute: u32, status: &str) -> String {
    let at = format!("2026-02-02T08:{minute:02}:00Z");
    let row = json!({"ticket": ticket, "at": at, "by": "r1", "requester": "r1", "subject": "Heating", "status": status,
        "priority": "normal", "comment": "It is cold.", "visibility": "public", "author_kind": "requester",
        "group": "house", "agent": "a1"});
    format!("{row}\n")
}

fn grow(file: &Path, text: &str) {
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).open(file).expect("the folder is ours");
    file.write_all(text.as_bytes()).expect("the disk has room");
}

async fn state(desk: &Desk, id: &str, wanted: &str) -> Value {
    until(&format!("{id} is {wanted}"), WITHIN, async || {
        let reply = desk.try_query("ticket", json!({"external_id": id})).await?;
        Some(reply.body["data"].clone()).filter(|ticket| ticket["state"] == wanted)
    })
    .await
}

/// Ends a follower, and gives its exit code and its balance.
async fn end(follower: Process, said_in: &Path) -> (ExitStatus, Value) {
    let status = follower.terminate().await;
    let said = std::fs::read_to_string(said_in.join("follow.said")).expect("it said something");
    let last =
        said.lines().rfind(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no balance in {said}"));
    (status, serde_json::from_str(last).expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_is_imported_as_it_grows_and_a_restart_doubles_nothing() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("audit.jsonl");
    grow(&file, &row("7", 0, "open"));
    let follower = follow(&node, &file, dir.path());
    state(&desk, "7", "open").await;
    let later = row("7", 1, "pending");
    grow(&file, &later[..30]);
    grow(&file, &(later[30..].to_owned() + &row("8", 2, "open")));
    state(&desk, "8", "open").await;
    let version = state(&desk, "7", "pending").await["version"].clone();
    let (status, balance) = end(follower, dir.path()).await;
    assert_eq!((status.code(), &balance["adds_up"]), (Some(0), &json!(true)), "{balance}");
    assert_eq!(balance["balance"]["tickets"]["new"], 2, "{balance}");

    // Everything is read once more, and only what is new is written.
    grow(&file, &row("8", 3, "resolved"));
    let follower = follow(&node, &file, dir.path());
    assert_eq!(state(&desk, "8", "resolved").await["resolve_count"], 1);
    assert_eq!(state(&desk, "7", "pending").await["version"], version);
    let (status, balance) = end(follower, dir.path()).await;
    assert_eq!(status.code(), Some(0), "{balance}");
    let tickets = &balance["balance"]["tickets"];
    assert_eq!(
        (&tickets["new"], &tickets["continued"], &tickets["unchanged"]),
        (&json!(0), &json!(1), &json!(1)),
        "{balance}"
    );

    // A file that is cut short is named, and is no quiet end.
    let mut follower = follow(&node, &file, dir.path());
    let parts = |follower: &Process| follower.said().matches("newest position").count();
    let before = parts(&follower);
    until("the file is read again", WITHIN, async || (parts(&follower) > before).then_some(())).await;
    std::fs::write(&file, "").expect("the file is ours");
    let status = follower.exit(WITHIN).await;
    assert_eq!(status.code(), Some(1));
    assert!(follower.said().contains("it is shorter than it was"), "{}", follower.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_come_into_a_folder_are_imported_and_a_bad_one_ends_nothing() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let (dir, said_in) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    std::fs::write(dir.path().join("1.jsonl"), row("1", 0, "open")).expect("the folder is ours");
    let follower = follow(&node, dir.path(), said_in.path());
    state(&desk, "1", "open").await;
    std::fs::write(dir.path().join("2.jsonl"), "{\"ticket\": 1}\n").expect("the folder is ours");
    std::fs::write(dir.path().join("3.jsonl"), row("3", 0, "open")).expect("the folder is ours");
    state(&desk, "3", "open").await;
    let (status, balance) = end(follower, said_in.path()).await;
    assert_eq!(status.code(), Some(1), "{balance}");
    assert!(balance["failed"] == 1 && balance["left"].to_string().contains("1 files"), "{balance}");
}

#[test]
fn a_mapping_is_proposed_on_standard_output() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("replay-tools/import/mappings/samples/glpi.csv");
    let proposed = guichet().arg("import").arg(&sample).arg("--infer").output().expect("it runs");
    let text = String::from_utf8_lossy(&proposed.stdout).into_owned();
    assert!(text.contains("shipped mapping glpi") && text.contains("\n[source]\n"), "{proposed:?}");
    let dir = tempfile::tempdir().expect("a folder");
    let mapping = dir.path().join("proposed.toml");
    std::fs::write(&mapping, &text).expect("the folder is ours");
    let check = guichet()
        .arg("import")
        .arg(&sample)
        .arg("--mapping")
        .arg(&mapping)
        .arg("--check")
        .output()
        .expect("it runs");
    assert_eq!(check.status.code(), proposed.status.code(), "{check:?}\n{text}");
    let neither = guichet().arg("import").arg(&sample).output().expect("it runs");
    assert_eq!(neither.status.code(), Some(2), "{neither:?}");
}
