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
