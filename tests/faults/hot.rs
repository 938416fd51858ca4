//! One ticket, many clients, a long history: nothing may cost more because much has happened before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_nats::{Client, Request};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::campaign::Campaign;
use crate::desk::{id, new_ticket};
use crate::finding::{Finding, Invariant};
use crate::judge::{Verdict, judge};
use crate::ledger::{End, Ledger, is_accepted};
use crate::site::{Program, Site};
use crate::table::Row;

/// Connections that the clients share.
const CONNECTIONS: usize = 16;
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The last tenth may take so many times as long as the first: a machine is never quite quiet.
const FLAT: f64 = 2.0;

/// The goal: so many comments on one ticket by so many clients.
pub(crate) async fn one_ticket(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let (comments, clients) = campaign.pick((50_000, 100), (1_000_000, 1_000));
    let done = format!("{comments} comments, {clients} clients");
    match load(campaign.seed, comments, clients).await {
        Ok((verdict, note)) => vec![Row::of(goal, done, verdict, Vec::new()).noted(note)],
        Err(finding) => vec![Row::of(goal, done, Verdict::broken(finding), Vec::new())],
    }
}

async fn load(seed: u64, comments: usize, clients: usize) -> Result<(Verdict, String), Finding> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut site = Site::start(Program::product(), dir.path()).await?;
    let ticket = id("hot ticket", seed as usize);
    let ledger = Arc::new(Ledger::new());
    open(&site, &ledger, ticket).await;
    let left = Arc::new(AtomicUsize::new(comments));
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS.min(clients) {
        connections.push(async_nats::connect(site.nats.url()).await.expect("nats-server runs"));
    }
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for n in 0..clients {
        let connection = connections[n % connections.len()].clone();
        callers.spawn(caller(connection, ticket, Arc::clone(&ledger), Arc::clone(&left)));
    }
    while let Some(ended) = callers.join_next().await {
        ended.expect("a caller does not panic");
    }
    let took = begun.elapsed();
    let latencies = latencies(&ledger);
    let tenth = (latencies.len() / 10).max(1);
    let (first, last) = (&latencies[..tenth], &latencies[latencies.len() - tenth..]);
    let ratio = middle(last) / middle(first);
    let mut verdict = judge(&mut site, &ledger).await;
    if ratio > FLAT {
        let what = format!("the last tenth of the comments took {ratio:.2} times as long as the first");
        verdict.findings.push(Finding::of(Invariant::I12, what));
    }
    let rate = comments as f64 / took.as_secs_f64();
    let note = format!(
        "{rate:.0}/s; p50 {:.1} ms in the first tenth, {:.1} ms in the last, ratio {ratio:.2}",
        middle(first) * 1e3,
        middle(last) * 1e3
    );
    Ok((verdict, note))
}

/// Opens the ticket. In the book like everything else.
async fn open(site: &Site, ledger: &Ledger, ticket: Uuid) {
    send(&site.desk.client, ledger, &format!("{ticket}.create"), id("hot create", 0), new_ticket(0)).await;
}

/// Comments until there are enough.
async fn caller(client: Client, ticket: Uuid, ledger: Arc<Ledger>, left: Arc<AtomicUsize>) {
    let verb = format!("{ticket}.add_comment");
    loop {
        let Ok(n) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
        else {
            return;
        };
        let comment = json!({"visibility": "internal", "body": format!("note {n}")});
        send(&client, &ledger, &verb, id("hot comment", n), comment).await;
    }
}

async fn send(client: &Client, ledger: &Ledger, verb: &str, id: Uuid, data: Value) {
    let subject = format!("guichet.v1.cmd.default.outside.{verb}");
    let body = json!({"command_id": id, "actor": {"kind": "agent", "id": "alice"}, "data": data});
    let body = Bytes::from(body.to_string());
    let entry = ledger.note(id, subject.clone(), body.clone(), false);
    let attempt = ledger.begin(entry);
    let request = Request::new().payload(body).timeout(Some(ANSWER_WITHIN));
    let end = match client.send_request(subject, request).await {
        Ok(message) => End::Answered(message.payload),
        Err(_) => End::Unknown,
    };
    ledger.end(entry, attempt, end);
}

/// In the order in which the answers came.
fn latencies(ledger: &Ledger) -> Vec<(Duration, f64)> {
    let mut all: Vec<(Duration, f64)> = Vec::new();
    for entry in ledger.entries() {
        for (attempt, bytes) in entry.answers() {
            if is_accepted(bytes) {
                all.push((attempt.ended, (attempt.ended - attempt.sent).as_secs_f64()));
            }
        }
    }
    all.sort_by_key(|(ended, _)| *ended);
    all
}

fn middle(latencies: &[(Duration, f64)]) -> f64 {
    let mut seconds: Vec<f64> = latencies.iter().map(|(_, seconds)| *seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(0.0)
}
