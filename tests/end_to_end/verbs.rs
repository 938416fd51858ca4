//! Verbs from the command line to the screen: what is sent is an event, the state of the ticket and a line of its history.

use std::process::Output;

use serde_json::{Value, json};

use crate::desk::{Desk, id, new_ticket};
use crate::harness::{Serve, Settings, guichet};

/// `guichet send`, as somebody types it.
pub(crate) fn send(node: &Serve, words: &[&str]) -> Output {
    let run = node.run_file();
    let data = run.parent().expect("a folder");
    guichet().arg("send").args(words).arg("--data-dir").arg(data).output().expect("it runs")
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) async fn ask(desk: &Desk, name: &str) -> Value {
    let question = json!({"number": "T-1", "min_position": desk.head().await, "wait_ms": 5000});
    desk.query(name, question).await["data"].clone()
}

pub(crate) async fn last_sentence(desk: &Desk) -> String {
    let timeline = ask(desk, "timeline").await;
    let last = timeline.as_array().and_then(|lines| lines.last()).expect("a line");
    last["sentence"].as_str().expect("a sentence").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_is_set_from_everywhere() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let created = desk.command("new", "create", id("verbs", 1), new_ticket(1)).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();
    assert!(
        ask(&desk, "ticket").await["allowed_verbs"].as_array().expect("a list").contains(&json!("set_type"))
    );

    let reply = desk.command(&ticket, "set_type", id("verbs", 2), json!({"type": "problem"})).await;
    assert_eq!(reply.body["events"][0]["type"], "TypeChanged", "{}", reply.body);
    assert_eq!(ask(&desk, "ticket").await["type"], "problem");
    let sentence = last_sentence(&desk).await;
    assert!(sentence.ends_with("changed the type from incident to problem"), "{sentence}");

    let sent = send(&node, &["set_type", "T-1", "--set", "type=question"]);
    assert!(sent.status.success() && said(&sent).contains("TypeChanged"), "{sent:?}");
    assert_eq!(ask(&desk, "ticket").await["type"], "question");
    let again = send(&node, &["set_type", "T-1", "--set", "type=question"]);
    assert!(again.status.success() && said(&again).contains("nothing to do"), "{again:?}");
    let wrong = send(&node, &["set_type", "T-1", "--set", "type=riddle"]);
    assert!(!wrong.status.success(), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_date_is_set_from_everywhere() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let created = desk.command("new", "create", id("verbs", 1), new_ticket(1)).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();

    let at = "2199-03-10T12:00:00.000Z";
    let data = json!({"at": at, "reason": "promised on the phone"});
    let reply = desk.command(&ticket, "set_due_date", id("verbs", 2), data).await;
    assert_eq!(reply.body["events"][0]["type"], "DueDateSet", "{}", reply.body);
    let view = ask(&desk, "ticket").await;
    assert_eq!((&view["due_at"], &view["next_due_at"]), (&json!(at), &json!(at)), "{view}");
    let board = json!({"order": "due", "min_position": desk.head().await, "wait_ms": 5000});
    assert_eq!(desk.query("queue", board).await["data"][0]["due_at"], at, "the board knows of it");
    let sentence = last_sentence(&desk).await;
    assert!(sentence.ends_with(&format!("set the due date to {at} (promised on the phone)")), "{sentence}");

    let sent = send(&node, &["set_due_date", "T-1", "--set", "reason=no hurry any more"]);
    assert!(sent.status.success() && said(&sent).contains("DueDateSet"), "{sent:?}");
    assert_eq!(ask(&desk, "ticket").await["due_at"], Value::Null);
    let again = send(&node, &["set_due_date", "T-1", "--set", "reason=still none"]);
    assert!(again.status.success() && said(&again).contains("nothing to do"), "{again:?}");
    let without = send(&node, &["set_due_date", "T-1", "--set", "at=2199-03-10T12:00:00.000Z"]);
    assert!(!without.status.success(), "it says no reason: {without:?}");
}

/// A closing note is answered by an out-of-office reply. Marked, it changes nothing; unmarked, it reopens the ticket as a
/// person does, but not for ever.
#[tokio::test(flavor = "multi_thread")]
async fn automatic_answers_do_not_reopen_a_ticket_for_ever() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let created = desk.command("new", "create", id("loops", 1), new_ticket(1)).await;
    let number = created.body["number"].as_str().expect("a number").to_owned();
    let resolve = || {
        let sent = send(
            &node,
            &["resolve", &number, "--set", "code=other", "--set", "summary=done", "--actor", "agent:a1"],
        );
        assert!(sent.status.success(), "{sent:?}");
    };
    let answer = |words: &[&str]| {
        let comment = ["add_comment", &number, "--set", "visibility=public", "--set", "body=away"];
        let sent = send(&node, &[&comment[..], words].concat());
        assert!(sent.status.success(), "{sent:?}");
        said(&sent)
    };
    resolve();
    for marked in [
        &["--actor", "bot:b1"][..],
        &["--actor", "service:mail"],
        &["--set", "no_reopen=true", "--actor", "requester:r-1"],
    ] {
        answer(marked);
        assert_eq!(ask(&desk, "ticket").await["state"], "resolved", "{marked:?}");
    }
    for _ in 0..3 {
        assert!(answer(&["--actor", "requester:r-1"]).contains("TicketReopened"));
        resolve();
    }
    assert!(answer(&["--actor", "requester:r-1"]).contains("ReopenHeld"));
    let ticket = ask(&desk, "ticket").await;
    assert_eq!((&ticket["state"], &ticket["reopen_count"]), (&json!("resolved"), &json!(3)), "{ticket}");
    let sentence = last_sentence(&desk).await;
    assert!(sentence.contains("requesters had reopened it 3 times within 1 d 0 h"), "{sentence}");
    let waiting = desk.query("tickets", json!({"reopen_held": true})).await;
    assert_eq!(waiting["data"][0]["number"], number.as_str(), "{waiting}");
    // Who asks for it is no program that answers.
    let asked = send(&node, &["reopen", &number, "--set", "reason=again", "--actor", "requester:r-1"]);
    assert!(asked.status.success(), "{asked:?}");
    assert_eq!(
        desk.query(
            "tickets",
            json!({"reopen_held": true, "min_position": desk.head().await, "wait_ms": 5000})
        )
        .await["data"],
        json!([])
    );
}

