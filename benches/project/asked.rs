//! The latency of reports, asked over NATS: the first time, when they are kept, and of the past.

use std::path::Path;
use std::time::{Duration, Instant};

use async_nats::{Client, Request};
use guichet_projections::model;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::lines::connect;
use crate::nats_server::NatsServer;
use crate::nats_server::rights::Role;
use crate::table::{Length, Row};
use crate::{models, row};

const WITHIN: Duration = Duration::from_secs(120);
/// Figures that a desk defines.
const FIGURES: usize = 10;

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
    rows.extend(figures(&client, length).await);
    running.stop().await.expect("it stops");
    rows
}

/// Ten figures as a desk would define them, beside a built-in report: the first question evaluates the filter over the
/// whole history.
async fn figures(client: &Client, length: Length) -> Vec<Row> {
    let whole = json!({"period": "range", "from": "2000-01-01", "group_by": "product"});
    let built_in = timed(client, "report_volume", whole.clone()).await;
    let mut rows = vec![row("a built-in report over everything, first time", ms(built_in), "ms")];
    let (mut first, mut position) = (Duration::ZERO, Value::Null);
    for n in 0..FIGURES {
        let filter = format!("event == 'TicketResolved' && resolutions == {} && group != ''", n + 1);
        let data = json!({"kind": "figure", "id": format!("f{n}"), "body": {"title": {"en": "One"}, "count": filter}});
        position = publish(client, n, data).await;
    }
    let question = |n: usize| {
        let mut question = whole.clone();
        question["figure"] = format!("f{n}").into();
        question["min_position"] = position.clone();
        question["wait_ms"] = 30_000.into();
        question
    };
    for n in 0..FIGURES {
        first += timed(client, "report_figure", question(n)).await;
    }
    let mean = first / u32::try_from(FIGURES).expect("a few");
    rows.push(row("  a configured figure over everything, first time, mean of ten", ms(mean), "ms"));
    let mut all = Vec::new();
    for n in 0..length.pick(300, 1000) {
        all.push(timed(client, "report_figure", question(n % FIGURES)).await);
    }
    all.sort_unstable();
    rows.push(row("  p50 from then on, with ten of them kept", ms(all[all.len() / 2]), "ms"));
    rows
}

async fn publish(client: &Client, n: usize, data: Value) -> Value {
    let command = json!({
        "command_id": Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("figure {n}").as_bytes()),
        "actor": {"kind": "admin", "id": "bench"}, "data": data,
    });
    let subject = "guichet.v1.cmd.default.cli.config.publish_config";
    let request = Request::new().payload(command.to_string().into()).timeout(Some(WITHIN));
    let reply = client.send_request(subject, request).await.expect("an answer");
    let answer: Value = serde_json::from_slice(&reply.payload).expect("JSON");
    assert_eq!(answer["ok"], true, "{answer}");
    answer["position"].clone()
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
