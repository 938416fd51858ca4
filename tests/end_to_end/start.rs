//! Programs that are started in any order.

use std::time::Duration;

use crate::desk::Desk;
use crate::harness::{Nats, UNREACHABLE, engine, guichet, until, worker};

const WITHIN: Duration = Duration::from_secs(30);

#[tokio::test]
async fn roles_wait_for_a_nats_server_that_starts_later() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut nats = Nats::planned(dir.path());
    let url = nats.url();
    let mut roles = [engine(&url, dir.path()), worker(&url, dir.path())];
    for role in &mut roles {
        until("it says what it waits for", WITHIN, async || {
            assert!(role.ended().is_none(), "{}", role.said());
            role.said().contains(&format!("waiting for NATS at {url}")).then_some(())
        })
        .await;
    }
    // A person at a prompt does not want to wait.
    let asked = guichet().args(["query", "tickets", "--nats-url", &url]).output().expect("it runs");
    assert_eq!(asked.status.code(), Some(UNREACHABLE));

    nats.launch().await;
    let desk = Desk::connect(&url).await;
    desk.ready().await;
    let newest = desk.open_tickets("at last", 3).await;
    desk.folded(newest).await;
    for role in roles {
        assert_eq!(role.said().matches("waiting for").count(), 1, "{}", role.said());
        assert!(role.terminate().await.success());
    }
}

#[tokio::test]
async fn who_waits_can_be_stopped() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let engine = engine(&Nats::planned(dir.path()).url(), dir.path());
    until("it waits", WITHIN, async || engine.said().contains("waiting for NATS").then_some(())).await;
    assert!(engine.terminate().await.success());
}
