//! What is taken back, and what waits for approval, from the command line to every place that shows a history.

use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{Desk, id, new_ticket};
use crate::harness::{Serve, Settings, guichet, until};
use crate::verbs::{ask, last_sentence, said, send};

const SECRET: &str = "4929 1234";

fn tool(node: &Serve, words: &[&str]) -> Output {
    let run = node.run_file();
    let data = run.parent().expect("a folder");
    guichet().args(words).arg("--data-dir").arg(data).output().expect("the tool runs")
}

/// Ticket T-1 of a requester.
async fn ticket(desk: &Desk) -> String {
    let created = desk.command("new", "create", id("moderation", 1), new_ticket(1)).await;
    created.body["ticket_id"].as_str().expect("a ticket").to_owned()
}

/// Sends a verb about T-1; gives what the tool said.
fn sent(node: &Serve, actor: &str, words: &[&str]) -> String {
    let output = send(node, &[&[words[0], "T-1", "--actor", actor], &words[1..]].concat());
    assert!(output.status.success(), "{words:?}: {output:?}");
    said(&output)
}

/// What a refused verb is told.
fn refused(node: &Serve, actor: &str, words: &[&str]) -> String {
    let output = send(node, &[&[words[0], "T-1", "--actor", actor], &words[1..]].concat());
    assert_eq!(output.status.code(), Some(1), "{words:?}: {output:?}");
    format!("{}{}", said(&output), String::from_utf8_lossy(&output.stderr))
}

