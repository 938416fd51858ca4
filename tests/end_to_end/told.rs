//! A history that explains itself: which event made a ticket what it is, what changed in between, what a version of the
//! configuration did, and whether a read model is what a replay gives.

use std::path::Path;

use serde_json::{Value, json};

use crate::desk::{Reply, id, new_ticket};
use crate::harness::{Serve, Settings, guichet};

/// Runs a command on a data folder; its exit code and what it printed as JSON.
fn told(data: &Path, words: &[&str]) -> (Option<i32>, Value) {
    let mut command = guichet();
    command.args(words).arg("--json").arg("--data-dir").arg(data);
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    // A refusal prints nothing there.
    (output.status.code(), serde_json::from_str(&said).unwrap_or_default())
}

fn compared(data: &Path, model: &str) -> (Option<i32>, String) {
    let mut command = guichet();
    let output = command.args(["compare", model, "--data-dir"]).arg(data).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn policies(seconds: u64) -> Value {
    json!({"policies": [{"id": "all", "targets": [
        {"metric": "resolution", "seconds": seconds, "hours": "calendar"}
    ]}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_explains_what_it_is() {
    let mut serve = Serve::start(Settings::default()).await;
    let data = serve.dir().join("data");
    let desk = serve.desk().await;
    let publish = async |n: usize, seconds: u64| {
        let command = json!({
            "command_id": id("publish", n), "actor": {"kind": "admin", "id": "ana"},
            "data": {"kind": "sla_policies", "body": policies(seconds)},
        });
        let subject = "guichet.v1.cmd.default.cli.config.publish_config".to_owned();
        let reply = desk.request(subject, &command).await.expect("an answer");
        assert!(reply.is_ok(), "{}", reply.body);
    };
    publish(1, 86_400).await;
    let mut ticket = new_ticket(1);
    ticket["origin"] = "requester".into();
    let made = desk.command("new", "create", id("told", 1), ticket).await;
    let created = made.position();
    let ticket = made.body["ticket_id"].as_str().expect("an id").to_owned();
    let assigned =
        desk.command(&ticket, "assign", id("told", 2), json!({"assignee": "bob", "group": "network"})).await;
    publish(2, 3_600).await;
    let again = desk.command(&ticket, "assign", id("told", 3), json!({"assignee": "eve"})).await;
    desk.folded(again.position()).await;
    // What is explained is what is signed.
    crate::harness::until("the newest event is signed", std::time::Duration::from_secs(30), async || {
        let (code, _) = told(&data, &["explain", "T-1", "--as-of", &again.position().to_string()]);
        (code == Some(0)).then_some(())
    })
    .await;

    let (code, explained) = told(&data, &["explain", "T-1", "--field", "assignee", "--all"]);
    assert_eq!(code, Some(0));
    let changes = explained["fields"][0]["changes"].as_array().expect("a list");
    let seen: Vec<_> = changes
        .iter()
        .map(|change| {
            (change["position"].as_u64(), &change["before"]["assignee"], &change["after"]["assignee"])
        })
        .collect();
    // The state follows in an event of its own.
    let first = |reply: &Reply| reply.body["events"][0]["position"].as_u64();
    let (bob, eve) = (json!("bob"), json!("eve"));
    assert_eq!(seen, [(first(&assigned), &Value::Null, &bob), (first(&again), &bob, &eve)], "{explained}");
    assert_eq!(changes[1]["command_id"], json!(id("told", 3).to_string()), "{explained}");
    let (_, due) = told(&data, &["explain", "T-1", "--field", "due"]);
    let cause = &due["fields"][0]["changes"][0];
    assert_eq!(
        (&cause["cause"], &cause["type"]),
        (&json!("configuration"), &json!("ConfigPublished")),
        "{due}"
    );

    let from = created.to_string();
    let (code, differs) = told(&data, &["diff", "--at", &from]);
    assert_eq!(code, Some(0));
    let fields: Vec<_> = differs["changed"][0]["changes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| change["field"].as_str().expect("text"))
        .collect();
    assert_eq!(fields, ["status", "group", "assignee"], "{differs}");

    let (code, blame) = told(&data, &["blame-config", "sla_policies"]);
    assert_eq!(code, Some(0));
    let versions = blame["versions"].as_array().expect("a list");
    assert_eq!(versions.len(), 2, "{blame}");
    let events = |reply: &Reply| reply.body["events"].as_array().expect("a list").len();
    let under = [events(&made) + events(&assigned), events(&again)];
    for (version, (decisions, earlier)) in versions.iter().zip(under.into_iter().zip([0, 1])) {
        assert_eq!(version["decisions"], json!(decisions), "{blame}");
        assert_eq!(version["due"]["earlier"], json!(earlier), "{blame}");
    }
    assert_eq!(told(&data, &["explain", "T-7"]).0, Some(1));

    for model in ["ticket", "queues", "sla", "reports"] {
        let (code, said) = compared(&data, model);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("0 differ"), "{said}");
    }
    assert!(serve.stop().await.success());
    let (_, stopped) = told(&data, &["explain", "T-1", "--field", "assignee", "--all"]);
    assert_eq!(stopped["fields"], explained["fields"]);
    let (code, said) = compared(&data, "sla");
    assert_eq!(code, Some(0), "{said}");
}
