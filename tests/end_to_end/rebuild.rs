//! A read model rebuilt by a person at a prompt: while the desk works, and while it rests.

use std::process::Output;

use serde_json::json;

use crate::harness::{Serve, Settings, guichet};

const MODELS: [&str; 5] = ["ticket", "queues", "reports", "sla", "articles"];

fn rebuild(node: &Serve, model: &str) -> Output {
    let mut command = guichet();
    command
        .args(["project", "--rebuild", model, "--data-dir"])
        .arg(node.run_file().parent().expect("a folder"));
    command.output().expect("it runs")
}

/// Rebuilds a model and insists that nothing differs.
pub(crate) fn rebuilt(node: &Serve, model: &str) -> String {
    let output = rebuild(node, model);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{model}: {said}");
    assert!(said.contains("0 differ") && said.contains("took over"), "{model}: {said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_is_rebuilt_beside_the_live_one_and_on_a_stopped_folder() {
    let mut node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    desk.ready().await;
    let newest = desk.open_tickets("before", 40).await;
    desk.folded(newest).await;
    for model in MODELS {
        rebuilt(&node, model);
    }
    // The rebuilt ones go on.
    let newest = desk.open_tickets("behind", 10).await;
    desk.folded(newest).await;
    let board = desk.query("queues", json!({"min_position": newest, "wait_ms": 10_000})).await;
    assert_eq!(board["data"][0]["tickets"], json!(50), "{board}");
    let nothing = guichet().args(["heal", "T-1", "--nats-url", node.url()]).output().expect("it runs");
    let said = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert!(said.contains("no read model has set a ticket aside"), "{said}");

    assert!(node.stop().await.success());
    let alone: Vec<_> = MODELS.iter().map(|model| rebuilt(&node, model)).collect();
    // What does not change gives the same content again.
    assert_eq!(alone, MODELS.iter().map(|model| rebuilt(&node, model)).collect::<Vec<_>>());
    node.launch().await;
    let desk = node.desk().await;
    desk.ready().await;
    let board = desk.query("queues", json!({"min_position": newest, "wait_ms": 10_000})).await;
    assert_eq!(board["data"][0]["tickets"], json!(50), "{board}");
    assert!(node.stop().await.success());
}
