//! Attachments from outside: by every door in and out, through a backup, and through kills: what was acknowledged is
//! there, and nothing is left that is nobody's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use async_nats::Request;
use guichet_schemas::hash::Hash;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::desk::{Desk, id, new_ticket};
use crate::harness::{Process, Serve, Settings, Trio, guichet, http_client as http, long, seed, until};
use crate::verbs::{ask, last_sentence, said};

const PART: usize = 256 * 1024;
const WITHIN: Duration = Duration::from_secs(30);

fn digest(bytes: &[u8]) -> String {
    Hash::of_bytes(bytes).to_string()
}

fn bytes(count: usize, first: u8) -> Vec<u8> {
    (0..count).map(|n| (n % 251) as u8 ^ first).collect()
}

fn tool(data: &Path, words: &[&str]) -> Output {
    guichet().args(words).arg("--data-dir").arg(data).output().expect("it runs")
}

fn data(node: &Serve) -> PathBuf {
    node.dir().join("data")
}

/// Brings one part; the answer, or nothing where nobody answered.
async fn put(desk: &Desk, ticket: &str, all: &[u8], offset: usize) -> Option<Value> {
    let (sha256, size) = (digest(all), all.len());
    let subject = format!("guichet.v1.attachment.default.outside.{ticket}.put.{sha256}.{size}.{offset}");
    let part = all[offset..size.min(offset + PART)].to_vec();
    let request = Request::new().payload(part.into()).timeout(Some(Duration::from_secs(3)));
    let answer = desk.client.send_request(subject, request).await.ok()?;
    serde_json::from_slice(&answer.payload).ok()
}

/// Brings all parts. `None`: it did not get to the end.
async fn upload(desk: &Desk, ticket: &str, all: &[u8]) -> Option<()> {
    let mut offset = 0;
    for _ in 0..=2 * all.len().div_ceil(PART) {
        let answer = put(desk, ticket, all, offset).await?;
        if answer["stored"] == true {
            return Some(());
        }
        offset = answer["received"].as_u64()? as usize;
    }
    None
}

async fn fetched(desk: &Desk, ticket: &str, sha256: &str) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    loop {
        let offset = all.len();
        let subject = format!("guichet.v1.attachment.default.outside.{ticket}.get.{sha256}.{offset}");
        let request = Request::new().timeout(Some(Duration::from_secs(10)));
        let answer = desk.client.send_request(subject, request).await.map_err(|e| e.to_string())?;
        let headers = answer.headers.unwrap_or_default();
        if let Some(code) = headers.get("Nats-Service-Error") {
            return Err(code.as_str().to_owned());
        }
        let size: usize = headers.get("Guichet-Size").expect("a size").as_str().parse().expect("a number");
        all.extend_from_slice(&answer.payload);
        if all.len() >= size {
            return Ok(all);
        }
    }
}

fn attachment(all: &[u8], name: &str) -> Value {
    json!({"sha256": digest(all), "size": all.len(), "media_type": "image/png", "name": name})
}

async fn ticket(desk: &Desk, n: usize) -> String {
    let created = desk.command("new", "create", id("attachments", n), new_ticket(n)).await;
    created.body["ticket_id"].as_str().expect("a ticket").to_owned()
}

