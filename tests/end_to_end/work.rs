//! Satisfaction, claims and work, from the command line to the read models: what is sent is an event, the state of the
//! ticket, a line of its history and a figure of a report.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{Desk, id, new_ticket};
use crate::harness::{Serve, Settings};
use crate::verbs::{ask, last_sentence, said, send};

/// A ticket, T-1, and its requester.
async fn ticket(desk: &Desk) -> (String, String) {
    let ticket = new_ticket(1);
    let requester = ticket["requester"]["id"].as_str().expect("a requester").to_owned();
    let created = desk.command("new", "create", id("work", 1), ticket).await;
    (created.body["ticket_id"].as_str().expect("a ticket").to_owned(), requester)
}

async fn report(desk: &Desk, name: &str) -> Value {
    let question = json!({"period": "month", "min_position": desk.head().await, "wait_ms": 5000});
    let answer = desk.query(name, question).await;
    answer["data"].as_array().and_then(|rows| rows.last()).cloned().unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requester_is_asked_and_rates_also_after_the_ticket_is_closed() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let (ticket, requester) = ticket(&desk).await;
    desk.command(&ticket, "resolve", id("work", 2), json!({"code": "other", "summary": "done"})).await;
    let asked = desk.command(&ticket, "request_survey", id("work", 3), json!({"kind": "csat"})).await;
    assert_eq!(asked.body["events"][0]["type"], "SurveyRequested", "{}", asked.body);
    let token = format!("token={}", Uuid::new_v5(&id("work", 3), b"survey"));
    let actor = format!("requester:{requester}");
    let rate = |score: &str, actor: &str| {
        let scale = ["rate", "T-1", "--set", "scale=one_to_five", "--set"];
        send(&node, &[&scale[..], &[score, "--set", &token, "--actor", actor]].concat())
    };
    let bad = rate("score=2", &actor);
    assert!(bad.status.success() && said(&bad).contains("TicketRated"), "{bad:?}");
    assert!(send(&node, &["close", "T-1", "--actor", "supervisor:sue"]).status.success());
    assert!(rate("score=5", &actor).status.success(), "they thought it over");
    let own = rate("score=5", "agent:alice");
    assert_eq!(own.status.code(), Some(1), "nobody rates themselves: {own:?}");

    let view = ask(&desk, "ticket").await;
    let rating = &view["rating"];
    assert_eq!((&rating["score"], &rating["ratings"]), (&json!(5), &json!(2)), "{view}");
    assert_eq!(rating["credited_agent"], "alice");
    let sentence = last_sentence(&desk).await;
    assert!(sentence.ends_with("rated the ticket, resolved by alice: 5 of 5"), "{sentence}");
    let row = report(&desk, "report_csat").await;
    assert_eq!((&row["csat"]["numerator"], &row["csat"]["denominator"]), (&json!(1), &json!(1)), "{row}");
    assert_eq!((&row["ratings"], &row["response_rate"]["value"]), (&json!(2), &json!(1.0)), "{row}");
    assert_eq!(row["nps"], Value::Null, "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_collide_and_the_second_is_told_who_holds_it() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    ticket(&desk).await;
    let claim = |agent: &str, more: &[&str]| {
        let words = ["claim", "T-1", "--set", "ttl_s=3600", "--actor", agent];
        send(&node, &[&words[..], more].concat())
    };
    let first = claim("agent:ann", &[]);
    assert!(first.status.success() && said(&first).contains("TicketClaimed"), "{first:?}");
    let second = claim("agent:bob", &[]);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let complaint = format!("{}{}", said(&second), String::from_utf8_lossy(&second.stderr));
    assert!(complaint.contains("claimed by ann until"), "{complaint}");

    let view = ask(&desk, "ticket").await;
    assert_eq!((&view["claimed"], &view["claimed_by"]), (&json!(true), &json!("ann")), "{view}");
    let board = json!({"min_position": desk.head().await, "wait_ms": 5000});
    let entry = desk.query("queue", board.clone()).await["data"][0].clone();
    assert_eq!((&entry["claimed"], &entry["claimed_by"]), (&json!(true), &json!("ann")), "{entry}");
    // The refusal names the holder for programs, too.
    let refused = desk.query("ticket", json!({"number": "T-1"})).await;
    assert_eq!(refused["data"]["claimed_until"], entry["claimed_until"]);

    let taken = claim("supervisor:sue", &["--set", "force=true"]);
    assert!(taken.status.success() && said(&taken).contains("ClaimReleased"), "{taken:?}");
    assert!(last_sentence(&desk).await.starts_with("sue claimed the ticket until "));
    assert!(send(&node, &["release_claim", "T-1", "--actor", "supervisor:sue"]).status.success());
    let view = ask(&desk, "ticket").await;
    assert_eq!((&view["claimed"], &view["claimed_by"]), (&json!(false), &Value::Null), "{view}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_waits_for_its_task_and_its_approval_and_time_is_logged() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let (ticket, _) = ticket(&desk).await;
    let task = desk
        .command(&ticket, "add_task", id("work", 2), json!({"title": "Order a drum", "blocks_resolve": true}))
        .await;
    assert_eq!(task.body["events"][0]["type"], "TaskAdded", "{}", task.body);
    let approval = json!({"approvers": ["sue"], "quorum": 1});
    desk.command(&ticket, "request_approval", id("work", 3), approval).await;
    let resolve = || send(&node, &["resolve", "T-1", "--set", "code=other", "--set", "summary=done"]);
    let blocked = resolve();
    let complaint = format!("{}{}", said(&blocked), String::from_utf8_lossy(&blocked.stderr));
    assert!(
        !blocked.status.success() && complaint.contains("open tasks that block resolving (1)"),
        "{complaint}"
    );
    let task = format!("task_id={}", Uuid::new_v5(&id("work", 2), b"task"));
    assert!(send(&node, &["complete_task", "T-1", "--set", &task]).status.success());
    assert!(!resolve().status.success(), "sue has not agreed");
    let approval = format!("approval_id={}", Uuid::new_v5(&id("work", 3), b"approval"));
    let decide = ["decide_approval", "T-1", "--set", &approval, "--set", "verdict=approved", "--actor"];
    let stranger = send(&node, &[&decide[..], &["agent:bob"]].concat());
    assert!(!stranger.status.success(), "nobody asked bob: {stranger:?}");
    assert!(send(&node, &[&decide[..], &["supervisor:sue"]].concat()).status.success());
    for words in [
        &["log_time", "T-1", "--set", "seconds=1200"][..],
        &["use_article", "T-1", "--set", "article=kb-17", "--set", "version=3"],
        &["set_participants", "T-1", "--set", "add[]=r-9"],
        &["switch_channel", "T-1", "--set", "to=phone"],
        &["schedule_follow_up", "T-1", "--set", "at=2199-03-10T12:00:00.000Z"],
    ] {
        let sent = send(&node, &[words, &["--actor", "agent:ann"]].concat());
        assert!(sent.status.success(), "{words:?}: {sent:?}");
    }
    let call = json!({"direction": "inbound", "started_at": "2026-01-01T00:00:00.000Z", "duration_s": 240,
        "outcome": "answered", "note": "They call back."});
    let called = desk.command(&ticket, "log_call", id("work", 4), call).await;
    assert_eq!(called.body["events"][1]["type"], "CallLogged", "{}", called.body);
    assert!(resolve().status.success());
    let followed = send(&node, &["record_follow_up", "T-1", "--set", "effective=false"]);
    assert!(followed.status.success(), "{followed:?}");

    let view = ask(&desk, "ticket").await;
    assert_eq!(
        (&view["tasks"][0]["state"], &view["handled_s"]),
        (&json!("completed"), &json!(1_440)),
        "{view}"
    );
    assert_eq!((&view["approvals"][0]["outcome"], &view["channel"]), (&json!("approved"), &json!("phone")));
    assert_eq!((&view["participants"], &view["calls"]), (&json!(["r-9"]), &json!(1)), "{view}");
    assert_eq!((&view["follow_up_at"], &view["follow_up_effective"]), (&Value::Null, &json!(false)));
    let sentence = last_sentence(&desk).await;
    assert!(sentence.ends_with("saw that the solution did not hold"), "{sentence}");
    let row = report(&desk, "report_knowledge").await;
    assert_eq!(row["knowledge_reuse"]["value"], 1.0, "{row}");
    let row = report(&desk, "report_funnel").await;
    assert_eq!((&row["created"], &row["to_resolved"]["n"]), (&json!(1), &json!(1)), "{row}");
    let load = json!({"period": "month", "min_position": desk.head().await, "wait_ms": 5000});
    let load = desk.query("report_agent_load", load).await;
    let rows = load["data"].as_array().expect("rows");
    let ann = rows.iter().rev().find(|row| row["agent"] == "ann").unwrap_or_else(|| panic!("{load}"));
    assert_eq!(ann["handled_s"], 1_200, "{ann}");
}
