//! The queries as another team would ask them: JSON over NATS, and protobuf.

use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use guichet_projections::{Running, model};
use guichet_schemas::event::TicketCreated;
use guichet_schemas::event::{Event, LifeCycle, TicketEvent};
use guichet_schemas::wire;
use guichet_schemas::words::{TicketState, Visibility};
use prost::Message as _;
use serde_json::{Value, json};

use crate::history::{
    self, History, assigned, closed, comment, escalated, reopened, resolved, status, ticket_id,
};
use crate::rig::{NOW, Rig, halts, is_live, reaches};

/// A desk with this history, folded.
pub(crate) async fn desk(history: &History) -> Option<(Rig, Running)> {
    let rig = Rig::with(history).await?;
    let running = rig.start().await;
    reaches(&running, history.head()).await;
    is_live(&running).await;
    Some((rig, running))
}

/// Three tickets; the second has a life: positions 3 and 5 to 11.
fn story() -> History {
    let mut history = History::new();
    let due = Some(guichet_schemas::time::Timestamp(NOW + 1_000));
    history.push(
        ticket_id(1),
        "alice",
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(TicketCreated {
            category: Some("network".to_owned()),
            due_at: due,
            ..history::created(1)
        }))),
    );
    history.open(2);
    history.push(
        ticket_id(3),
        "alice",
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(TicketCreated {
            requester: "zoe".to_owned(),
            ..history::created(3)
        }))),
    );
    for event in [
        assigned("bob", Some("network")),
        status(TicketState::New, TicketState::Open),
        escalated(1, 2),
        comment(Visibility::Public, "On my way."),
        resolved(1),
        reopened(1),
        closed(),
    ] {
        history.push(ticket_id(2), "bob", event);
    }
    history
}

pub(crate) async fn ask(rig: &Rig, name: &str, body: Value) -> Value {
    let (headers, body) =
        send(rig, &format!("guichet.v1.query.default.portal.{name}"), None, body.to_string().into()).await;
    let reply: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(headers.get("Content-Type").unwrap().as_str(), "application/json");
    if reply["ok"] == json!(false) {
        assert_eq!(
            headers.get("Nats-Service-Error").unwrap().as_str(),
            reply["error"]["code"].as_str().unwrap()
        );
        assert!(headers.get("Nats-Service-Error-Code").unwrap().as_str().parse::<u16>().unwrap() >= 400);
    } else {
        assert!(headers.get("Nats-Service-Error").is_none());
    }
    reply
}

async fn send(
    rig: &Rig,
    subject: &str,
    content_type: Option<&str>,
    body: bytes::Bytes,
) -> (HeaderMap, bytes::Bytes) {
    let mut headers = HeaderMap::new();
    headers.insert("X-Test", "1");
    if let Some(content_type) = content_type {
        headers.insert("Content-Type", content_type);
    }
    let reply = rig.client.request_with_headers(subject.to_owned(), headers, body).await.unwrap();
    (reply.headers.unwrap(), reply.payload)
}

