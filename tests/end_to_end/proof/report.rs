//! `guichet audit --report`: a desk that runs, its stopped folder, its backup and a copy are all audited, with a credential
//! that may only read; and what somebody changed in a copy is found, and nothing else.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::{Node, SIGNED_WITHIN, both, change, text};
use crate::desk::id;
use crate::harness::{guichet, until};

/// What a report says: its exit code, and the JSON that lies beside the page.
fn reported(output: &Output, page: &Path) -> (Option<i32>, Value) {
    let json = std::fs::read(page.with_extension("json")).unwrap_or_else(|_| panic!("{}", both(output)));
    let html = std::fs::read_to_string(page).expect("a page");
    assert!(html.starts_with("<!doctype html>") && !html.contains("src="), "{html}");
    (output.status.code(), serde_json::from_slice(&json).expect("JSON"))
}

fn outcomes(report: &Value) -> Vec<(&str, &str)> {
    let checks = report["checks"].as_array().expect("checks").iter();
    checks
        .map(|one| (one["check"].as_str().expect("a name"), one["outcome"].as_str().expect("a word")))
        .collect()
}

/// The findings of a report: check, and position where there is one.
fn findings(report: &Value) -> Vec<(&str, Option<u64>)> {
    let mut all = Vec::new();
    for check in report["checks"].as_array().expect("checks") {
        for finding in check["findings"].as_array().expect("findings") {
            all.push((check["check"].as_str().expect("a name"), finding["position"].as_u64()));
        }
    }
    assert_eq!(report["faults"].as_u64(), Some(all.len() as u64), "{report}");
    all
}

/// With the auditor's key, and nothing else of the node.
fn as_auditor(node: &Node, words: &[&str]) -> Output {
    let url = node.serve.url();
    let address = url.split_once('@').map_or_else(|| url.to_owned(), |(_, rest)| format!("nats://{rest}"));
    let mut command = guichet();
    command.args(words).args(["--nats-url", &address, "--inbox-prefix", "_INBOX_auditor", "--nkey"]);
    command.arg(node.data().join("nats-keys/auditor.nk")).arg("--data-dir").arg(node.file("nowhere"));
    command.output().expect("the tool runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_and_all_its_copies_are_reported_on_with_a_credential_that_only_reads() {
    let mut node = Node::with_tickets(150).await;
    let desk = node.serve.desk().await;
    let callers = json!({"callers": {
        "cli": {"roles": ["admin", "agent"], "actor_kinds": ["admin", "agent"], "import": true},
        "outside": {"roles": ["agent"], "actor_kinds": ["agent", "requester"]},
    }});
    let publish = json!({
        "command_id": id("callers", 1), "actor": {"kind": "admin", "id": "ana"},
        "data": {"kind": "callers", "body": callers},
    });
    let subject = "guichet.v1.cmd.default.cli.config.publish_config".to_owned();
    let reply = desk.request(subject, &publish).await.expect("an answer");
    assert!(reply.is_ok(), "{}", reply.body);
    let head = desk.open_tickets("by callers that are configured", 3).await;
    desk.folded(head).await;
    let copy = node.file("copy");
    node.audited(&copy).await;

    // Everything but what only the data folder tells: whose MACs they are.
    let page = node.file("desk.html");
    let key = node.key();
    let report = ["audit", "--report", text(&page), "--key", text(&key)];
    let (code, found) = until("the stream has come so far", SIGNED_WITHIN, async || {
        let (code, found) = reported(&as_auditor(&node, &report), &page);
        (found["checks"][6]["outcome"] == "passed").then_some((code, found))
    })
    .await;
    assert_eq!((code, &findings(&found)[..]), (Some(0), &[][..]), "{found}");
    let seen = outcomes(&found);
    for check in ["form", "gaps", "chain", "clock", "publication", "configuration"] {
        assert!(seen.contains(&(check, "passed")), "{check}: {seen:?}");
    }
    assert!(seen.contains(&("authorship", "not_checked")), "{seen:?}");
    assert!(found["records"].as_u64() >= Some(head), "{found}");
    let by_callers = &found["checks"][8]["checked"][1];
    assert!(by_callers["count"].as_u64() >= Some(6), "{by_callers}");
    let refused = as_auditor(&node, &["send", "create", "--set", "subject=x"]);
    assert_eq!(refused.status.code(), Some(3), "an auditor sent a command: {}", both(&refused));

    let beside: Value =
        serde_json::from_str(&node.done(&["audit", "--report", text(&page), "--json"])).expect("JSON");
    assert!(outcomes(&beside).contains(&("authorship", "passed")), "{beside}");

    let backup = node.file("backup");
    node.done(&["backup", text(&backup)]);
    assert!(node.serve.stop().await.success());
    for (name, source) in [("stopped", node.data()), ("backup", backup), ("copy", copy)] {
        let page = node.file(&format!("{name}.html"));
        let source = text(&source).to_owned();
        let output = node.tool(&["audit", "--report", text(&page), "--source", &source, "--key", text(&key)]);
        let (code, found) = reported(&output, &page);
        assert_eq!((code, &findings(&found)[..]), (Some(0), &[][..]), "{name}: {found}");
        let seen = outcomes(&found);
        for check in ["form", "gaps", "chain", "tree", "clock", "configuration"] {
            assert!(seen.contains(&(check, "passed")), "{name}: {check}: {seen:?}");
        }
        assert!(seen.contains(&("publication", "not_checked")), "{name}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_in_a_copy_is_found_and_nothing_else() {
    let mut node = Node::with_tickets(150).await;
    let copy = node.file("copy");
    node.audited(&copy).await;
    assert!(node.serve.stop().await.success());
    let key = node.key();
    let page = node.file("copy.html");
    let report = |what: &str| {
        let words = ["audit", "--report", text(&page), "--source", text(&copy), "--key", text(&key)];
        let (code, found) = reported(&node.tool(&words), &page);
        assert_eq!(code, Some(i32::from(found["ok"] == false)), "{what}: {found}");
        found
    };
    assert_eq!(findings(&report("as it was")), []);

    let checkpoint = copy.join("checkpoint");
    let good = std::fs::read(&checkpoint).expect("a checkpoint");
    change(&checkpoint, |bytes| {
        let text = String::from_utf8(bytes).expect("text");
        let (before, signature) = text.trim_end().rsplit_once(' ').expect("a signature");
        let mut signature = signature.as_bytes().to_vec();
        signature[20] = if signature[20] == b'A' { b'B' } else { b'A' };
        format!("{before} {}\n", String::from_utf8(signature).expect("text")).into_bytes()
    });
    let forged = report("a forged signature");
    assert_eq!(findings(&forged), [("tree", None)], "{forged}");
    std::fs::write(&checkpoint, good).expect("put back");

    let bundle = copy.join("tile/entries/000");
    let good = std::fs::read(&bundle).expect("256 records");
    let last = good.len() - 1;
    change(&bundle, |mut bytes| {
        // In the newest of the bundle: the length of every record stays what it was.
        bytes[last] ^= 1;
        bytes
    });
    let flipped = report("a flipped bit");
    assert!(findings(&flipped).contains(&("tree", Some(256))), "{flipped}");
    std::fs::write(&bundle, &good).expect("put back");

    std::fs::remove_file(&bundle).expect("it was there");
    let gone = report("a bundle that is gone");
    assert!(findings(&gone).contains(&("gaps", Some(1))), "{gone}");
}
