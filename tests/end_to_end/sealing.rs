//! Personal texts from outside: whoever may ask reads them, and no file of the desk tells them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::desk::{Desk, id};
use crate::harness::{Serve, Settings, guichet};
use crate::http::client;

/// Everything that our programs can say, and the libraries in them.
const LOG_ALL: &str = "trace";
/// Found in every file that says anything about the ticket: whoever does not find it looked nowhere.
const PSEUDONYM: &str = "pseudonym-4711";

/// A text in every field that may hold one. Each is longer than a step of padding, and found nowhere else.
const CANARIES: [&str; 13] = [
    "canary subject: the invoice of Camille Moreau-Lefebvre is wrong",
    "canary description: she lives in 12 rue des Lilas, 69003 Lyon",
    "canary-name-Camille-Moreau-Lefebvre-of-Lyon",
    "canary.address.of.camille@example.org",
    "+33-canary-phone-4 78 00 00 00",
    "canary comment: called her at home, her son answered the phone",
    "canary summary: refunded to her account FR76 3000 4028 3798 7654",
    "canary handover note: she is deaf in one ear, speak up please",
    "canary escalation note: her lawyer is Maître Dubois-Fontaine",
    "canary import subject: the badge of Jean-Baptiste Poquelin",
    "canary import description: born on 15 January 1622, in Paris",
    "canary import name: Jean-Baptiste Poquelin, called Molière",
    "canary import comment: he coughs, and plays the invalid well",
];

struct Told {
    ticket: String,
    head: u64,
}

async fn tell(desk: &Desk) -> Told {
    let [subject, description, name, email, phone, comment, summary, handover, escalation, ..] = CANARIES;
    let create = json!({"subject": subject, "description": description, "channel": "email", "group": "billing",
        "requester": {"id": PSEUDONYM, "name": name, "email": email, "phone": phone}});
    let created = desk.command("new", "create", id("canary", 0), create).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket id").to_owned();
    for (n, (verb, data)) in [
        ("add_comment", json!({"visibility": "public", "body": comment})),
        ("assign", json!({"assignee": "bob", "handover_note": handover})),
        (
            "escalate",
            json!({"kind": "functional", "to_tier": 2, "reason": "expertise", "note": escalation, "tags": ["law"]}),
        ),
        ("resolve", json!({"code": "other", "summary": summary})),
        ("reopen", json!({"reason": "not yet"})),
        ("resolve", json!({"code": "other", "summary": summary})),
    ]
    .into_iter()
    .enumerate()
    {
        desk.command(&ticket, verb, id("canary", n + 1), data).await;
    }
    let [.., subject, description, name, comment] = CANARIES;
    let plain = |text: &str| json!({"plain": text});
    let events = json!([
        {"type": "TicketCreated", "occurred_at": "2026-01-01T00:00:00.000Z", "data": {
            "subject": plain(subject), "description": plain(description), "requester": PSEUDONYM,
            "requester_name": plain(name), "channel": "email", "origin": "agent", "type": "incident",
            "priority": "normal", "tier": 1}},
        {"type": "CommentAdded", "occurred_at": "2026-01-02T00:00:00.000Z", "data": {
            "comment_id": id("canary comment", 0), "visibility": "public", "kind": "message", "author": "bob",
            "author_kind": "agent", "body": plain(comment)}},
    ]);
    let import = json!({"source": "old", "external_id": "1", "part": 1, "parts": 1, "events": events});
    let imported = desk.command("new", "import", id("canary import", 0), import).await;
    Told { ticket, head: imported.position() }
}

/// What standard output says.
fn said(arguments: &[&str]) -> String {
    let said = guichet().args(arguments).output().expect("it runs");
    assert!(said.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).expect("text")
}