/// The data of the newest event of a type.
async fn newest(desk: &Desk, name: &str) -> Value {
    let timeline = ask(desk, "timeline").await;
    let lines = timeline.as_array().expect("a list");
    let last = lines.iter().rev().find(|line| line["type"] == name).unwrap_or_else(|| panic!("{timeline}"));
    last["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_text_is_shown_nowhere_but_to_whoever_says_what_for() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    ticket(&desk).await;
    let body = format!("body=My card is {SECRET}, and it is blocked.");
    sent(&node, "requester:r-1", &["add_comment", "--set", "visibility=public", "--set", &body]);
    let comment = newest(&desk, "CommentAdded").await["comment_id"].as_str().expect("an id").to_owned();
    let before = desk.head().await;
    let of = format!("comment_id={comment}");
    let data = json!({
        "comment_id": comment, "spans": [{"from": 11, "length": 9}], "reason": "a card number",
    });
    let view = ask(&desk, "ticket").await;
    let ticket = view["ticket_id"].as_str().expect("an id").to_owned();
    let redacted = desk.command(&ticket, "redact_comment", id("moderation", 2), data).await;
    assert_eq!(redacted.body["events"][0]["type"], "CommentRedacted", "{}", redacted.body);

    let head = desk.head().await;
    desk.folded(head).await;
    let shown = "My card is [redacted], and it is blocked.";
    assert_eq!(newest(&desk, "CommentAdded").await["body"]["plain"], shown);
    let then = json!({"number": "T-1", "as_of_position": before});
    let events = json!({"ticket_id": ticket, "min_position": head});
    for (name, question) in [("timeline", then), ("events", events)] {
        let answer = desk.query(name, question).await.to_string();
        assert!(answer.contains(shown) && !answer.contains(SECRET), "{name}: {answer}");
    }
    for words in [
        &["timeline", "T-1"][..],
        &["tail", "--from", "start", "--no-follow"],
        &["query", "events", "--json"],
    ] {
        let told = said(&tool(&node, words));
        assert!(told.contains("CommentRedacted") || told.contains("redacted a part"), "{words:?}: {told}");
        assert!(told.contains("[redacted]") && !told.contains(SECRET), "{words:?}: {told}");
    }
    assert_eq!(ask(&desk, "ticket").await["redacted_comments"], json!([comment]));
    // The original is in the log, for whoever says what for, and is recorded.
    let reveal = ["export", "-", "--format", "ndjson", "--reveal", "--purpose", "request 2026-7"];
    let revealed = until("what was said is signed", Duration::from_secs(60), async || {
        let output = tool(&node, &reveal);
        said(&output).contains(SECRET).then_some(output)
    })
    .await;
    assert!(revealed.status.success(), "{revealed:?}");

    // What was hidden in part is hidden whole, and is no longer public.
    let reason = ["--set", "reason=she asked for it"];
    sent(&node, "agent:alice", &[&["redact_comment", "--set", &of][..], &reason].concat());
    sent(&node, "agent:alice", &[&["make_comment_private", "--set", &of][..], &reason].concat());
    assert_eq!(newest(&desk, "CommentAdded").await["body"]["plain"], "[redacted]");
    let view = ask(&desk, "ticket").await;
    assert_eq!((&view["public_comments"], &view["internal_comments"]), (&json!(0), &json!(1)), "{view}");
    assert_eq!(view["private_comments"], json!([comment]));
    let sentence = last_sentence(&desk).await;
    assert_eq!(sentence, "alice made a public comment private (she asked for it)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainee_answers_once_their_mentor_agrees() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let agents = json!({"agents": [
        {"id": "tina", "groups": [], "trainee": true, "mentor": "bob"}, {"id": "bob", "groups": []},
        {"id": "alice", "groups": []},
    ]});
    let publish = json!({
        "command_id": id("moderation", 10), "actor": {"kind": "agent", "id": "alice"},
        "data": {"kind": "agents", "body": agents},
    });
    let subject = "guichet.v1.cmd.default.cli.config.publish_config".to_owned();
    let published = desk.request(subject, &publish).await.expect("an answer");
    assert!(published.is_ok(), "{}", published.body);
    let ticket = ticket(&desk).await;

    let says = |n: usize, body: &str| {
        json!({
            "command_id": id("moderation", n), "actor": {"kind": "agent", "id": "tina"},
            "data": {"visibility": "public", "body": body},
        })
    };
    let to = format!("guichet.v1.cmd.default.outside.{ticket}.add_comment");
    let drafted = desk.request(to.clone(), &says(11, "Trun it off.")).await.expect("an answer").body;
    assert_eq!(drafted["events"][0]["type"], "ReplyDrafted", "{drafted}");
    assert_eq!(drafted["warnings"][0]["code"], "drafted", "{drafted}");
    let again = desk.request(to.clone(), &says(11, "Trun it off.")).await.expect("an answer").body;
    assert_eq!((&again["replayed"], &again["warnings"]), (&json!(true), &drafted["warnings"]), "{again}");
    let draft = Uuid::new_v5(&id("moderation", 11), b"comment").to_string();
    let view = ask(&desk, "ticket").await;
    assert_eq!(
        (&view["drafts"][0]["draft_id"], &view["drafts"][0]["author"]),
        (&json!(draft), &json!("tina"))
    );
    assert_eq!((&view["state"], &view["public_comments"]), (&json!("new"), &json!(0)), "{view}");

    let of = format!("draft_id={draft}");
    let approve = ["approve_reply", "--set", &of, "--set", "edits=Turn it off."];
    let complaint = refused(&node, "agent:alice", &approve);
    assert!(complaint.contains("their mentor bob or a supervisor may"), "{complaint}");
    sent(&node, "agent:bob", &approve);
    let view = ask(&desk, "ticket").await;
    assert_eq!((&view["state"], &view["public_comments"]), (&json!("open"), &json!(1)), "{view}");
    assert_eq!(view["drafts"], json!([]), "{view}");
    let comment = newest(&desk, "CommentAdded").await;
    assert_eq!((&comment["author"], &comment["body"]["plain"]), (&json!("tina"), &json!("Turn it off.")));
    let timeline = ask(&desk, "timeline").await.to_string();
    assert!(timeline.contains("bob let a reply by tina go out: “Turn it off.”"), "{timeline}");

    desk.request(to, &says(12, "Buy another one.")).await.expect("an answer");
    let of = format!("draft_id={}", Uuid::new_v5(&id("moderation", 12), b"comment"));
    sent(&node, "supervisor:sue", &["reject_reply", "--set", &of, "--set", "reason=it is new"]);
    assert_eq!(last_sentence(&desk).await, "sue rejected a drafted reply (it is new)");
    let event = desk.query("events", json!({"ticket_id": ticket, "type": "ReplyDrafted"})).await;
    let event = event["data"][0]["event_id"].as_str().unwrap_or_else(|| panic!("{event}")).to_owned();
    let review = format!("event_id={event}");
    sent(
        &node,
        "agent:bob",
        &["review_decision", "--set", &review, "--set", "verdict=rejected", "--set", "note=Ask first."],
    );
    assert_eq!(last_sentence(&desk).await, "bob disagreed with what tina did: “Ask first.”");
}
