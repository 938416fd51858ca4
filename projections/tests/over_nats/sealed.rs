//! Sealed texts in answers: opened with keys from a key service of the test's own, and left as they are without one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use guichet_keys::{DataKey, Dice, Place, seal};
use guichet_schemas::codec::encode_record;
use guichet_schemas::event::{CommentRedacted, Conversation, Event, Personal, TextSpan, TicketEvent};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::KeyId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::personal;
use guichet_schemas::position::Partition;
use guichet_schemas::subject;
use guichet_schemas::wire::{Key, KeyBatch, KeyRequest};
use guichet_schemas::words::Visibility;
use prost::Message as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::history::{History, comment, resolved, ticket_id};
use crate::queries::ask;
use crate::rig::{Rig, is_live, reaches};

/// The key of the requester of ticket `number`; each ticket here has its own.
fn key(number: u128) -> (KeyId, DataKey) {
    (KeyId(Uuid::from_u128(number)), DataKey::from_slice(&[number as u8; 32]).unwrap())
}

/// Three tickets, the first of them resolved, as an engine seals them.
fn story() -> History {
    let mut history = History::new();
    for number in 1..=3 {
        history.open(number);
    }
    history.push(ticket_id(1), "alice", resolved(1));
    sealed(history)
}

fn sealed(mut history: History) -> History {
    let mut dice = Dice::new();
    let (mut streams, mut before) = (BTreeMap::new(), Hash::ZERO);
    for entry in &mut history.entries {
        let record = &mut entry.record;
        if let Some(ticket) = record.ticket_id() {
            let number = (1..=3).find(|number| ticket_id(*number) == ticket).unwrap();
            let (id, key) = key(u128::from(number));
            let (tenant, command) = (record.tenant.clone(), record.command_id);
            let all = personal::each(&mut record.event, |field, text| {
                let Personal::Plain(plain) = &text else { return Err("sealed before") };
                let place = Place { tenant: &tenant, ticket, field, command };
                *text = Personal::Sealed(seal(&key, id, &place, plain, &mut dice).unwrap());
                Ok(())
            });
            all.unwrap();
        }
        record.prev_hash = streams.get(&record.stream_id).copied().unwrap_or(Hash::ZERO);
        entry.bytes = encode_record(record.clone());
        entry.hash = Hash::of_record(&entry.bytes);
        entry.prev_hash = before;
        before = entry.hash;
        streams.insert(record.stream_id.clone(), entry.hash);
    }
    history
}

/// Answers key requests with the keys of these tickets, or with silence; counts the requests.
async fn serve_keys(rig: &Rig, numbers: &'static [u128], silent: bool) -> Arc<AtomicUsize> {
    serve_keys_after(rig, numbers, silent, 0).await
}

/// The same, but says of the first requests that it is busy.
async fn serve_keys_after(
    rig: &Rig,
    numbers: &'static [u128],
    silent: bool,
    busy: usize,
) -> Arc<AtomicUsize> {
    let mut requests = rig.client.subscribe(subject::keys(Partition(0))).await.unwrap();
    rig.client.flush().await.unwrap();
    let (client, asked) = (rig.client.clone(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Some(message) = requests.next().await {
            if count.fetch_add(1, Ordering::Relaxed) < busy {
                let mut headers = async_nats::HeaderMap::new();
                headers.insert("Nats-Service-Error", "busy");
                headers.insert("Nats-Service-Error-Code", "429");
                let reply = message.reply.unwrap();
                client.publish_with_headers(reply, headers, bytes::Bytes::new()).await.unwrap();
                continue;
            }
            let request = KeyRequest::decode(message.payload).unwrap();
            assert_eq!(request.tenant, "default");
            let wanted = |id: &KeyId| request.key_ids.contains(&id.to_wire());
            let keys = numbers.iter().map(|number| key(*number)).filter(|(id, _)| wanted(id));
            let keys = keys.map(|(id, key)| Key {
                key_id: id.to_wire(),
                key: key.reveal().to_vec(),
                commitment: key.commitment().to_wire(),
            });
            let batch = KeyBatch { keys: keys.collect() }.encode_to_vec();
            if !silent {
                client.publish(message.reply.unwrap(), batch.into()).await.unwrap();
            }
        }
    });
    asked
}

