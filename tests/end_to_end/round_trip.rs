//! A desk's own export, imported into an empty desk: the same tickets, the same timelines but for the stamps of the desk
//! itself, and every report as of every instant at which something happened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use guichet_schemas::verb::QUERIES;
use serde_json::{Value, json};

use crate::desk::{Desk, id, new_ticket};
use crate::harness::{Serve, Settings, guichet, long, project, until};
use crate::import::Export;
use crate::truth::{bpi2013, servicenow};

const WITHIN: Duration = Duration::from_secs(300);

/// Promises that hold since before anything happened, so that both desks count the same.
const PROMISES: &str = r#"
[sla_policies]
effective_from = "2000-01-01T00:00:00Z"

[[sla_policies.policies]]
id = "all"
targets = [
  { metric = "first_reply", seconds = 3600, hours = "calendar" },
  { metric = "resolution", seconds = 28800, hours = "calendar" },
]
"#;

async fn configured() -> (Serve, Desk) {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let file = node.dir().join("promises.toml");
    fs::write(&file, PROMISES).expect("a file of the test");
    let mut apply = guichet();
    apply.args(["config", "apply"]).arg(&file).args(["--nats-url", node.url()]);
    let output = apply.output().expect("the tool runs");
    assert!(output.status.success(), "{output:?}");
    (node, desk)
}

/// A few tickets with a life of their own.
async fn live(desk: &Desk) {
    let mut n = 0;
    for ticket in 0..4 {
        let mut command = async |entity: &str, verb: &str, data: Value| {
            n += 1;
            let reply = desk.command(entity, verb, id("round trip", n), data).await;
            assert!(reply.is_ok(), "{verb}: {}", reply.body);
            reply.body
        };
        let created = command("new", "create", new_ticket(ticket)).await;
        let of = created["ticket_id"].as_str().expect("a ticket").to_owned();
        command(&of, "assign", json!({"assignee": "ann", "group": "desk"})).await;
        command(&of, "add_comment", json!({"body": "We look at it.", "visibility": "public"})).await;
        if ticket > 0 {
            command(&of, "change_tags", json!({"add": ["cable"]})).await;
            command(&of, "set_priority", json!({"priority": "high"})).await;
            command(&of, "resolve", json!({"code": "defect", "summary": "A new cable."})).await;
        }
        if ticket > 1 {
            command(&of, "reopen", json!({"reason": "dark again"})).await;
        }
        if ticket > 2 {
            command(
                &of,
                "escalate",
                json!({"kind": "functional", "to_tier": 2, "reason": "expertise", "tags": ["cable"]}),
            )
            .await;
            command(&of, "cancel", json!({"reason": "withdrawn"})).await;
        }
    }
}