/// The code and the field of a refusal.
async fn refused(rig: &Rig, name: &str, body: Value) -> (String, Option<String>) {
    let reply = ask(rig, name, body).await;
    assert_eq!(reply["ok"], json!(false), "{reply}");
    (reply["error"]["code"].as_str().unwrap().to_owned(), reply["error"]["field"].as_str().map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_answered_by_number_and_by_id() {
    let Some((rig, running)) = desk(&story()).await else { return };
    let reply = ask(&rig, "ticket", json!({"number": "T-2"})).await;
    assert_eq!((&reply["ok"], &reply["as_of_position"]), (&json!(true), &json!(11)));
    assert_eq!(reply["as_of_time"], json!(guichet_schemas::time::Timestamp(NOW).to_string()));
    let ticket = &reply["data"];
    for (field, value) in [
        ("number", json!("T-2")),
        ("ticket_id", json!(ticket_id(2).to_string())),
        ("version", json!(8)),
        ("state", json!("closed")),
        ("assignee", json!("bob")),
        ("group", json!("network")),
        ("max_tier", json!(2)),
        ("escalations", json!(1)),
        ("group_changes", json!(1)),
        ("agent_changes", json!(1)),
        ("reopen_count", json!(1)),
        (
            "allowed_verbs",
            json!([
                "create_follow_up",
                "change_tags",
                "link",
                "unlink",
                "rate",
                "link_external",
                "link_asset",
                "make_comment_private",
                "redact_comment",
                "report_scan",
                "redact_attachment"
            ]),
        ),
        ("age_ms", json!(86_400_000 - 3_000)),
        ("time_in_state_ms", json!(86_400_000 - 11_000)),
    ] {
        assert_eq!(ticket[field], value, "{field}");
    }
    assert_eq!(ask(&rig, "ticket", json!({"ticket_id": ticket_id(2).to_string()})).await["data"], *ticket);
    assert_eq!(
        ask(&rig, "ticket", json!({"number": "T-1"})).await["data"]["next_due_at"],
        json!(guichet_schemas::time::Timestamp(NOW + 1_000).to_string())
    );
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_answered_as_the_desk_knew_it() {
    let history = story();
    let Some((rig, running)) = desk(&history).await else { return };
    let at = |position: usize| history.entries[position - 1].record.occurred_at.to_string();
    let reply = ask(&rig, "ticket", json!({"number": "T-2", "as_of_position": 9})).await;
    assert_eq!(
        (&reply["data"]["state"], &reply["as_of_position"], &reply["as_of_time"]),
        (&json!("resolved"), &json!(9), &json!(at(9)))
    );
    // An instant looks at what had occurred before it.
    let reply = ask(&rig, "ticket", json!({"number": "T-2", "as_of": at(9)})).await;
    assert_eq!(
        (&reply["data"]["state"], &reply["as_of"], &reply["as_of_position"]),
        (&json!("open"), &json!(at(9)), &json!(11))
    );
    assert_eq!(reply["data"]["age_ms"], json!(6_000));
    let reply = ask(&rig, "timeline", json!({"number": "T-2", "as_of": at(7)})).await;
    assert_eq!(reply["data"].as_array().unwrap().len(), 3);
    // Beyond what is known there is only what is known.
    assert_eq!(
        ask(&rig, "ticket", json!({"number": "T-2", "as_of_position": 5_000})).await["as_of_position"],
        json!(11)
    );
    assert_eq!(refused(&rig, "ticket", json!({"number": "T-2", "as_of_position": 2})).await.0, "not_found");
    assert_eq!(refused(&rig, "timeline", json!({"number": "T-2", "as_of": at(3)})).await.0, "not_found");
    assert_eq!(refused(&rig, "tickets", json!({"as_of_position": 2})).await.0, "unsupported");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_tells_the_story_page_by_page() {
    let history = story();
    let Some((rig, running)) = desk(&history).await else { return };
    let whole = ask(&rig, "timeline", json!({"number": "T-2"})).await;
    let entries = whole["data"].as_array().unwrap();
    assert_eq!(entries.len(), 8);
    assert_eq!(whole.get("next_cursor"), None);
    assert_eq!(entries[1]["sentence"], json!("bob took the ticket in group network (on call)"));
    assert_eq!(
        (&entries[1]["position"], &entries[1]["version"], &entries[1]["type"]),
        (&json!(5), &json!(2), &json!("TicketAssigned"))
    );
    assert_eq!(entries[1]["hash"], json!(history.entries[4].hash.to_string()));
    assert_eq!(entries[1]["data"]["to"], json!("bob"));
    assert_eq!(
        pages(&rig, "timeline", json!({"number": "T-2", "limit": 3})).await,
        [&entries[..3], &entries[3..6], &entries[6..]]
    );
    let mut down = entries.clone();
    down.reverse();
    let newest_first = json!({"number": "T-2", "newest_first": true, "limit": 3});
    assert_eq!(pages(&rig, "timeline", newest_first).await, [&down[..3], &down[3..6], &down[6..]]);
    for (question, expected) in [
        (json!({"before": 4}), &entries[..3]),
        (json!({"before": 4, "newest_first": true}), &down[5..]),
        (json!({"before": 1_000, "newest_first": true, "limit": 2}), &down[..2]),
        (json!({"before": 1, "newest_first": true}), &down[8..]),
        (json!({"newest_first": true, "as_of_position": 6}), &down[5..]),
    ] {
        let mut asked = question.clone();
        asked["number"] = json!("T-2");
        assert_eq!(ask(&rig, "timeline", asked).await["data"].as_array().unwrap(), expected, "{question}");
    }
    let down_from_up = json!({"number": "T-2", "newest_first": true, "cursor": "v3"});
    assert_eq!(refused(&rig, "timeline", down_from_up).await.0, "validation_failed");
    assert_eq!(refused(&rig, "timeline", json!({"number": "T-2", "before": 0})).await.0, "validation_failed");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_come_newest_first_and_by_filter() {
    let Some((rig, running)) = desk(&story()).await else { return };
    let created =
        |n: u64| guichet_schemas::time::Timestamp(history::START + 1_000 * (n as i64 + 1)).to_string();
    for (filter, expected) in [
        (json!({}), vec!["T-3", "T-2", "T-1"]),
        (json!({"status": "closed"}), vec!["T-2"]),
        (json!({"status": "new"}), vec!["T-3", "T-1"]),
        (json!({"group": "network", "assignee": "bob"}), vec!["T-2"]),
        (json!({"requester": "zoe"}), vec!["T-3"]),
        (json!({"category": "hardware"}), vec!["T-3", "T-2"]),
        (json!({"category": "hard"}), vec![]),
        (json!({"tag": "fire", "channel": "email", "priority": "normal"}), vec!["T-3", "T-2", "T-1"]),
        (json!({"priority": "urgent"}), vec![]),
        (json!({"text": "PRINTER 3"}), vec!["T-3"]),
        (json!({"created_from": created(2), "created_to": created(3)}), vec!["T-2"]),
        (json!({"updated_from": created(10)}), vec!["T-2"]),
        (json!({"due_from": created(1)}), vec!["T-1"]),
    ] {
        let reply = ask(&rig, "tickets", filter.clone()).await;
        let numbers: Vec<_> =
            reply["data"].as_array().unwrap().iter().map(|t| t["number"].as_str().unwrap()).collect();
        assert_eq!(numbers, expected, "{filter}");
    }
    assert_eq!(
        pages(&rig, "tickets", json!({"limit": 2})).await.iter().map(Vec::len).collect::<Vec<_>>(),
        [2, 1]
    );
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_order_and_only_the_tenants_own() {
    let history = story();
    let Some((rig, running)) = desk(&history).await else { return };
    for (filter, expected) in [
        (json!({}), (2..=11).collect()),
        (json!({"from": 4, "to": 6}), vec![4, 5, 6]),
        (json!({"to": 1}), vec![]),
        (json!({"type": "TicketCreated"}), vec![2, 3, 4]),
        (json!({"ticket_id": ticket_id(2).to_string(), "from": 9}), vec![9, 10, 11]),
        (json!({"ticket_id": ticket_id(2).to_string(), "as_of_position": 5}), vec![3, 5]),
        (json!({"caller": "somebody"}), vec![]),
        (json!({"caller": "portal", "as_of_position": 3}), vec![2, 3]),
    ] {
        let reply = ask(&rig, "events", filter.clone()).await;
        let positions: Vec<u64> =
            reply["data"].as_array().unwrap().iter().map(|e| e["position"].as_u64().unwrap()).collect();
        assert_eq!(positions, expected, "{filter}");
    }
    let reply = ask(&rig, "events", json!({"from": 5, "to": 5})).await;
    assert_eq!(
        (&reply["data"][0]["hash"], &reply["data"][0]["data"]["to"]),
        (&json!(history.entries[4].hash.to_string()), &json!("bob"))
    );
    for filter in [json!({"limit": 4}), json!({"limit": 4, "ticket_id": ticket_id(2).to_string()})] {
        let pages = pages(&rig, "events", filter.clone()).await.concat();
        assert_eq!(pages.len(), if filter.get("ticket_id").is_some() { 8 } else { 10 });
    }
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_at_its_bytes_too() {
    let mut history = story();
    for _ in 0..10 {
        history.push(ticket_id(1), "bob", comment(Visibility::Public, &"x".repeat(40_000)));
    }
    let Some((rig, running)) = desk(&history).await else { return };
    let pages = pages(&rig, "timeline", json!({"number": "T-1"})).await;
    assert_eq!(pages.concat().len(), 11);
    for page in &pages {
        assert!(serde_json::to_vec(page).unwrap().len() <= 192 * 1024);
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [5, 4, 2]);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_code_and_the_field() {
    let Some((rig, running)) = desk(&story()).await else { return };
    for (name, body, code, field) in [
        ("ticket", json!({"number": "T-99"}), "not_found", None),
        ("ticket", json!({"ticket_id": ticket_id(99).to_string()}), "not_found", None),
        ("timeline", json!({"ticket_id": ticket_id(99).to_string()}), "not_found", None),
        ("ticket", json!({}), "validation_failed", Some("ticket_id")),
        (
            "ticket",
            json!({"number": "T-2", "ticket_id": ticket_id(2).to_string()}),
            "validation_failed",
            Some("number"),
        ),
        ("ticket", json!({"number": "42nd"}), "validation_failed", Some("number")),
        ("ticket", json!({"number": "T-2", "cursor": "v1"}), "validation_failed", Some("cursor")),
        ("ticket", json!({"nummer": "T-2"}), "malformed", None),
        ("tickets", json!({"limit": 0}), "validation_failed", Some("limit")),
        ("tickets", json!({"limit": 1001}), "validation_failed", Some("limit")),
        ("tickets", json!({"wait_ms": 30_001}), "validation_failed", Some("wait_ms")),
        ("tickets", json!({"cursor": "v1"}), "validation_failed", Some("cursor")),
        ("tickets", json!({"cursor": "n-1"}), "validation_failed", Some("cursor")),
        (
            "timeline",
            json!({"number": "T-2", "cursor": "v99999999999999999999"}),
            "validation_failed",
            Some("cursor"),
        ),
        ("events", json!({"cursor": "", }), "validation_failed", Some("cursor")),
        ("events", json!({"type": "TicketTeleported"}), "validation_failed", Some("type")),
        ("queues", json!({"as_of_position": 2}), "unsupported", None),
        ("queue", json!({"as_of": "2026-03-10T00:00:00.000Z"}), "unsupported", None),
        ("queue", json!({"cursor": "v1"}), "validation_failed", Some("cursor")),
        (
            "queue",
            json!({"group": "desk", "without_group": true}),
            "validation_failed",
            Some("without_group"),
        ),
        ("queues", json!({"by": "moon"}), "malformed", None),
        ("nonsense", json!({}), "bad_subject", None),
    ] {
        let found = refused(&rig, name, body.clone()).await;
        assert_eq!((found.0.as_str(), found.1.as_deref()), (code, field), "{name} {body}");
    }
    let (headers, body) =
        send(&rig, "guichet.v1.query.acme.portal.ticket", None, r#"{"number":"T-2"}"#.into()).await;
    let acme: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(headers.get("Nats-Service-Error-Code").unwrap().as_str(), "404");
    assert_eq!(
        acme["error"]["message"],
        json!("ticket T-2 does not exist"),
        "another tenant's ticket looks like none"
    );
    let (headers, _) =
        send(&rig, "guichet.v1.query.default.portal.ticket", Some("text/plain"), "{}".into()).await;
    assert_eq!(headers.get("Nats-Service-Error").unwrap().as_str(), "malformed");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_in_protobuf_is_answered_in_protobuf() {
    let Some((rig, running)) = desk(&story()).await else { return };
    let query = |number: &str| wire::Query {
        data: Some(wire::query::Data::Ticket(wire::TicketQuery {
            number: Some(number.to_owned()),
            ..Default::default()
        })),
        ..Default::default()
    };
    let subject = "guichet.v1.query.default.portal.ticket";
    let (headers, body) =
        send(&rig, subject, Some("application/protobuf"), query("T-2").encode_to_vec().into()).await;
    assert_eq!(headers.get("Content-Type").unwrap().as_str(), "application/protobuf");
    let reply = wire::QueryReply::decode(body).unwrap();
    let Some(wire::query_reply::Data::Ticket(ticket)) = reply.data else { panic!("{reply:?}") };
    assert_eq!((ticket.number.as_str(), reply.as_of_position), ("T-2", 11));
    let (headers, body) =
        send(&rig, subject, Some("application/protobuf"), query("T-99").encode_to_vec().into()).await;
    let reply = wire::QueryReply::decode(body).unwrap();
    let Some(wire::query_reply::Data::Error(error)) = reply.data else { panic!("{reply:?}") };
    assert_eq!(
        (error.code.as_str(), headers.get("Nats-Service-Error-Code").unwrap().as_str()),
        ("not_found", "404")
    );
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reads_ones_own_writes_and_waiting_keeps_nobody_from_an_answer() {
    let history = story();
    let Some((rig, running)) = desk(&history).await else { return };
    let reply = ask(&rig, "tickets", json!({"min_position": 12})).await;
    assert_eq!(
        (&reply["error"]["code"], &reply["error"]["details"]["as_of_position"]),
        (&json!("unavailable"), &json!(11))
    );
    let subject = "guichet.v1.query.default.portal.tickets";
    let mut inbox = rig.client.subscribe("_INBOX.patient.*").await.unwrap();
    for i in 0..1_100 {
        let body = json!({"min_position": 12, "wait_ms": 30_000, "limit": 1}).to_string();
        rig.client.publish_with_reply(subject, format!("_INBOX.patient.{i}"), body.into()).await.unwrap();
    }
    // More wait than may of one caller: the rest is told so at once, and others are answered.
    for _ in 0..1_100 - 256 {
        let reply = next(&mut inbox).await;
        assert_eq!(
            (&reply["error"]["code"], &reply["error"]["retry_after_ms"]),
            (&json!("busy"), &json!(100))
        );
    }
    assert_eq!(ask(&rig, "ticket", json!({"number": "T-2"})).await["ok"], json!(true));
    let mut more = history.clone();
    more.open(4);
    rig.publish(&more.entries[11..]).await;
    for _ in 0..256 {
        let reply = next(&mut inbox).await;
        assert_eq!((&reply["data"][0]["number"], &reply["as_of_position"]), (&json!("T-4"), &json!(12)));
    }
    // A service that stops lets nobody wait for what will not come.
    let body = json!({"min_position": 13, "wait_ms": 30_000}).to_string();
    rig.client.publish_with_reply(subject, "_INBOX.patient.last", body.into()).await.unwrap();
    rig.client.flush().await.unwrap();
    ask(&rig, "projections", json!({})).await;
    let stopping = Instant::now();
    running.stop().await.unwrap();
    assert_eq!(next(&mut inbox).await["error"]["code"], json!("unavailable"));
    assert!(stopping.elapsed() < Duration::from_secs(5));
}

pub(crate) async fn next(inbox: &mut async_nats::Subscriber) -> Value {
    let message = tokio::time::timeout(Duration::from_secs(20), futures_util::StreamExt::next(inbox))
        .await
        .unwrap()
        .unwrap();
    serde_json::from_slice(&message.payload).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_goes_only_to_an_inbox() {
    let Some((rig, running)) = desk(&story()).await else { return };
    let mut elsewhere = rig.client.subscribe("elsewhere").await.unwrap();
    for _ in 0..3 {
        rig.client
            .publish_with_reply("guichet.v1.query.default.portal.tickets", "elsewhere", "{}".into())
            .await
            .unwrap();
    }
    rig.client.publish("guichet.v1.query.default.portal.tickets", "{}".into()).await.unwrap();
    // The service counts what it does not answer.
    let counted = async {
        loop {
            let reply = rig.client.request("$SRV.STATS.guichet-projections", "".into()).await.unwrap();
            let stats: Value = serde_json::from_slice(&reply.payload).unwrap();
            if stats["endpoints"][0]["data"]["dropped"] == json!(4) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), counted).await.unwrap();
    ask(&rig, "tickets", json!({})).await;
    assert!(futures_util::FutureExt::now_or_never(futures_util::StreamExt::next(&mut elsewhere)).is_none());
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_can_be_discovered_and_says_how_its_model_is() {
    let history = story();
    let Some((rig, running)) = desk(&history).await else { return };
    let reply = rig.client.request("$SRV.INFO.guichet-projections", "".into()).await.unwrap();
    let info: Value = serde_json::from_slice(&reply.payload).unwrap();
    assert_eq!(
        (&info["version"], &info["endpoints"][0]["subject"]),
        (&json!(env!("CARGO_PKG_VERSION")), &json!("guichet.v1.query.>"))
    );
    assert_eq!(info["endpoints"][0]["metadata"]["idempotent"], json!("yes"));
    let reply = ask(&rig, "projections", json!({})).await;
    let hash = history.entries[10].hash.to_string();
    let model = |one: &guichet_projections::ReadModel| json!({"name": one.name, "version": one.version, "generation": 1, "checkpoint": 11, "checkpoint_hash": hash, "head": 11, "lag": 0, "state": "live", "quarantined": [], "quarantined_left_out": 0, "verified_position": 11});
    let expected: Vec<_> = model::ALL.iter().map(|one| model(one)).collect();
    assert_eq!(reply["data"], json!(expected));
    // A model whose history is in doubt says how it is, and nothing else.
    rig.jetstream
        .publish("guichet.v1.evt.default.0.TicketCreated", "hello".into())
        .await
        .unwrap()
        .await
        .unwrap();
    halts(&running).await;
    let reply = ask(&rig, "projections", json!({})).await;
    assert_eq!(reply["data"][0]["state"], json!("halted"));
    assert!(reply["data"][0]["reason"].as_str().unwrap().contains("position 12"));
    let reply = ask(&rig, "ticket", json!({"number": "T-2"})).await;
    assert_eq!(
        (&reply["error"]["code"], &reply["error"]["details"]["as_of_position"]),
        (&json!("unavailable"), &json!(11))
    );
    running.stop().await.unwrap();
}

/// Follows the cursors to the end.
async fn pages(rig: &Rig, name: &str, query: Value) -> Vec<Vec<Value>> {
    let mut query = query;
    let mut pages = Vec::new();
    loop {
        let reply = ask(rig, name, query.clone()).await;
        pages.push(reply["data"].as_array().unwrap_or_else(|| panic!("{reply}")).clone());
        match reply.get("next_cursor") {
            Some(cursor) => query["cursor"] = cursor.clone(),
            None => return pages,
        }
    }
}
