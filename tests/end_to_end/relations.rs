//! Tickets that become one, from the command line to the screen.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::desk::{Desk, id, new_ticket};
use crate::harness::{Process, Serve, Settings, guichet, project, python, until};
use crate::python::REQUIREMENT;
use crate::verbs::{said, send};

const STORY_WITHIN: Duration = Duration::from_secs(180);
/// Rows that say where a comment stands follow its record: until then a merge is answered `busy`.
const MERGED_WITHIN: Duration = Duration::from_secs(20);

/// Tickets of one requester, each with a message.
async fn tickets(desk: &Desk, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for n in 0..count {
        let mut ticket = new_ticket(n);
        ticket["requester"]["id"] = "customer-1".into();
        let created = desk.command("new", "create", id("merge", n), ticket).await;
        let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();
        let comment = json!({"visibility": "internal", "body": format!("note {n}")});
        desk.command(&ticket, "add_comment", id("merge note", n), comment).await;
        all.push(ticket);
    }
    all
}

async fn merge(desk: &Desk, n: usize, into: &str, source: &str) -> Value {
    let data = json!({"sources": [source]});
    until("the comments are on disk", MERGED_WITHIN, async || {
        let reply = desk.try_command(into, "merge", id("merges", n), data.clone()).await?;
        assert!(reply.is_ok() || reply.body["error"]["code"] == "busy", "{}", reply.body);
        reply.is_ok().then_some(reply.body)
    })
    .await
}

/// `guichet timeline`, with single spaces.
fn timeline(node: &Serve, ticket: &str) -> String {
    let run = node.run_file();
    let data = run.parent().expect("a folder");
    let shown = guichet().args(["timeline", ticket, "--data-dir"]).arg(data).output().expect("it runs");
    assert!(shown.status.success(), "{shown:?}");
    said(&shown).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_went_into_another_says_so_everywhere() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let tickets = tickets(&desk, 3).await;
    merge(&desk, 1, &tickets[1], &tickets[2]).await;
    let reply = merge(&desk, 2, &tickets[0], &tickets[1]).await;
    assert_eq!(reply["number"], "T-1", "{reply}");
    let head = desk.head().await;
    let ask = |name: &'static str| {
        let question = json!({"number": "T-3", "min_position": head, "wait_ms": 5000});
        let desk = desk.clone();
        async move { desk.query(name, question).await }
    };
    let view = ask("ticket").await;
    let numbers: Vec<_> = view["data"]["merged_into"].as_array().expect("a chain").iter().collect();
    assert_eq!((&numbers[0]["number"], &numbers[1]["number"]), (&json!("T-2"), &json!("T-1")), "{view}");
    assert_eq!(view["data"]["state"], "closed");
    let running = view["data"]["sla_clocks"].as_array().expect("clocks");
    assert!(running.iter().all(|clock| clock["due_at"] == Value::Null), "{view}");

    let refused = send(&node, &["assign", "T-3", "--set", "assignee=bob"]);
    let complaint = format!("{}{}", said(&refused), String::from_utf8_lossy(&refused.stderr));
    assert!(complaint.contains("T-3 went into T-2 by a merge"), "{complaint}");
    let message = ["add_comment", "T-3", "--set", "visibility=public", "--set", "body=Hello?"];
    let sent = send(&node, &[&message[..], &["--actor", "requester:customer-1"]].concat());
    assert!(sent.status.success() && said(&sent).contains("T-1"), "{sent:?}");

    let shown = timeline(&node, "T-3");
    assert!(shown.contains("Merged into T-2, T-1"), "{shown}");
    let shown = timeline(&node, "T-1");
    for part in ["note 1", "note 2", "Hello?", "Merged here T-2"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let volume = json!({"period": "month", "min_position": desk.head().await, "wait_ms": 5000});
    let rows = desk.query("report_volume", volume).await["data"].clone();
    let row = rows.as_array().and_then(|rows| rows.last()).expect("a month").clone();
    assert_eq!(row["created_net"], 1, "what went into another ticket is not counted twice: {row}");
}

#[tokio::test]
async fn tickets_that_have_to_do_with_each_other_as_an_outside_team_sees_them() {
    let Some(python) = python(&[REQUIREMENT]) else { return };
    let node = Serve::start(Settings::default()).await;
    for what in ["merge", "split", "problem"] {
        story(&python, what, &node).await;
    }
}

async fn story(python: &Path, what: &str, node: &Serve) {
    let mut command = Command::new(python);
    command.arg(project("tests/end_to_end/python/relations.py"));
    // No compiled files in the source tree.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.args([what, node.url()]);
    let mut story = Process::spawn("story", command, node.dir());
    let status = story.exit(STORY_WITHIN).await;
    let said = story.said();
    assert!(status.success(), "story {what}: {status}\n{said}");
    assert!(said.contains(&format!("done: {what}")), "{said}");
}
