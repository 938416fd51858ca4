//! The weekly backlog of both data sets: what an independent script found in the raw files, what the built-in report says,
//! and what SQL gives, over the log and over the export, by the code of the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::asked::{export, path, rows};
use crate::harness::{Serve, Settings, guichet, project, python, shared, until};
use crate::import::Export;

const READERS: &[&str] = &["duckdb==2.0.0", "polars==2.1.0", "pandas==3.1.1", "pyarrow==26.0.0"];
const WITHIN: Duration = Duration::from_secs(300);

/// A data set, and the weeks that the truth has of it.
struct Set {
    export: Export,
    truth: &'static str,
    /// Zone of the weeks, and under which name the truth has them.
    series: &'static [(&'static str, &'static str)],
}

fn servicenow() -> Option<Set> {
    let file = shared("data/uci-servicenow/incident_event_log.csv.zst")?;
    let export = Export { file, mapping: "servicenow", zone: None, window: None };
    Some(Set { export, truth: "uci_truth.json", series: &[("UTC", "weekly")] })
}

fn bpi2013() -> Option<Set> {
    let file = shared("data/bpic13-volvo/BPI_Challenge_2013_incidents.xes.gz")?;
    let export = Export { file, mapping: "bpi2013", zone: None, window: None };
    let series = &[("UTC", "weekly_utc"), ("Europe/Stockholm", "weekly_local_wall_clock")];
    Some(Set { export, truth: "bpic13_incidents_truth.json", series })
}

/// A node that holds a data set, and what it answered while it ran.
struct Held {
    node: Serve,
    truth: Value,
    /// Rows of the report, by zone, from the query and from SQL.
    reports: Vec<(Vec<Value>, Vec<Value>)>,
    live: Vec<Value>,
}

const BY_EVENTS: &str = "
    SELECT cast(date_trunc('week', occurred_at AT TIME ZONE 'THERE') AS date) AS week,
           count(*) FILTER (WHERE type = 'TicketCreated') AS created,
           count(*) FILTER (WHERE type = 'TicketResolved') AS resolved,
           count(*) FILTER (WHERE type = 'TicketReopened') AS reopened,
           count(*) FILTER (WHERE type = 'TicketClosed') AS closed
    FROM events GROUP BY 1 ORDER BY 1";

fn by_events(zone: &str, more: &[&str]) -> Vec<Value> {
    let rows = rows(&BY_EVENTS.replace("THERE", zone), more);
    let counts =
        |row: &Value| ["created", "resolved", "reopened", "closed"].iter().any(|name| row[name] != 0);
    rows.into_iter().filter(counts).collect()
}

impl Held {
    async fn with(set: &Set) -> Self {
        let mut node = Serve::start(Settings::default()).await;
        let summary = set.export.run(node.url(), node.dir()).await;
        let desk = node.desk().await;
        desk.folded(summary.position).await;
        let data = node.dir().join("data");
        until("the newest checkpoint covers the import", WITHIN, async || {
            let newest = rows("select max(position) as newest from events", &["--data-dir", path(&data)]);
            (newest[0]["newest"].as_u64()? >= summary.position).then_some(())
        })
        .await;
        let truth = shared(&format!("data/truth/{}", set.truth)).expect("the truth lies beside the data");
        let truth: Value = serde_json::from_slice(&fs::read(truth).expect("it can be read")).expect("JSON");
        let mut reports = Vec::new();
        for (zone, series) in set.series {
            let (from, to) = days(truth[series].as_array().expect("weeks"));
            let question = json!({"from": from, "to": to, "zone": zone, "min_position": summary.position, "limit": 1000});
            let asked = desk.query("report_backlog", question).await;
            let fields = [format!("from={from}"), format!("to={to}"), format!("zone={zone}")];
            let set: Vec<&str> = fields.iter().flat_map(|field| ["--set", field.as_str()]).collect();
            let told = rows(
                "select * from reports.backlog order by \"from\"",
                &[&["--data-dir", path(&data)], &set[..]].concat(),
            );
            reports.push((asked["data"].as_array().expect("rows").clone(), told));
        }
        let live = by_events("UTC", &["--data-dir", path(&data)]);
        assert!(node.stop().await.success());
        Self { node, truth, reports, live }
    }

    fn data(&self) -> PathBuf {
        self.node.dir().join("data")
    }
}

/// The Monday of the first week, and the one after the last.
fn days(weeks: &[Value]) -> (String, String) {
    let day = |week: &Value| -> chrono::NaiveDate {
        week["week_start"].as_str().expect("a day").parse().expect("a day")
    };
    let last = day(weeks.last().expect("weeks")) + chrono::Days::new(7);
    (day(&weeks[0]).to_string(), last.to_string())
}

