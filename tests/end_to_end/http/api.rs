//! The same question over HTTP and over NATS has the same answer.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::client;
use super::demo::{Demo, address};
use crate::desk::Desk;
use crate::harness::{Nats, Process, engine, guichet, until, worker};

const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_the_one_that_nats_gives() {
    let demo = Demo::start().await;
    let desk = Desk::connect(demo.word("nats_url")).await;
    let at = desk.head().await;
    for (path, query, mut question) in [
        ("/tickets?status=open&limit=7&", "tickets", json!({"status": "open", "limit": 7})),
        ("/tickets/T-1?", "ticket", json!({"number": "T-1"})),
        ("/tickets/T-1/timeline?", "timeline", json!({"number": "T-1"})),
        ("/tickets/T-999999?", "ticket", json!({"number": "T-999999"})),
        ("/events?from=3&to=40&", "events", json!({"from": 3, "to": 40})),
        ("/queues?by=agent&", "queues", json!({"by": "agent"})),
        ("/queues/network?order=priority&", "queue", json!({"group": "network", "order": "priority"})),
        ("/queue?without_group=true&", "queue", json!({"without_group": true})),
        (
            "/reports/backlog?period=day&zone=Europe/Paris&",
            "report_backlog",
            json!({"period": "day", "zone": "Europe/Paris"}),
        ),
        ("/reports/reopen_rate?window_days=3&", "report_reopen_rate", json!({"window_days": 3})),
        ("/reports/ageing?group_by=channel&", "report_ageing", json!({"group_by": "channel"})),
        ("/reports/backlog?period=fortnight&", "report_backlog", json!({"period": "fortnight"})),
        ("/events?nonsense=1&", "events", json!({"nonsense": "1"})),
    ] {
        question["min_position"] = json!(at);
        question["wait_ms"] = json!(5_000);
        // The clocks of the desk may still record what they find.
        let (over_http, over_nats) = until("two answers are of one position", ANSWERED_WITHIN, async || {
            let over_http = demo.get(&format!("/api/v1/default{path}min_position={at}&wait_ms=5000")).await;
            let over_nats = desk.try_query(query, question.clone()).await.expect("an answer").body;
            let position = over_nats["as_of_position"].clone();
            (over_http.json()["as_of_position"] == position).then_some((over_http, over_nats))
        })
        .await;
        assert_eq!(over_http.status < 300, over_nats["ok"] == json!(true), "{path}: {over_http:?}");
        assert_eq!(timeless(over_http.json()), timeless(over_nats), "{path}");
    }
    demo.stop().await;
}

/// Without what goes on while one asks.
fn timeless(mut answer: Value) -> Value {
    fn forget(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for clock in
                    ["as_of_time", "age_ms", "time_in_state_ms", "score", "provisional", "running", "overdue"]
                {
                    members.remove(clock);
                }
                members.values_mut().for_each(forget);
            }
            Value::Array(items) => items.iter_mut().for_each(forget),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    forget(&mut answer);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_for_the_owner_of_the_node_only() {
    let demo = Demo::start().await;
    let mode = std::fs::metadata(demo.run_file()).expect("run.json").permissions().mode();
    assert_eq!(mode & 0o077, 0, "others may read the token: {mode:o}");
    let url = address(demo.word("http_url"));
    assert!(url.ip().is_loopback());
    assert_eq!(client::send(url, "GET", "/api/v1/default/tickets", &[]).await.status, 401);
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_http_runs_alone_and_says_what_is_missing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let nats = Nats::start(dir.path()).await;
    let mut command = guichet();
    command.args(["http", "--nats-url", &nats.url(), "--data-dir"]).arg(dir.path().join("http"));
    let http = Process::spawn("http", command, dir.path());
    let file = dir.path().join("http/http.json");
    let within = Duration::from_secs(30);
    let run: Value = until("http writes http.json", within, async || {
        serde_json::from_slice(&std::fs::read(&file).ok()?).ok()
    })
    .await;
    let url = address(run["http_url"].as_str().expect("a url"));
    assert_eq!(client::send(url, "GET", "/healthz", &[]).await.status, 200);
    let unready = client::send(url, "GET", "/readyz", &[]).await;
    assert_eq!((unready.status, unready.json()["ready"].clone()), (503, json!(false)));
    let _engine = engine(&nats.url(), dir.path());
    let _worker = worker(&nats.url(), dir.path());
    until("it is ready", Duration::from_secs(60), async || {
        (client::send(url, "GET", "/readyz", &[]).await.status == 200).then_some(())
    })
    .await;
    let token = format!("Bearer {}", run["http_token"].as_str().expect("a token"));
    let tickets = client::send(url, "GET", "/api/v1/default/tickets", &[("Authorization", &token)]).await;
    assert_eq!((tickets.status, &tickets.json()["ok"]), (200, &json!(true)));
    assert!(http.terminate().await.success());
    assert!(!file.exists(), "http.json is gone with the process");
}