fn is_sealed(text: &Value) -> bool {
    text["sealed"]["ciphertext"].is_string() && text.get("plain").is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_opens_what_it_has_keys_for() {
    let history = story();
    let Some(rig) = Rig::with(&history).await else { return };
    // The key of the third was destroyed.
    let asked = serve_keys(&rig, &[1, 2], false).await;
    let running = rig.start().await;
    reaches(&running, history.head()).await;
    is_live(&running).await;

    let ticket = ask(&rig, "ticket", json!({"number": "T-1"})).await["data"].clone();
    assert_eq!(ticket["subject"]["plain"], "Printer 1 is on fire");
    assert_eq!(ticket["description"]["plain"], "It began after lunch.");
    assert!(ticket["resolution"]["summary"]["plain"].is_string(), "{ticket}");
    assert_eq!(asked.load(Ordering::Relaxed), 1, "one request for all texts");

    let timeline = ask(&rig, "timeline", json!({"number": "T-1"})).await["data"].clone();
    assert_eq!(timeline[0]["data"]["subject"]["plain"], "Printer 1 is on fire");
    assert!(timeline[0]["sentence"].as_str().unwrap().contains("Printer 1 is on fire"), "{timeline}");
    assert_eq!(asked.load(Ordering::Relaxed), 1, "the key is remembered");

    let tickets = ask(&rig, "tickets", json!({})).await["data"].clone();
    assert!(is_sealed(&tickets[0]["subject"]), "{tickets}");
    assert_eq!(tickets[1]["subject"]["plain"], "Printer 2 is on fire");
    let found = ask(&rig, "tickets", json!({"text": "on FIRE"})).await["data"].clone();
    let numbers: Vec<_> = found.as_array().unwrap().iter().map(|t| t["number"].clone()).collect();
    assert_eq!(numbers, [json!("T-2"), json!("T-1")], "what does not open is not found");
    assert_eq!(ask(&rig, "tickets", json!({"text": "sealed"})).await["data"], json!([]));

    let queue = ask(&rig, "queue", json!({})).await["data"].clone();
    assert_eq!(queue[0]["subject"]["plain"], "Printer 2 is on fire");
    assert!(is_sealed(&queue[1]["subject"]), "{queue}");
    let events = ask(&rig, "events", json!({"type": "TicketCreated"})).await["data"].clone();
    assert_eq!(events[0]["data"]["subject"]["plain"], "Printer 1 is on fire");
    assert!(is_sealed(&events[2]["data"]["subject"]), "{events}");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_service_that_is_busy_is_asked_again() {
    let history = story();
    let Some(rig) = Rig::with(&history).await else { return };
    let asked = serve_keys_after(&rig, &[1, 2, 3], false, 2).await;
    let running = rig.start().await;
    reaches(&running, history.head()).await;
    is_live(&running).await;
    let ticket = ask(&rig, "ticket", json!({"number": "T-1"})).await["data"].clone();
    assert_eq!(ticket["subject"]["plain"], "Printer 1 is on fire");
    assert_eq!(asked.load(Ordering::Relaxed), 3, "the same answer came back twice, and had its keys");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_is_the_same_with_keys_and_without() {
    let history = story();
    let Some(rig) = Rig::with(&history).await else { return };
    let with = rig.start_at("with", 1000).await;
    let keys = serve_keys(&rig, &[1, 2, 3], false).await;
    reaches(&with, history.head()).await;
    is_live(&with).await;
    ask(&rig, "tickets", json!({"text": "fire"})).await;
    assert!(keys.load(Ordering::Relaxed) > 0);
    let hashes = |running: &guichet_projections::Running| -> Vec<_> {
        running.models().iter().map(|model| model.store().content_hash().unwrap()).collect()
    };
    let seen = hashes(&with);
    with.stop().await.unwrap();
    let without = rig.start_at("without", 1).await;
    reaches(&without, history.head()).await;
    assert_eq!(hashes(&without), seen);
    without.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_an_answer_shows_what_is_stored_and_does_not_wait_for_long() {
    let history = story();
    let Some(rig) = Rig::with(&history).await else { return };
    let running = rig.start().await;
    reaches(&running, history.head()).await;
    is_live(&running).await;
    // Nobody serves keys: NATS says so at once.
    let began = Instant::now();
    let ticket = ask(&rig, "ticket", json!({"number": "T-1"})).await["data"].clone();
    assert!(is_sealed(&ticket["subject"]) && is_sealed(&ticket["resolution"]["summary"]), "{ticket}");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let timeline = ask(&rig, "timeline", json!({"number": "T-1"})).await["data"].clone();
    assert!(timeline[0]["sentence"].as_str().unwrap().contains("[sealed]"), "{timeline}");

    // Somebody who never answers: one answer waits for a moment, the next ones do not.
    let asked = serve_keys(&rig, &[], true).await;
    let mut slowest = Duration::ZERO;
    while asked.load(Ordering::Relaxed) == 0 {
        let began = Instant::now();
        ask(&rig, "ticket", json!({"number": "T-2"})).await;
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    let began = Instant::now();
    for _ in 0..20 {
        assert!(is_sealed(&ask(&rig, "ticket", json!({"number": "T-2"})).await["data"]["subject"]));
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_part_is_cut_out_of_what_opens_and_hides_all_of_what_does_not() {
    let mut history = History::new();
    for number in 1..=3 {
        let ticket = history.open(number);
        let said = comment(Visibility::Public, "My card is 4929 1234.");
        let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) = &said else { panic!() };
        let comment_id = e.comment_id;
        history.push(ticket, "alice", said);
        if number == 2 {
            continue;
        }
        let spans = vec![TextSpan { from: 11, length: 4 }];
        let redacted = CommentRedacted { comment_id, spans, reason: "a card number".to_owned() };
        history.push(ticket, "alice", Event::from(redacted));
    }
    let history = sealed(history);
    let Some(rig) = Rig::with(&history).await else { return };
    // The key of the third was destroyed.
    serve_keys(&rig, &[1, 2], false).await;
    let running = rig.start().await;
    reaches(&running, history.head()).await;
    is_live(&running).await;
    let shown = ["My card is [redacted] 1234.", "My card is 4929 1234.", "[redacted]"];
    for (number, text) in (1..).zip(shown) {
        let question = json!({"number": format!("T-{number}")});
        let timeline = ask(&rig, "timeline", question).await["data"].clone();
        assert_eq!(timeline[1]["data"]["body"]["plain"], text, "{timeline}");
        assert!(timeline[1]["sentence"].as_str().unwrap().contains(text), "{timeline}");
    }
    // Whoever looks back to before it was redacted sees no more.
    let before = ask(&rig, "timeline", json!({"number": "T-1", "as_of_position": 3})).await["data"].clone();
    assert_eq!(before[1]["data"]["body"]["plain"], shown[0], "{before}");
    let events = ask(&rig, "events", json!({"type": "CommentAdded"})).await["data"].clone();
    for (n, text) in shown.into_iter().enumerate() {
        assert_eq!(events[n]["data"]["body"]["plain"], text, "{events}");
    }
    running.stop().await.unwrap();
}