/// A ticket that came from another desk is found by the id that it had there, from everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_found_by_its_id_elsewhere() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    for (n, source) in [(1, "zammad"), (2, "old-desk")] {
        let mut ticket = new_ticket(n);
        ticket["external_ref"] = json!({"source": source, "id": "4711"});
        assert_eq!(desk.command("new", "create", id("elsewhere", n), ticket).await.body["ok"], true);
    }
    let head = desk.head().await;
    let about =
        json!({"external_id": "4711", "external_source": "old-desk", "min_position": head, "wait_ms": 5000});
    assert_eq!(desk.query("ticket", about).await["data"]["number"], "T-2");
    let run = node.run_file();
    let data = run.parent().expect("a folder");
    let tool = |words: &[&str]| guichet().args(words).arg("--data-dir").arg(data).output().expect("it runs");
    for words in [
        &["query", "ticket"][..],
        &["timeline"],
        &["explain-sla"],
        &["query", "sla_clocks"],
        &["query", "events"],
        &["query", "timeline"],
    ] {
        let named = [words, &["--external-ref", "4711", "--source", "zammad", "--json"]].concat();
        let found = tool(&named);
        assert!(found.status.success(), "{words:?}: {found:?}");
        let ambiguous = tool(&[words, &["--external-ref", "4711"]].concat());
        let complaint = String::from_utf8_lossy(&ambiguous.stderr).into_owned();
        assert_eq!(ambiguous.status.code(), Some(1), "{words:?}: {ambiguous:?}");
        assert!(
            complaint.contains("T-1 of \"zammad\"") && complaint.contains("T-2 of \"old-desk\""),
            "{complaint}"
        );
    }
    let listed = tool(&["query", "tickets", "--external-ref", "4711", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(2), "{listed}");
    assert_eq!(tool(&["timeline"]).status.code(), Some(2), "it names no ticket");
}

