//! The nats-server inside `serve` is a child that is kept running: who kills it interrupts the desk, no more.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::desk::{id, new_ticket};
use crate::harness::{Serve, Settings, until};
use crate::published;

const BACK_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_node_starts_its_nats_server_again() {
    let mut node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    desk.open_tickets("before", 10).await;
    let nats = announced(&node);
    kill(Pid::from_raw(nats), Signal::SIGKILL).expect("the child of our child");

    // The same command until it is answered: the same address, the same connection, no second ticket.
    let again = async || desk.try_command("new", "create", id("after", 0), new_ticket(0)).await;
    let reply = until("the node answers again", BACK_WITHIN, again).await;
    assert!(reply.is_ok(), "{}", reply.body);
    let named = async || Some(announced(&node)).filter(|now| *now != nats);
    let now = until("run.json names the new nats-server", BACK_WITHIN, named).await;
    kill(Pid::from_raw(now), None).expect("it runs");
    let newest = desk.open_tickets("later", 3).await;
    desk.folded(newest).await;
    assert_eq!(desk.tickets().await.len(), 10 + 1 + 3);
    published::verified(&desk).await;
    assert!(node.stop().await.success());
}

/// The process of the nats-server, as the node tells it.
fn announced(node: &Serve) -> i32 {
    let run_file = std::fs::read(node.run_file()).expect("a ready node has one");
    let run: Value = serde_json::from_slice(&run_file).expect("it is JSON");
    run["nats_pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a process")
}