/// The sealed files of a folder, uploads under way included.
fn sealed_files(attachments: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![attachments.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::metadata(&path).is_ok_and(|of| of.len() > 0) {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_in_and_comes_out_by_every_door() {
    let node = Serve::start(Settings::default()).await;
    let (desk, data) = (node.desk().await, data(&node));
    let ticket = ticket(&desk, 1).await;
    let all = bytes(600_000, 1);
    let (file, sha256) = (node.dir().join("drum.png"), digest(&all));
    fs::write(&file, &all).expect("a file");

    let early =
        desk.try_command(&ticket, "add_attachment", id("early", 1), attachment(&all, "drum.png")).await;
    let early = early.expect("an answer").body;
    assert_eq!(
        (&early["error"]["code"], &early["error"]["field"]),
        (&json!("validation_failed"), &json!("data.sha256")),
        "{early}"
    );
    let comment = json!({"visibility": "public", "body": "See the drum.", "attachments": [sha256]});
    let early = desk.try_command(&ticket, "add_comment", id("early", 2), comment.clone()).await;
    assert_eq!(early.expect("an answer").body["error"]["field"], "data.attachments[0]");

    let attached = tool(&data, &["attach", "T-1", file.to_str().expect("text"), "--media-type", "image/png"]);
    assert!(attached.status.success() && said(&attached).contains("AttachmentAdded"), "{attached:?}");
    let again = tool(&data, &["attach", "T-1", file.to_str().expect("text"), "--media-type", "image/png"]);
    assert!(again.status.success() && said(&again).contains("nothing to do"), "{again:?}");
    let sentence = last_sentence(&desk).await;
    assert!(sentence.contains("attached") && sentence.contains("drum.png"), "{sentence}");
    desk.command(&ticket, "add_comment", id("early", 3), comment).await;
    let view = ask(&desk, "ticket").await;
    assert_eq!(
        (&view["attachments"][0]["sha256"], &view["attachments"][0]["size"]),
        (&json!(sha256), &json!(600_000))
    );

    let to = node.dir().join("back.png");
    let back = tool(&data, &["fetch", "T-1", &sha256, "--to", to.to_str().expect("text")]);
    assert!(back.status.success(), "{back:?}");
    assert_eq!(fs::read(&to).expect("a file"), all);
    assert_eq!(fetched(&desk, &ticket, &sha256).await, Ok(all.clone()));
    let lies = sealed_files(&data.join("attachments"));
    assert_eq!(lies.len(), 1);
    let lies = fs::read(&lies[0]).expect("a file");
    assert!(!lies.windows(16).any(|window| window == &all[..16]), "it lies there readable");

    let run: Value = serde_json::from_slice(&fs::read(node.run_file()).expect("run.json")).expect("JSON");
    let door =
        run["http_url"].as_str().expect("a url").trim_start_matches("http://").parse().expect("an address");
    let bearer = format!("Bearer {}", run["http_token"].as_str().expect("a token"));
    let path = format!("/api/v1/default/tickets/T-1/attachments/{sha256}");
    let range = [("Authorization", bearer.as_str()), ("Range", "bytes=1-70")];
    let part = http::send(door, "GET", &path, &range).await;
    assert_eq!(part.status, 206, "{part:?}");
    assert_eq!(part.body.as_bytes(), &all[1..=70]);
    for (name, value) in [
        ("content-disposition", "attachment"),
        ("content-type", "application/octet-stream"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("content-range", "bytes 1-70/600000"),
    ] {
        assert_eq!(part.header(name), Some(value), "{name}");
    }
    assert_eq!(http::send(door, "GET", &path, &[]).await.status, 401);

    let scan = |verdict: &str| json!({"sha256": sha256, "verdict": verdict, "engine": "clamav 1.4"});
    desk.command(&ticket, "report_scan", id("scan", 1), scan("clean")).await;
    assert!(fetched(&desk, &ticket, &sha256).await.is_ok());
    desk.command(&ticket, "report_scan", id("scan", 2), scan("infected")).await;
    until("an infected attachment is given to nobody", WITHIN, async || {
        (fetched(&desk, &ticket, &sha256).await == Err("forbidden".to_owned())).then_some(())
    })
    .await;
    assert_eq!(http::send(door, "GET", &path, &range[..1]).await.status, 403);

    let redact = json!({"sha256": sha256, "reason": "shows a face"});
    desk.command(&ticket, "redact_attachment", id("redact", 1), redact).await;
    until("the bytes are gone", WITHIN, async || {
        sealed_files(&data.join("attachments")).is_empty().then_some(())
    })
    .await;
    assert_eq!(fetched(&desk, &ticket, &sha256).await, Err("not_found".to_owned()));
    assert!(last_sentence(&desk).await.ends_with("removed the bytes of an attachment: shows a face"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_brings_attachments_back_and_names_what_is_missing_or_flipped() {
    let mut node = Serve::start(Settings::default()).await;
    let (desk, data, backup) = (node.desk().await, data(&node), node.dir().join("backup"));
    let ticket = ticket(&desk, 1).await;
    let (one, two) = (bytes(300_000, 1), bytes(70_000, 2));
    for (n, all) in [&one, &two].into_iter().enumerate() {
        upload(&desk, &ticket, all).await.expect("it is brought");
        desk.command(&ticket, "add_attachment", id("backup", n), attachment(all, "a.png")).await;
    }
    let folder = backup.to_str().expect("text").to_owned();
    let taken = |count: u64| {
        let taken = tool(&data, &["backup", &folder, "--json"]);
        assert!(taken.status.success(), "{taken:?}");
        let taken: Value = serde_json::from_slice(&taken.stdout).expect("JSON");
        (taken["attachments"] == count).then_some(())
    };
    until("the backup covers both", WITHIN, async || taken(2)).await;
    let redact = json!({"sha256": digest(&two), "reason": "a face"});
    desk.command(&ticket, "redact_attachment", id("backup", 3), redact).await;
    until("the backup covers the redaction", WITHIN, async || taken(1)).await;
    assert!(tool(&data, &["backup", &folder, "--check"]).status.success());
    let copies: Vec<_> = sealed_files(&backup.join("attachments"))
        .into_iter()
        .filter(|path| path.ends_with("bytes"))
        .collect();
    assert_eq!(copies.len(), 1, "what was redacted has left the backup");
    assert!(node.stop().await.success());

    let new = node.dir().join("new");
    let kek = data.join("kek");
    let restore = ["restore", &folder, "--kek-file", kek.to_str().expect("text")];
    let restored = tool(&new, &restore);
    assert!(restored.status.success(), "{restored:?}");
    let kept = sealed_files(&new.join("attachments"));
    assert_eq!(fs::read(&kept[0]).expect("restored"), fs::read(&copies[0]).expect("a copy"));

    let whole = tool(&data, &["verify", "--offline"]);
    assert!(whole.status.success(), "{whole:?}");
    let lies = sealed_files(&data.join("attachments"));
    let mut flipped = fs::read(&lies[0]).expect("a file");
    flipped[200_000] ^= 1;
    fs::write(&lies[0], &flipped).expect("a file");
    let found = tool(&data, &["verify", "--offline"]);
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    assert!(said(&found).contains(&digest(&one)), "{found:?}");
    fs::remove_file(&lies[0]).expect("a file");
    let found = tool(&data, &["verify", "--offline"]);
    assert!(found.status.code() == Some(1) && said(&found).contains("missing"), "{found:?}");
    fs::remove_file(&copies[0]).expect("a copy");
    let found = tool(&data, &["backup", &folder, "--check"]);
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    assert!(String::from_utf8_lossy(&found.stderr).contains(&digest(&one)), "{found:?}");
}

/// An engine that dies at a crash point.
fn armed(trio: &Trio, point: &str) -> Process {
    let mut command = guichet();
    command.args(["engine", "--nats-url", &trio.url(), "--data-dir"]).arg(trio.dir().join("engine"));
    command.env("GUICHET_CRASH_POINT", point);
    Process::spawn("engine", command, trio.dir())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_each_step_of_an_upload_loses_nothing_that_was_told() {
    let mut trio = Trio::start().await;
    let desk = trio.desk().await;
    desk.ready().await;
    let ticket = ticket(&desk, 1).await;
    for (n, point) in ["upload.synced", "upload.marked", "upload.kept"].into_iter().enumerate() {
        let all = bytes(300_000, n as u8);
        trio.kill_engine();
        let mut engine = armed(&trio, point);
        until("the engine answers", WITHIN, async || desk.try_head().await).await;
        assert_eq!(upload(&desk, &ticket, &all).await, None, "{point}");
        let died = until("the engine dies", WITHIN, async || engine.ended()).await;
        assert!(!died.success(), "{point}: {died}");
        trio.launch_engine();
        until("the engine answers", WITHIN, async || desk.try_head().await).await;
        upload(&desk, &ticket, &all).await.unwrap_or_else(|| panic!("{point}: it is not taken again"));
        desk.command(&ticket, "add_attachment", id(point, n), attachment(&all, "a.png")).await;
        assert_eq!(fetched(&desk, &ticket, &digest(&all)).await, Ok(all), "{point}");
    }
    judge(&trio.dir().join("engine/attachments"), 3);
}

/// As many sealed files as attachments, each with the mark of a ticket, and no upload that nobody goes on with.
fn judge(attachments: &Path, expected: usize) {
    let files = sealed_files(attachments);
    assert_eq!(files.len(), expected, "{files:?}");
    for file in &files {
        let folder = file.parent().expect("a folder");
        let marks = fs::read_dir(folder).expect("a folder").count() - 1;
        assert!(file.ends_with("bytes") && marks == 1, "{}: {marks}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_lose_no_attachment_and_leave_none_behind() {
    let mut trio = Trio::start().await;
    let desk = trio.desk().await;
    desk.ready().await;
    let ticket = ticket(&desk, 1).await;
    let mut dice = StdRng::seed_from_u64(seed().unwrap_or(17));
    let mut book: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let rounds = if long() { 120 } else { 6 };
    for round in 0..rounds {
        let (asked, of) = (desk.clone(), ticket.clone());
        let many: Vec<Vec<u8>> = (0..6)
            .map(|n| format!("{round} {n} ").repeat(dice.random_range(1..90_000)).into_bytes())
            .collect();
        let sending = tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for (n, all) in many.into_iter().enumerate() {
                if upload(&asked, &of, &all).await.is_none() {
                    continue;
                }
                let command = id(&format!("kill {round}"), n);
                let told = asked.try_command(&of, "add_attachment", command, attachment(&all, "a.bin")).await;
                if told.is_some_and(|reply| reply.is_ok()) {
                    acknowledged.push(all);
                }
            }
            acknowledged
        });
        tokio::time::sleep(Duration::from_millis(dice.random_range(5..400))).await;
        trio.kill_engine();
        trio.launch_engine();
        for all in sending.await.expect("it does not panic") {
            book.insert(digest(&all), all);
        }
        until("the engine answers", WITHIN, async || desk.try_head().await).await;
    }
    for (sha256, all) in &book {
        assert_eq!(fetched(&desk, &ticket, sha256).await.as_ref(), Ok(all), "{sha256} was acknowledged");
    }
    let view = desk
        .query("ticket", json!({"ticket_id": ticket, "min_position": desk.head().await, "wait_ms": 20_000}))
        .await;
    let named = view["data"]["attachments"].as_array().map_or(0, Vec::len);
    assert!(named >= book.len() && !book.is_empty(), "{named} {}", book.len());
    // Those whose answer was lost are fetched too, or were never told: each has its file, and no upload is left.
    trio.kill_engine();
    trio.launch_engine();
    until("the engine answers", WITHIN, async || desk.try_head().await).await;
    let uploads = trio.dir().join("engine/attachments/uploads");
    assert_eq!(fs::read_dir(uploads).expect("a folder").count(), 0);
}