/// What is said to a closed ticket goes on in another one, which both the answer and the closed ticket name.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_closed_ticket_is_found_in_its_follow_up() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    desk.command("new", "create", id("followed", 1), new_ticket(1)).await;
    for words in [&["resolve", "T-1", "--set", "code=other", "--set", "summary=done"][..], &["close", "T-1"]]
    {
        let sent = send(&node, words);
        assert!(sent.status.success(), "{sent:?}");
    }
    let message =
        ["add_comment", "T-1", "--set", "visibility=public", "--set", "body=It is back.", "--actor"];
    let sent = send(&node, &[&message[..], &["requester:r-1"]].concat());
    assert!(sent.status.success() && said(&sent).contains("T-2"), "{sent:?}");
    let old = ask(&desk, "ticket").await;
    assert_eq!((&old["state"], &old["links"][0]["number"]), (&json!("closed"), &json!("T-2")), "{old}");
    assert!(last_sentence(&desk).await.ends_with("the message stands in its follow-up T-2"));
    let question = json!({"number": "T-2", "min_position": desk.head().await, "wait_ms": 5000});
    let new = desk.query("ticket", question.clone()).await["data"].clone();
    assert_eq!(
        (&new["links"][0]["kind"], &new["links"][0]["number"]),
        (&json!("follow_up"), &json!("T-1")),
        "{new}"
    );
    assert_eq!(
        (&new["subject"], &new["public_comments"]),
        (&old["subject"], &json!(1)),
        "its subject is readable"
    );

    let asked = send(
        &node,
        &["create_follow_up", "--set", &format!("of={}", old["ticket_id"].as_str().expect("an id"))],
    );
    assert!(asked.status.success() && said(&asked).contains("T-3"), "{asked:?}");
}

/// An agent proposes, the requester rejects and then confirms; nobody else can.
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_resolved_when_its_requester_says_so() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let created = desk.command("new", "create", id("confirmed", 1), new_ticket(1)).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();
    let requester = ask(&desk, "ticket").await["requester"].as_str().expect("somebody").to_owned();
    let requester = format!("requester:{requester}");
    let body = json!({"kind": "lifecycle", "body": {"resolve_requires_confirmation": true}});
    let published = send(&node, &["publish_config", "--data", &body.to_string()]);
    assert!(published.status.success(), "{published:?}");

    let assigned = desk.command(&ticket, "assign", id("confirmed", 2), json!({"assignee": "bob"})).await;
    assert!(assigned.body["ok"].as_bool().expect("a word"), "{}", assigned.body);
    let resolve = ["resolve", "T-1", "--set", "code=other", "--set", "summary=done"];
    assert!(!send(&node, &resolve).status.success(), "only the requester says so");
    let propose = ["propose_resolution", "T-1", "--set", "code=workaround", "--set", "summary=Restart it."];
    assert!(send(&node, &propose).status.success());
    let view = ask(&desk, "ticket").await;
    assert_eq!(view["proposal"]["summary"]["plain"].as_str(), Some("Restart it."), "{view}");
    let reject = ["reject_resolution", "T-1", "--set", "reason=It is back.", "--actor", &requester];
    assert!(send(&node, &reject).status.success());
    assert_eq!(ask(&desk, "ticket").await["proposal"], Value::Null);

    assert!(send(&node, &propose).status.success());
    assert!(!send(&node, &["confirm_resolution", "T-1", "--actor", "requester:somebody"]).status.success());
    let confirmed = send(&node, &["confirm_resolution", "T-1", "--actor", &requester]);
    assert!(confirmed.status.success() && said(&confirmed).contains("TicketResolved"), "{confirmed:?}");
    let view = ask(&desk, "ticket").await;
    assert_eq!(
        (&view["state"], &view["awaiting_confirmation"]),
        (&json!("resolved"), &json!(false)),
        "{view}"
    );
    assert_eq!(view["resolution"]["summary"]["plain"].as_str(), Some("Restart it."), "{view}");
    assert!(last_sentence(&desk).await.contains("resolved the ticket"), "in words");
}