fn files(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(under).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_ask_reads_every_text_and_no_file_tells_one() {
    let mut node = Serve::start(Settings { log: Some(LOG_ALL), ..Settings::default() }).await;
    let desk = node.desk().await;
    let told = tell(&desk).await;
    desk.answers("queue", json!({"group": "billing"}), told.head).await;
    desk.folded(told.head).await;

    // Everywhere that people look, the texts are there: none of what follows is about texts that got lost.
    let ticket = json!({"ticket_id": told.ticket});
    let mut answers = Value::Array(Vec::new());
    for (name, question) in [
        ("ticket", ticket.clone()),
        ("timeline", ticket.clone()),
        ("tickets", json!({"text": "CANARY"})),
        ("events", json!({"limit": 1000})),
    ] {
        let answer = desk.query(name, question).await["data"].clone();
        assert!(!answer.to_string().contains("\"sealed\""), "{name} shows sealed texts: {answer}");
        answers.as_array_mut().expect("a list").push(answer);
    }
    let everything = answers.to_string();
    for canary in CANARIES {
        assert!(everything.contains(canary), "nobody can read {canary:?}");
    }
    let run = fs::read(node.run_file()).expect("run.json");
    let run: Value = serde_json::from_slice(&run).expect("JSON");
    let bearer = format!("Bearer {}", run["http_token"].as_str().expect("a token"));
    let url = run["http_url"].as_str().expect("a url").trim_start_matches("http://");
    let address = url.parse().expect("an address");
    let metrics = client::send(address, "GET", "/metrics", &[("Authorization", &bearer)]).await;
    assert!(metrics.status == 200 && !format!("{metrics:?}").contains("canary"), "{metrics:?}");

    // Texts are for whoever may read the data folder, not for every caller.
    let data = node.dir().join("data").to_str().expect("a path").to_owned();
    let follow = ["tail", "--from", "start", "--no-follow", "--data-dir", &data];
    let people = said(&follow);
    assert!(people.contains(CANARIES[0]) && people.contains(CANARIES[5]), "{people}");
    let hashed = said(&[follow.as_slice(), &["--json"]].concat());
    assert!(
        !hashed.contains("canary") && hashed.contains("\"sealed\""),
        "what was hashed is sealed: {hashed}"
    );
    let foreign = said(&["tail", "--from", "start", "--no-follow", "--nats-url", node.url()]);
    assert!(!foreign.contains("canary"), "a caller has no keys: {foreign}");
    let history = said(&["timeline", &told.ticket, "--data-dir", &data]);
    assert!(history.contains(CANARIES[5]), "{history}");

    assert!(node.stop().await.success());
    let mut all = Vec::new();
    files(node.dir(), &mut all);
    let mut telling = 0;
    for path in &all {
        let bytes = fs::read(path).expect("a file of ours");
        for canary in CANARIES {
            // Also in parts: a block that is compressed repeats the beginning of what is long.
            for part in [canary, &canary[..16]] {
                assert!(!holds(&bytes, part), "{} holds {part:?}", path.display());
            }
            assert!(!path.to_string_lossy().contains("canary"), "{}", path.display());
        }
        telling += usize::from(holds(&bytes, PSEUDONYM));
    }
    assert!(
        telling >= 2,
        "the log and the stream name the requester, but only {telling} of {} files do",
        all.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_opens_its_texts_after_a_restart_and_only_with_its_key() {
    let mut node = Serve::start(Settings::default()).await;
    let told = tell(&node.desk().await).await;
    assert!(node.stop().await.success());
    let kek = node.run_file().with_file_name("kek");
    let away = node.dir().join("kek-elsewhere");
    fs::rename(&kek, &away).expect("the key file is there");

    // Without the key it does not start, and makes no other.
    let data = kek.parent().expect("a folder").to_owned();
    let start = || {
        let mut serve = guichet();
        serve.arg("serve").arg("--data-dir").arg(&data);
        serve
    };
    let refused = start().output().expect("it runs");
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && why.contains("--kek-file") && why.contains("kek"), "{why}");
    assert!(!kek.exists());
    let wrong = start().env("GUICHET_KEK", "ab".repeat(32)).output().expect("it runs");
    let why = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && why.contains("another") | why.contains("made under"), "{why}");
    assert!(!why.contains(&"ab".repeat(8)), "{why}");

    fs::rename(&away, &kek).expect("back again");
    node.launch().await;
    let desk = node.desk().await;
    desk.folded(told.head).await;
    let ticket = desk.query("ticket", json!({"ticket_id": told.ticket})).await;
    assert_eq!(ticket["data"]["subject"]["plain"], CANARIES[0]);
    assert!(node.stop().await.success());
}
