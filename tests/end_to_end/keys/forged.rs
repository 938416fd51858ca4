//! Whoever has a key tries to make history with it, by all ways at once. Nothing of it reaches the stream, and the desk
//! works on.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{Keyed, WITHIN, last_in};
use crate::harness::until;

const STREAM: &str = "GUICHET_EVENTS_0";
/// How long a request that nobody may answer is waited for.
const SILENCE: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_key_makes_no_history() {
    let mut keyed = Keyed::start().await;
    let desk = keyed.node.desk().await;
    desk.ready().await;
    let newest = desk.open_tickets("before", 3).await;
    until("the stream has them", WITHIN, async || (last_in(&keyed).await == newest).then_some(())).await;
    // A message as the engine would send it next, but for who sends it.
    let record = desk.log().await.pop().expect("a record");
    let mut headers = HeaderMap::new();
    headers.insert("ce-sequence", format!("{:020}", newest + 1));
    headers.insert("ce-type", "guichet.TicketCancelled.v1");

    for user in ["engine", "healer", "worker", "clocks", "http", "tools", "caller"] {
        let client = keyed.connect(user).await;
        for subject in ["guichet.v1.evt.default.0.TicketCancelled", "guichet.v1.evt._system.0.EpochStarted"] {
            client.publish_with_headers(subject, headers.clone(), record.clone().into()).await.expect("sent");
            let sent = jetstream::new(client.clone())
                .publish_with_headers(subject, headers.clone(), record.clone().into())
                .await
                .expect("sent");
            let stored = tokio::time::timeout(SILENCE, sent).await;
            assert!(!matches!(stored, Ok(Ok(_))), "{user} stored a message on {subject}");
        }
        // Who may ask JetStream something has the answer sent into the stream.
        for (request, body) in [
            (format!("$JS.API.STREAM.INFO.{STREAM}"), String::new()),
            (format!("$JS.API.STREAM.MSG.GET.{STREAM}"), json!({"seq": newest}).to_string()),
            (format!("$JS.API.DIRECT.GET.{STREAM}"), json!({"seq": newest}).to_string()),
            (
                format!("$JS.API.CONSUMER.CREATE.{STREAM}"),
                json!({"stream_name": STREAM, "config": {}}).to_string(),
            ),
            ("$JS.API.INFO".to_owned(), String::new()),
            ("guichet.v1.log.0".to_owned(), String::new()),
            ("guichet.v1.cmd.default.shop.new.create".to_owned(), "{}".to_owned()),
            ("guichet.v1.query.default.shop.tickets".to_owned(), "{}".to_owned()),
            ("$SRV.PING".to_owned(), String::new()),
        ] {
            for answer in
                ["guichet.v1.evt.default.0.TicketCancelled", "$JS.API.STREAM.PURGE.GUICHET_EVENTS_0"]
            {
                client.publish_with_reply(request.clone(), answer, body.clone().into()).await.expect("sent");
            }
        }
        // A consumer delivers to whatever subject it was made with.
        for to in [
            "guichet.v1.evt.default.0.Looped",
            "$JS.API.STREAM.DELETE.GUICHET_EVENTS_0",
            "guichet.v1.cmd.default.sla.new.create",
            "_INBOX_worker.x",
        ] {
            let config = json!({"deliver_subject": to, "deliver_policy": "all", "ack_policy": "none", "headers_only": true});
            let body = json!({"stream_name": STREAM, "config": config}).to_string();
            let asked = client.request(format!("$JS.API.CONSUMER.CREATE.{STREAM}"), body.into());
            tokio::time::timeout(SILENCE, asked).await.ok();
        }
        for request in ["STREAM.PURGE", "STREAM.UPDATE", "STREAM.MSG.DELETE"] {
            let asked = client.request(format!("$JS.API.{request}.{STREAM}"), "{}".into());
            if let Ok(Ok(answer)) = tokio::time::timeout(SILENCE, asked).await {
                let said: Value = serde_json::from_slice(&answer.payload).expect("JSON");
                assert!(said["error"].is_object(), "{user} {request}: {said}");
            }
        }
        client.flush().await.expect("the server is there");
    }
    assert_eq!(last_in(&keyed).await, newest, "nothing was added and nothing is gone");
    let more = desk.open_tickets("afterwards", 3).await;
    assert_eq!(more, newest + 6);
    desk.folded(more).await;
    until("the stream goes on", WITHIN, async || (last_in(&keyed).await == more).then_some(())).await;
    assert!(keyed.node.process().ended().is_none());
    assert!(keyed.node.stop().await.success(), "no doubt about the stream");
}

/// The answer with the keys of personal texts reaches the worker that asked for it and nobody who listens.
#[tokio::test]
async fn answers_are_read_by_who_asked() {
    let keyed = Keyed::start().await;
    let desk = keyed.node.desk().await;
    desk.ready().await;
    let caller = keyed.connect("caller").await;
    let mut heard = Vec::new();
    for subject in ["_INBOX_worker.>", "_INBOX_*.>", ">", "guichet.v1.key.0", "_INBOX.>"] {
        heard.push(caller.subscribe(subject).await.expect("it is well formed"));
    }
    caller.flush().await.expect("the server is there");
    let newest = desk.open_tickets("personal", 2).await;
    desk.folded(newest).await;
    let timeline = desk.query("timeline", json!({"number": "T-1"})).await;
    assert!(timeline.to_string().contains("Printer 0"), "the worker had the key: {timeline}");
    caller.flush().await.expect("the server is there");
    let mut inboxes = heard.pop().expect("the last one");
    for mut other in heard {
        assert!(futures_util::FutureExt::now_or_never(other.next()).flatten().is_none());
    }
    // What callers share is only what callers were answered.
    while let Some(Some(message)) = futures_util::FutureExt::now_or_never(inboxes.next()) {
        assert!(message.subject.starts_with("_INBOX."), "{}", message.subject);
    }
}
