//! The latency of reports, asked over NATS: the first time, when they are kept, and of the past.

use std::path::Path;
use std::time::{Duration, Instant};

use async_nats::{Client, Request};
use guichet_projections::model;
use serde_json::{Value, json};

use crate::lines::connect;
use crate::nats_server::NatsServer;
use crate::nats_server::rights::Role;
use crate::table::{Length, Row};
use crate::{models, row};

const WITHIN: Duration = Duration::from_secs(120);

/// The reports that a dashboard asks for.
const QUESTIONS: &[(&str, &str)] = &[
    ("report_backlog", r#"{"zone": "Europe/Paris"}"#),
    ("report_backlog", r#"{"zone": "Europe/Paris", "group_by": "group"}"#),
    ("report_reopen_rate", r#"{"zone": "Europe/Paris", "limit": 1}"#),
    ("report_resolution_time", r#"{"zone": "Europe/Paris"}"#),
    ("report_volume", r#"{"zone": "Europe/Paris", "group_by": "channel"}"#),
    ("report_ageing", r#"{"zone": "Europe/Paris"}"#),
    ("queues", "{}"),
    ("queue", r#"{"order": "priority", "group": "network", "limit": 25}"#),
];

/// Asks the models in a folder that have caught up.
pub(crate) async fn latencies(server: &NatsServer, dir: &Path, length: Length) -> Vec<Row> {
    let running = models(server, dir, model::ALL).await;
    let client = connect(server, Role::Caller).await;
    let head = *running.models()[0].position().borrow();
    let mut rows = Vec::new();
    let tickets = ask(&client, "report_volume", json!({"period": "range", "from": "2000-01-01"})).await;
    rows.push(row("tickets", tickets["data"][0]["created_gross"].as_f64().unwrap_or(0.0), "tickets"));
    for (name, question) in QUESTIONS {
        let question: Value = serde_json::from_str(question).expect("the questions are JSON");
        let first = timed(&client, name, question.clone()).await;
        rows.push(row(&format!("{name} {question}, first time"), ms(first), "ms"));
        let mut all = Vec::new();
        for _ in 0..length.pick(300, 1000) {
            all.push(timed(&client, name, question.clone()).await);
        }
        all.sort_unstable();
        rows.push(row("  p50 from then on", ms(all[all.len() / 2]), "ms"));
        rows.push(Row { target: "< 50", ..row("  p99", ms(all[all.len() * 99 / 100]), "ms") });
    }
    for share in [2, 4] {
        let past = json!({"as_of_position": head / share, "period": "day"});
        let took = timed(&client, "report_backlog", past).await;
        let what = format!("report_backlog as of position {}", head / share);
        rows.push(Row { target: "< 3,000 at 10,000,000 events", ..row(&what, ms(took), "ms") });
    }
    let took = timed(&client, "report_backlog", json!({"as_of": "2100-01-01T00:00:00Z"})).await;
    rows.push(Row {
        target: "< 3,000 at 10,000,000 events",
        ..row("report_backlog as of an instant", ms(took), "ms")
    });
    running.stop().await.expect("it stops");
    rows
}

async fn timed(client: &Client, name: &str, question: Value) -> Duration {
    let begun = Instant::now();
    ask(client, name, question).await;
    begun.elapsed()
}

async fn ask(client: &Client, name: &str, question: Value) -> Value {
    let subject = format!("guichet.v1.query.default.bench.{name}");
    let request = Request::new().payload(question.to_string().into()).timeout(Some(WITHIN));
    let reply = client.send_request(subject, request).await.expect("an answer");
    let answer: Value = serde_json::from_slice(&reply.payload).expect("JSON");
    assert_eq!(answer["ok"], true, "{answer}");
    answer
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}
