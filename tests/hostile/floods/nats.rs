//! Floods over NATS.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_nats::{Client, Request};
use futures_util::StreamExt as _;
use futures_util::stream;
use guichet_schemas::wire::{LogRequest, Tile, TileRequest};
use prost::Message as _;
use serde_json::{Value, json};

use super::{Poured, Target};
use crate::desk::Desk;
use crate::polite::fresh;

/// Nobody waits longer for the answer of a flood.
const GIVES_UP: Duration = Duration::from_secs(30);

type Asked = (String, Vec<u8>);

/// Sends all, so many at a time over some connections, and counts the answers by their code.
async fn pour(target: &Target, at_once: usize, all: impl Iterator<Item = Asked>) -> Poured {
    let mut connections = Vec::new();
    for _ in 0..8 {
        connections.push(Desk::connect(&target.url).await.client);
    }
    let mut sent = 0;
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    let mut slowest = Duration::ZERO;
    let mut answers = stream::iter(all.enumerate())
        .map(|(n, asked)| ask(connections[n % 8].clone(), asked))
        .buffer_unordered(at_once);
    while let Some((code, took)) = answers.next().await {
        sent += 1;
        slowest = slowest.max(took);
        *codes.entry(code).or_default() += 1;
    }
    let mut answers: Vec<String> = codes.iter().map(|(code, n)| format!("{n} {code}")).collect();
    answers.push(format!("the slowest after {:.1} s", slowest.as_secs_f64()));
    let findings = codes.get("internal").map(|n| format!("{n} answers were internal")).into_iter().collect();
    Poured { sent, answers: answers.join(", "), findings }
}

async fn ask(client: Client, (subject, payload): Asked) -> (String, Duration) {
    let begun = Instant::now();
    let request = Request::new().payload(payload.into()).timeout(Some(GIVES_UP));
    let code = match client.send_request(subject, request).await {
        Ok(answer) => {
            let code = answer.headers.as_ref().and_then(|h| h.get("Nats-Service-Error"));
            code.map_or_else(|| "accepted".to_owned(), |c| c.as_str().to_owned())
        }
        Err(error) => error.kind().to_string(),
    };
    (code, begun.elapsed())
}

fn command(caller: &str, entity: &str, verb: &str, data: &Value) -> Asked {
    let body = json!({"command_id": fresh(), "actor": {"kind": "agent", "id": "a"}, "data": data});
    (format!("guichet.v1.cmd.default.{caller}.{entity}.{verb}"), body.to_string().into_bytes())
}

fn query(name: &str, question: &Value) -> Asked {
    (format!("guichet.v1.query.default.shop.{name}"), question.to_string().into_bytes())
}

fn ticket(n: usize) -> Value {
    json!({"subject": format!("Printer {n} does not print"), "description": "It hums and blinks. ".repeat(10), "channel": "email",
        "requester": {"id": format!("r-{}", n % 500)}, "product": format!("product-{n}"), "tags": [format!("tag-{}", n % 50)]})
}

/// Tickets of as many products.
async fn desk_of(target: &Target, tickets: usize) {
    pour(target, 64, (0..tickets).map(|n| command("shop", "new", "create", &ticket(n)))).await;
    let desk = Desk::connect(&target.url).await;
    let head = desk.head().await;
    desk.folded(head).await;
    desk.answers("report_volume", json!({"limit": 1}), head).await;
}

pub(super) async fn commands(target: &Target) -> Poured {
    let n = if target.long { 100_000 } else { 4_000 };
    pour(target, 2048, (0..n).map(|n| command("shop", "new", "create", &ticket(n)))).await
}

/// Who is served by turns must not get more of them by calling itself otherwise each time.
pub(super) async fn callers(target: &Target) -> Poured {
    let n = if target.long { 50_000 } else { 4_000 };
    pour(target, 2048, (0..n).map(|n| command(&format!("caller-{n}"), "new", "create", &ticket(n)))).await
}

/// Bodies that are long to read and say nothing.
pub(super) async fn brackets(target: &Target) -> Poured {
    let n = if target.long { 20_000 } else { 600 };
    let deep = b"[".repeat(250_000);
    let wide = [b"{\"data\":[".to_vec(), b"[],".repeat(80_000), b"[]]}".to_vec()].concat();
    let all = (0..n).map(|n| {
        let body = if n % 2 == 0 { deep.clone() } else { wide.clone() };
        let subject = if n % 4 < 2 { "cmd.default.shop.new.create" } else { "query.default.shop.tickets" };
        (format!("guichet.v1.{subject}"), body)
    });
    pour(target, 64, all).await
}

pub(super) async fn reports(target: &Target) -> Poured {
    desk_of(target, if target.long { 3_000 } else { 500 }).await;
    let n = if target.long { 2_000 } else { 80 };
    let names = [
        "report_backlog",
        "report_volume",
        "report_resolution_time",
        "report_escalation",
        "report_ageing",
        "report_closure",
    ];
    let wide = |n: usize| {
        let by = if n.is_multiple_of(3) { "category" } else { "product" };
        let (from, to) =
            if n.is_multiple_of(2) { ("1970-01-01", "2199-12-31") } else { ("2024-01-01", "2027-01-01") };
        query(
            names[n % names.len()],
            &json!({"from": from, "to": to, "period": "day", "group_by": by, "limit": 1}),
        )
    };
    pour(target, 64, (0..n).map(wide)).await
}

pub(super) async fn searches(target: &Target) -> Poured {
    desk_of(target, if target.long { 20_000 } else { 1_500 }).await;
    let n = if target.long { 5_000 } else { 200 };
    pour(
        target,
        32,
        (0..n).map(|n| query("tickets", &json!({"text": format!("nothing like it {n}"), "limit": 1000}))),
    )
    .await
}

/// Requests whose answers nobody reads.
async fn unread(target: &Target, subject: &str, payload: Vec<u8>, n: u64) -> Poured {
    let client = Desk::connect(&target.url).await.client;
    for _ in 0..n {
        let payload = payload.clone().into();
        client.publish_with_reply(subject.to_owned(), "_INBOX.nobody", payload).await.expect("a connection");
    }
    client.flush().await.expect("a connection");
    // What was sent is done, or refused, once the same service answers somebody who listens.
    let (code, took) = ask(client, (subject.to_owned(), payload)).await;
    let answers = format!("then one who listens: {code} after {:.1} s", took.as_secs_f64());
    Poured { sent: n, answers, findings: Vec::new() }
}

pub(super) async fn log(target: &Target) -> Poured {
    desk_of(target, 1_000).await;
    let asked = LogRequest { from: 1, max_events: 0, max_bytes: 0 }.encode_to_vec();
    unread(target, "guichet.v1.log.0", asked, if target.long { 200_000 } else { 20_000 }).await
}

pub(super) async fn tiles(target: &Target) -> Poured {
    desk_of(target, 1_000).await;
    let tile = |index| Tile { level: 0, index, width: 256 };
    let asked = TileRequest { tiles: (0..64).map(|n| tile(n % 4)).collect() }.encode_to_vec();
    unread(target, "guichet.v1.tile.0", asked, if target.long { 200_000 } else { 20_000 }).await
}
