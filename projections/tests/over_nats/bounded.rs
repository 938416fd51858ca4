//! Questions and requests that nobody polite would send: each is answered, bounded, and leaves room for others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::{Client, HeaderMap};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use guichet_projections::{Running, model};
use guichet_schemas::event::{Event, LifeCycle, TicketCreated, TicketEvent};
use guichet_schemas::position::Partition;
use guichet_schemas::subject;
use guichet_schemas::time::Timestamp;
use guichet_schemas::verb::QUERIES;
use guichet_schemas::wire;
use guichet_schemas::wire::query::Data;
use guichet_schemas::words::Visibility;
use guichet_service::{About, Bounds, Metadata, No};
use prost::Message as _;
use serde_json::{Value, json};

use crate::history::{self, History, comment, ticket_id};
use crate::queries::{ask, desk, next};
use crate::rig::{Rig, reaches, waits_for};

/// As many tickets, each with a product of its own.
fn products(count: u64) -> History {
    let mut history = History::new();
    for number in 1..=count {
        let created =
            TicketCreated { product: Some(format!("product-{number:04}")), ..history::created(number) };
        history.push(
            ticket_id(number),
            "alice",
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(created))),
        );
    }
    history
}

/// The answer to a question in protobuf, as another caller.
async fn raw(rig: &Rig, name: &str, query: &wire::Query) -> wire::QueryReply {
    let mut headers = HeaderMap::new();
    headers.insert("Content-Type", "application/protobuf");
    let subject = format!("guichet.v1.query.default.other.{name}");
    let asked = rig.client.request_with_headers(subject, headers, query.encode_to_vec().into());
    wire::QueryReply::decode(asked.await.unwrap_or_else(|e| panic!("{name}: {e}")).payload).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_instant_makes_a_question_that_never_ends() {
    let Some((rig, running)) = desk(&products(3)).await else { return };
    let report = |from: &str, to: &str, zone: &str| wire::ReportQuery {
        from: Some(from.to_owned()),
        to: Some(to.to_owned()),
        zone: Some(zone.to_owned()),
        ..Default::default()
    };
    let extremes = [i64::MIN, i64::MIN + 1, -8_334_601_228_800_001, -1, 0, 8_210_266_876_799_999, i64::MAX];
    for at in extremes {
        let all = [
            ("report_volume", Data::ReportVolume(wire::ReportQuery::default())),
            ("report_ageing", Data::ReportAgeing(wire::ReportQuery::default())),
            ("report_sla", Data::ReportSla(wire::ReportQuery { period: Some(4), ..Default::default() })),
            (
                "report_reopen_rate",
                Data::ReportReopenRate(report("0000-01-01", "0000-01-02", "Asia/Kolkata")),
            ),
            (
                "ticket",
                Data::Ticket(wire::TicketQuery { number: Some("T-1".to_owned()), ..Default::default() }),
            ),
            (
                "timeline",
                Data::Timeline(wire::TimelineQuery { number: Some("T-1".to_owned()), ..Default::default() }),
            ),
        ];
        for (name, data) in all {
            let query = wire::Query { as_of: Some(at), data: Some(data), ..Default::default() };
            let reply = raw(&rig, name, &query).await;
            assert!(reply.data.is_some(), "{name} as of {at}");
        }
        let filters = wire::TicketsQuery { due_from: Some(at), created_to: Some(at), ..Default::default() };
        let due = wire::SlaClocksQuery { due_before: Some(at), ..Default::default() };
        let broken = wire::SlaBreachesQuery { from: Some(at), to: Some(at), metric: None };
        for (name, data) in [
            ("tickets", Data::Tickets(filters)),
            ("sla_clocks", Data::SlaClocks(due)),
            ("sla_breaches", Data::SlaBreaches(broken)),
        ] {
            let reply = raw(&rig, name, &wire::Query { data: Some(data), ..Default::default() }).await;
            assert!(reply.data.is_some(), "{name} at {at}");
        }
    }
    for (from, to, zone) in [
        ("0000-01-01", "9999-12-31", "UTC"),
        ("9999-12-31", "9999-12-31", "Pacific/Kiritimati"),
        ("2011-12-29", "2012-01-02", "Pacific/Apia"),
        ("0000-01-01T00:00:00+14:00", "0000-01-02T00:00:00Z", "America/Adak"),
    ] {
        for period in 1..=4 {
            let report = wire::ReportQuery { period: Some(period), ..report(from, to, zone) };
            let query = wire::Query { data: Some(Data::ReportBacklog(report)), ..Default::default() };
            assert!(
                raw(&rig, "report_backlog", &query).await.data.is_some(),
                "{from} to {to}, {zone}, {period}"
            );
        }
    }
    // Everybody is answered still, and the models stop.
    assert_eq!(ask(&rig, "tickets", json!({})).await["data"].as_array().unwrap().len(), 3);
    tokio::time::timeout(Duration::from_secs(20), running.stop()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_report_is_made_without_the_rows_around_it() {
    const PRODUCTS: u64 = 300;
    let Some((rig, running)) = desk(&products(PRODUCTS)).await else { return };
    let wide = json!({"from": "1926-01-01", "to": "2035-01-01", "period": "day", "group_by": "product"});
    let with = |more: Value| {
        let mut query = wide.clone();
        query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        query
    };
    // 300 products on 39,811 days: twelve million rows, of which one is answered.
    // A figure counts what a desk defined, and this one defined none.
    let wide_ones =
        |name: &&&str| name.starts_with("report_") && !matches!(**name, "report_ageing" | "report_figure");
    for name in QUERIES.iter().filter(wide_ones) {
        let reply = ask(&rig, name, with(json!({"limit": 1}))).await;
        assert_eq!(reply["ok"], json!(true), "{name}: {reply}");
        assert!(reply["data"].as_array().unwrap().len() <= 1);
    }
    // Cursors lead to any row of them, one after the other, and behind the last.
    let first = ask(&rig, "report_volume", with(json!({"limit": 2}))).await;
    assert_eq!(first["data"][1]["product"], json!("product-0002"));
    assert_eq!(first["next_cursor"], json!("r2"));
    let days = 36_594; // from 1926-01-01 to 2026-03-11
    let at = |row: u64| with(json!({"limit": 3, "cursor": format!("r{row}")}));
    let late = ask(&rig, "report_volume", at(PRODUCTS * days + 298)).await;
    let rows = late["data"].as_array().unwrap();
    let row = |n: usize| (rows[n]["period"].as_str().unwrap(), rows[n]["product"].as_str().unwrap());
    assert_eq!((row(0), row(2)), (("2026-03-11", "product-0299"), ("2026-03-12", "product-0001")));
    assert_eq!(rows[0]["unresolved_at_end"], json!(1), "what was before the window counts in it: {late}");
    for cursor in ["r12000000", "r18446744073709551614"] {
        let behind = ask(&rig, "report_volume", with(json!({"cursor": cursor}))).await;
        assert_eq!((&behind["data"], behind.get("next_cursor")), (&json!([]), None), "{cursor}");
    }
    // The look back, too, which keeps other sums.
    let back = with(json!({"limit": 1, "as_of_position": PRODUCTS, "cursor": "r10000000"}));
    assert_eq!(ask(&rig, "report_closure", back).await["data"].as_array().unwrap().len(), 1);
    let ages =
        ask(&rig, "report_ageing", json!({"group_by": "product", "limit": 2, "cursor": "r1799"})).await;
    assert_eq!(ages["data"].as_array().unwrap().len(), 1, "the last bucket of the last product: {ages}");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_much_waits_behind_who_asks_little() {
    let Some((rig, running)) = desk(&products(2_000)).await else { return };
    let mut inbox = rig.client.subscribe("_INBOX.greedy.*").await.unwrap();
    let body = json!({"text": "nothing has this in its subject"}).to_string();
    for n in 0..600 {
        let subject = "guichet.v1.query.default.greedy.tickets";
        let reply = format!("_INBOX.greedy.{n}");
        rig.client.publish_with_reply(subject, reply, body.clone().into()).await.unwrap();
    }
    // Behind 256 searches, the quick question and the long one of somebody else.
    assert_eq!(ask(&rig, "ticket", json!({"number": "T-7"})).await["ok"], json!(true));
    assert_eq!(ask(&rig, "tickets", json!({"text": "printer", "limit": 1})).await["ok"], json!(true));
    let mut before = 0;
    while inbox.next().now_or_never().flatten().is_some() {
        before += 1;
    }
    assert!(before < 600, "whoever asked little did not wait until all of the others were answered");
    // All of them are answered, and most are told to come back.
    let mut busy = 0;
    for _ in before..600 {
        let reply = next(&mut inbox).await;
        busy += usize::from(reply["error"]["code"] == json!("busy"));
    }
    assert!(busy <= 600 - 256, "as many as may are answered: {busy}");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_bounded_in_bytes_and_so_is_an_answer() {
    let mut history = History::new();
    history.open(1);
    // As JSON each of these takes six bytes: an entry alone is larger than a page.
    for _ in 0..4 {
        history.push(ticket_id(1), "bob", comment(Visibility::Public, &"\u{1}".repeat(48 * 1024)));
    }
    let Some((rig, running)) = desk(&history).await else { return };
    let (mut query, mut pages) = (json!({"number": "T-1"}), Vec::new());
    loop {
        let reply = ask(&rig, "timeline", query.clone()).await;
        pages.push(reply["data"].as_array().unwrap_or_else(|| panic!("{reply}")).len());
        match reply.get("next_cursor") {
            Some(cursor) => query["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(pages.iter().sum::<usize>(), 5);
    assert!(pages.len() >= 4, "each large entry is a page of its own: {pages:?}");
    for (name, query, code) in [
        ("tickets", json!({"text": "x".repeat(2_000)}), "validation_failed"),
        ("tickets", json!({"text": "x".repeat(256 * 1024)}), "payload_too_large"),
        ("timeline", json!({"number": "T-1", "cursor": "v".repeat(2_000)}), "validation_failed"),
        ("timeline", json!({"number": "T-1", "cursor": "v18446744073709551615"}), "validation_failed"),
        (
            "queue",
            json!({"order": "priority", "cursor": "s.9223372036854775807.7ff8000000000000.1"}),
            "validation_failed",
        ),
        ("queue", json!({"order": "due", "cursor": "d.0.-9223372036854775808"}), "validation_failed"),
        ("sla_breaches", json!({"cursor": "kzz.1"}), "validation_failed"),
        ("events", json!({"limit": 0}), "validation_failed"),
        ("events", json!({"limit": 4_294_967_295_u64}), "validation_failed"),
        ("tickets", json!({"wait_ms": 30_001}), "validation_failed"),
    ] {
        let reply = ask(&rig, name, query).await;
        assert_eq!(reply["error"]["code"], json!(code), "{name}: {reply}");
    }
    // What is no number of points stands before all others, and the first of all instants before what is never due.
    for (order, cursor) in [
        ("priority", "s.0.7ff8000000000000.18446744073709551615"),
        ("due", "d.0.-9223372036854775808.18446744073709551615"),
    ] {
        let reply = ask(&rig, "queue", json!({"order": order, "cursor": cursor})).await;
        assert_eq!(reply["data"].as_array().map(Vec::len), Some(1), "{reply}");
    }
    for (name, query) in [
        ("sla_breaches", json!({"cursor": "kffffffffffffffff.18446744073709551615"})),
        ("sla_clocks", json!({"number": "T-1", "cursor": "r18446744073709551614"})),
        ("events", json!({"from": 9_007_199_254_740_991_u64, "cursor": "p18446744073709551614"})),
        ("queues", json!({"cursor": "q.zzz"})),
    ] {
        let reply = ask(&rig, name, query).await;
        assert_eq!(reply["data"].as_array().map(Vec::len), Some(0), "{name}: {reply}");
    }
    running.stop().await.unwrap();
}

/// Refuses every request to the log service, as one does that has much to do. Counts them.
async fn busy_log(client: &Client) -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, client) = (Arc::clone(&asked), client.clone());
    let mut requests = client.subscribe(subject::log(Partition(0))).await.unwrap();
    client.flush().await.unwrap();
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            count.fetch_add(1, Ordering::Relaxed);
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Service-Error", "busy");
            headers.insert("Nats-Service-Error-Code", "429");
            client.publish_with_headers(request.reply.unwrap(), headers, Bytes::new()).await.unwrap();
        }
    });
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_service_that_is_busy_is_no_log_that_is_empty() {
    let history = products(5);
    let Some((rig, running)) = desk(&history).await else { return };
    running.stop().await.unwrap();
    // Nobody can say now that the history of the models is that of the log.
    rig.delete_stream().await;
    let asked = busy_log(&rig.client).await;
    let running: Running = rig.start_models("model", 1_000, &[&model::ticket::TICKET]).await;
    waits_for(&running, "busy").await;
    while asked.load(Ordering::Relaxed) < 10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*running.models()[0].halted().borrow(), None);
    rig.create_stream(1).await;
    rig.publish(&history.entries).await;
    let mut more = history.clone();
    more.open(6);
    rig.publish(&more.entries[usize::try_from(history.head()).unwrap()..]).await;
    reaches(&running, more.head()).await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_answers_so_many_at_a_time_and_says_busy_to_the_rest() {
    let Some(rig) = Rig::new().await else { return };
    let (let_go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Arc::new(std::sync::Mutex::new(gate));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&most);
    let bounds = Bounds { of: "test", under_way: 2, held: 8, held_each: 6, request_bytes: 100 };
    let about = About {
        name: "guichet-test",
        version: "0.1.0",
        description: "a test",
        metadata: Metadata::new(),
        started: Timestamp(0),
    };
    let served = rig.server.url();
    let client = async_nats::connect(&served).await.unwrap();
    let service = guichet_service::Service::start(&client, about).await.unwrap();
    let endpoint = service.endpoint("test", "test.bounded", Metadata::new()).await.unwrap();
    let serving = tokio::spawn(guichet_service::serve(endpoint, bounds, move |body| {
        match &*body {
            b"panic" => panic!("as asked"),
            b"no" => return Err(No::MALFORMED),
            _ => {}
        }
        counted.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let waited = gate.lock().unwrap().recv();
        now.fetch_sub(1, Ordering::SeqCst);
        waited.map(|()| body).map_err(|_| No::UNAVAILABLE)
    }));
    // A flush does not wait for the server; an answer over the same connection says that it listens.
    client.request("test.bounded", "no".into()).await.unwrap();
    let word = |message: &async_nats::Message| {
        message.headers.as_ref().and_then(|h| h.get("Nats-Service-Error")).map(|v| v.as_str().to_owned())
    };
    let mut inbox = rig.client.subscribe("_INBOX.flood.x.*").await.unwrap();
    let publish = async |n: usize, body: &'static [u8]| {
        let reply = format!("_INBOX.flood.x.{n}");
        rig.client.publish_with_reply("test.bounded", reply, Bytes::from_static(body)).await.unwrap();
    };
    for n in 0..1_000 {
        publish(n, b"echo").await;
    }
    // All but those that are held are told at once.
    for _ in 0..994 {
        let reply = inbox.next().await.unwrap();
        assert_eq!(word(&reply).as_deref(), Some("busy"));
        assert!(reply.headers.unwrap().get(guichet_service::RETRY_AFTER_HEADER).is_some());
    }
    publish(1_000, &[0; 101]).await;
    assert_eq!(word(&inbox.next().await.unwrap()).as_deref(), Some("payload_too_large"));
    // Another inbox finds a place, and its turn is not behind all the others.
    let polite = async_nats::connect(&served).await.unwrap();
    let asked = tokio::spawn(async move { polite.request("test.bounded", "polite".into()).await.unwrap() });
    let mut answered = 0;
    while !asked.is_finished() {
        let_go.send(()).unwrap();
        if let Ok(Some(reply)) = tokio::time::timeout(Duration::from_millis(200), inbox.next()).await {
            assert_eq!((&*reply.payload, word(&reply)), (&b"echo"[..], None));
            answered += 1;
        }
    }
    assert_eq!(&*asked.await.unwrap().payload, b"polite");
    drop(let_go);
    for _ in answered..6 {
        inbox.next().await.unwrap();
    }
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?} at a time");
    // A panic and a no are answers, and the service goes on.
    for (body, said) in [("panic", "internal"), ("no", "malformed")] {
        let reply = rig.client.request("test.bounded", body.into()).await.unwrap();
        assert_eq!(word(&reply).as_deref(), Some(said));
    }
    service.stop();
    serving.await.unwrap();
}
