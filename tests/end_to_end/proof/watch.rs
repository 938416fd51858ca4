//! `guichet audit --watch`: what it believes outlives the desk and itself; a log that went back and one that forked end it,
//! and stay ended.

use std::time::Duration;

use serde_json::Value;

use guichet_test_support::damage::copy;

use super::adversary::put_back;
use super::{Node, SIGNED_WITHIN, text};
use crate::harness::{Process, guichet, until};

/// Records under the checkpoint that a watch believes.
fn believed(node: &Node) -> Option<u64> {
    let state: Value = serde_json::from_slice(&std::fs::read(node.file("trusted.json")).ok()?).ok()?;
    state["checkpoint"].as_str()?.lines().nth(1)?.parse().ok()
}

fn metric(node: &Node, name: &str) -> Option<u64> {
    let metrics = std::fs::read_to_string(node.file("guichet.prom")).ok()?;
    let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("guichet_audit_{name} ")))?;
    line.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_outlives_restarts_and_finds_a_log_that_went_back_and_one_that_forked() {
    let mut node = Node::with_tickets(10).await;
    let (state, metrics, told) = (node.file("trusted.json"), node.file("guichet.prom"), node.file("told"));
    let hook = format!("printf %s \"$GUICHET_ALARM\" > {}", told.display());
    let key = node.key();
    let words = [
        "audit",
        "--watch",
        "--state",
        text(&state),
        "--metrics",
        text(&metrics),
        "--hook",
        &hook,
        "--key",
        text(&key),
    ];
    let once = [&words[..], &["--once"]].concat();
    node.done(&once);
    assert!(believed(&node).is_some_and(|size| size > 0), "it believes what it sees first");

    assert!(node.serve.stop().await.success());
    let (older, newer) = (node.file("older"), node.file("newer"));
    copy(&node.data(), &older);
    assert_eq!(node.tool(&once).status.code(), Some(3), "nobody answers, and that is no alarm");
    node.serve.launch().await;

    let mut follow = guichet();
    follow.args(words).args(["--every", "1", "--data-dir"]).arg(node.data());
    let watcher = Process::spawn("watch", follow, node.serve.dir());
    for round in ["before a restart", "after it"] {
        let head = node.serve.desk().await.open_tickets(round, 7).await;
        until(
            "the watch believes what was just recorded",
            SIGNED_WITHIN + Duration::from_secs(10),
            async || (believed(&node)? >= head && metric(&node, "trusted_records")? >= head).then_some(()),
        )
        .await;
        assert!(node.serve.stop().await.success());
        until("the watch misses the desk", SIGNED_WITHIN, async || (metric(&node, "up")? == 0).then_some(()))
            .await;
        node.serve.launch().await;
    }
    assert!(watcher.terminate().await.success(), "a watch that is stopped is no alarm");
    assert_eq!(metric(&node, "alarm"), Some(0));
    let trusted = std::fs::read(&state).expect("what it believes");
    assert!(node.serve.stop().await.success());
    copy(&node.data(), &newer);

    put_back(&older, &node.data());
    node.serve.launch().await;
    assert!(node.found(&once).contains("it was rolled back"));
    assert_eq!(metric(&node, "alarm"), Some(1));
    assert!(std::fs::read_to_string(&told).expect("the hook was told").contains("it was rolled back"));
    // The older copy grows past what was seen: another story, also for whoever never saw it shorter.
    let beyond = node.serve.desk().await.open_tickets("fork", 40).await;
    assert!(node.found(&once).contains("the alarm of"), "it stands until somebody has looked");
    std::fs::write(&state, trusted).expect("somebody has looked");
    let copy = node.file("fork");
    node.audited(&copy).await;
    assert!(believed(&node).is_some_and(|size| size < beyond));
    assert!(node.found(&once).contains("does not begin with"));
    let kept: Value = serde_json::from_slice(&std::fs::read(&state).expect("it stands")).expect("JSON");
    assert!(kept["alarm"]["shown"].as_str().is_some_and(|note| note.contains("— ")), "{kept}");
}