/// Exports the whole history; gives how many personal texts stayed behind.
async fn exported(node: &Serve, head: u64, to: &Path) {
    let data = node.dir().join("data").display().to_string();
    until("the newest checkpoint covers all", WITHIN, async || {
        let mut export = guichet();
        let output = export
            .args(["export", "-", "--format", "ndjson", "--data-dir", &data])
            .output()
            .expect("the tool runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let reached = text.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
        let reached = reached.and_then(|event| event["sequence"].as_str()?.parse::<u64>().ok());
        let complete = output.status.success() && reached.is_some_and(|reached| reached >= head);
        complete.then(|| fs::write(to, &text).expect("a file of the test"))
    })
    .await;
}

/// Fields that a desk stamps itself, or that hold what does not travel.
const STAMPS: &[&str] = &[
    "ticket_id",
    "number",
    "position",
    "age_ms",
    "time_in_state_ms",
    "external_ref",
    "imported",
    "as_of_position",
    "subject",
    "description",
    "body",
    "summary",
    "requester_name",
    "requester_email",
    "requester_phone",
    "sla_clocks",
    "version",
    "created_command_id",
    "updated_at",
];

fn without_stamps(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let is_stamp = |name: &str| STAMPS.contains(&name) || name.ends_with("command_id");
            let kept = fields.iter().filter(|(name, _)| !is_stamp(name));
            Value::Object(kept.map(|(name, value)| (name.clone(), without_stamps(value))).collect())
        }
        Value::Array(list) => list.iter().map(without_stamps).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// What a desk says of its tickets, by what the other desk knows them by.
struct Told {
    tickets: BTreeMap<String, Value>,
    timelines: BTreeMap<String, Vec<Value>>,
    instants: BTreeSet<String>,
}

async fn told(desk: &Desk, every: usize) -> Told {
    let mut told = Told { tickets: BTreeMap::new(), timelines: BTreeMap::new(), instants: BTreeSet::new() };
    for (n, view) in desk.tickets().await.into_iter().enumerate() {
        let known_by = |view: &Value| {
            view["external_ref"]["id"].as_str().or(view["ticket_id"].as_str()).map(str::to_owned)
        };
        let name = known_by(&view).expect("a ticket has an id");
        if n % every == 0 {
            let timeline =
                desk.query("timeline", json!({"ticket_id": view["ticket_id"], "limit": 1000})).await;
            let entries = timeline["data"].as_array().expect("a list").clone();
            told.instants
                .extend(entries.iter().filter_map(|entry| entry["occurred_at"].as_str().map(str::to_owned)));
            let facts = entries.iter().filter(|entry| {
                let name = entry["type"].as_str().expect("a type");
                name != "TicketImported" && !name.starts_with("Sla")
            });
            let kept = |entry: &Value| {
                let of = |field: &str| without_stamps(&entry[field]);
                json!({"type": entry["type"], "at": entry["occurred_at"], "actor": of("actor"), "data": of("data")})
            };
            told.timelines.insert(name.clone(), facts.map(kept).collect());
        }
        told.tickets.insert(name, without_stamps(&view));
    }
    told
}

async fn same_reports(one: &Desk, other: &Desk, instants: impl Iterator<Item = &String>) {
    let heads = [one.head().await, other.head().await];
    let mut compared = 0;
    for as_of in instants {
        let reports = QUERIES.iter().filter(|name| name.starts_with("report_") && **name != "report_figure");
        for name in reports {
            let rows = async |desk: &Desk, head: u64| {
                let question =
                    json!({"as_of": as_of, "min_position": head, "wait_ms": 20_000, "limit": 1000});
                without_stamps(&desk.query(name, question).await["data"])
            };
            let (ours, theirs) = (rows(one, heads[0]).await, rows(other, heads[1]).await);
            assert_eq!(ours, theirs, "{name} as of {as_of}");
            compared += ours.as_array().map_or(0, Vec::len);
        }
    }
    assert!(compared > 100, "{compared} rows");
}

async fn round_trip(exports: &[Export], every: usize) {
    let (mut node, desk) = configured().await;
    for export in exports {
        export.run(node.url(), node.dir()).await;
    }
    live(&desk).await;
    let before = told(&desk, every).await;
    let file = node.dir().join("desk.ndjson");
    exported(&node, desk.head().await, &file).await;

    let (mut empty, other) = configured().await;
    let import = |allow: &[&str]| {
        let mut import = guichet();
        import
            .env("NATS_URL", empty.url())
            .arg("import")
            .arg(&file)
            .args(["--mapping", "guichet", "--json"])
            .args(allow);
        import.output().expect("the tool runs")
    };
    let output = import(&[]);
    let said: Value = serde_json::from_slice(&output.stdout).expect("a summary");
    assert_eq!(output.status.code(), Some(1), "texts that did not travel are no success: {said}");
    assert!(said.to_string().contains("withheld"), "{said}");
    assert_eq!((&said["rejected_rows"], &said["refused"]), (&json!(0), &json!(0)), "{said}");
    let again = import(&["--allow", "withheld"]);
    assert!(again.status.success(), "{again:?}");
    let said: Value = serde_json::from_slice(&again.stdout).expect("a summary");
    assert_eq!(said["accepted"], 0, "the same export again changes nothing: {said}");

    let after = told(&other, 1).await;
    assert_eq!(after.tickets.len(), before.tickets.len());
    for (name, ticket) in &before.tickets {
        assert_eq!(after.tickets.get(name), Some(ticket), "{name}");
    }
    for (name, timeline) in &before.timelines {
        assert_eq!(after.timelines.get(name), Some(timeline), "{name}");
    }
    let step = (before.instants.len() / 40).max(1);
    same_reports(&desk, &other, before.instants.iter().step_by(step)).await;
    assert!(node.stop().await.success());
    assert!(empty.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_imported_into_an_empty_desk_gives_the_same_desk() {
    let sample = |file: &str, mapping| {
        let file = project(&format!("replay-tools/import/mappings/samples/{file}"));
        Export { file, mapping, zone: None, window: None }
    };
    round_trip(&[sample("bpi2013.xes", "bpi2013"), sample("servicenow.csv", "servicenow")], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_data_sets_make_the_round_trip() {
    let (Some(one), Some(other)) = (servicenow(), bpi2013()) else { return };
    if long() {
        round_trip(&[one, other], 40).await;
    }
}