/// Counts of weeks as SQL gives them, beside those of the truth.
fn compare(found: &[Value], weeks: &[Value]) {
    let busy =
        |week: &&Value| ["created", "resolved", "reopened", "closed"].iter().any(|name| week[name] != 0);
    let expected: Vec<&Value> = weeks.iter().filter(busy).collect();
    assert_eq!(found.len(), expected.len());
    for (row, week) in found.iter().zip(expected) {
        assert_eq!(row["week"], week["week_start"]);
        for name in ["created", "resolved", "reopened", "closed"] {
            assert_eq!(row[name], week[name], "{name} in {}", week["week_start"]);
        }
    }
}

/// What the query says and what SQL says are the same, but for the form of what is within a field.
fn same_report((asked, told): &(Vec<Value>, Vec<Value>), weeks: &[Value]) {
    assert_eq!((asked.len(), told.len()), (weeks.len(), weeks.len()));
    for ((theirs, ours), week) in asked.iter().zip(told).zip(weeks) {
        for (name, value) in theirs.as_object().expect("a row") {
            // Positions of an answer go on with the log; instants have another number of zeros.
            if !["from", "to", "as_of_position", "running"].contains(&name.as_str()) {
                assert_eq!(&ours[name], value, "{name} of {}", theirs["period"]);
            }
        }
        assert_eq!(ours["unresolved_at_end"], week["backlog_end"], "{}", week["week_start"]);
    }
}

async fn every_way(set: &Set) {
    let held = Held::with(set).await;
    for ((zone, series), report) in set.series.iter().zip(&held.reports) {
        let weeks = held.truth[series].as_array().expect("weeks");
        compare(&by_events(zone, &["--source", path(&held.data())]), weeks);
        same_report(report, weeks);
    }
    let (backup, desk) = (held.node.dir().join("backup"), held.node.dir().join("desk"));
    let mut back_up = guichet();
    back_up.arg("backup").arg(&backup).arg("--data-dir").arg(held.data());
    assert!(back_up.output().expect("the tool runs").status.success());
    export(&desk, &["--source", path(&held.data())]);
    for source in [&backup, &desk] {
        assert_eq!(by_events("UTC", &["--source", path(source)]), held.live, "{}", source.display());
    }
    as_of(&held, weeks_of(&held, set));
    if let Some(python) = python(READERS) {
        recipes(&python, &held, weeks_of(&held, set));
    }
}

fn weeks_of<'a>(held: &'a Held, set: &Set) -> &'a [Value] {
    held.truth[set.series[0].1].as_array().expect("weeks")
}

/// As of the end of a week, the backlog is that of the week, counted in three ways.
fn as_of(held: &Held, weeks: &[Value]) {
    for n in [3, 7] {
        let seen = weeks.len() * n / 10;
        let (_, end) = days(&weeks[..seen]);
        let instant = format!("{end}T00:00:00Z");
        let data = held.data();
        let source = ["--source", path(&data), "--as-of", &instant];
        let left = &weeks[seen - 1]["backlog_end"];
        let of_tickets =
            "select count(*) as open from tickets where state not in ('resolved', 'closed', 'cancelled')";
        assert_eq!(&rows(of_tickets, &source)[0]["open"], left, "tickets as of {instant}");
        let of_report =
            "select unresolved_at_end as open from reports.backlog order by \"from\" desc limit 1";
        assert_eq!(&rows(of_report, &source)[0]["open"], left, "the report as of {instant}");
        let of_states = "select count(*) as open from status_intervals
            where to_at is null and state not in ('resolved', 'closed', 'cancelled')";
        assert_eq!(&rows(of_states, &source)[0]["open"], left, "states as of {instant}");
    }
}

/// Runs the code of the page.
fn recipes(python: &Path, held: &Held, weeks: &[Value]) {
    let expected = held.node.dir().join("weeks.json");
    fs::write(&expected, serde_json::to_vec(weeks).expect("JSON")).expect("room on the disk");
    let ours = guichet();
    let output = Command::new(python)
        .arg(project("tests/sql/recipes.py"))
        .args([&project("docs/SQL.md"), &expected, &held.data()])
        .arg(ours.get_program())
        .current_dir(held.node.dir())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python runs");
    let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().last(), Some("done: guichet sql, DuckDB, Polars, pandas"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_weeks_of_the_servicenow_year_are_the_truth_in_every_way() {
    let Some(set) = servicenow() else { return };
    every_way(&set).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_weeks_of_the_bpi_incidents_are_the_truth_in_every_way() {
    let Some(set) = bpi2013() else { return };
    every_way(&set).await;
}
