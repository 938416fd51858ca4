//! What does a question cost? The weekly backlog of the ServiceNow year by DuckDB over our Parquet, by `guichet sql` over
//! the same files and over the log, and by the built-in report; and every report from nothing over a long log.

use guichet_bench_support::log::{CACHE_BYTES, WRITE_BUFFER_BYTES, fill};
use guichet_bench_support::table;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Parser;
use futures_util::StreamExt as _;
use guichet_client::ClientError;
use guichet_engine::log::{Memory, StoppedLog};
use guichet_history::HistoryError;
use guichet_history::source::{History, Source};
use guichet_schemas::verb::QUERIES;
use guichet_sql::args::SqlArgs;
use guichet_sql::{Past, ask};
use guichet_test_support::{Serve, Settings, guichet, python, shared, until};
use serde_json::json;

use crate::table::{Length, Row, print};

const WITHIN: Duration = Duration::from_secs(300);
const PASSES: usize = 9;

const WEEKS: &str = "
    SELECT date_trunc('week', occurred_at AT TIME ZONE 'UTC') AS week,
           count(*) FILTER (WHERE type = 'TicketCreated') AS created,
           count(*) FILTER (WHERE type = 'TicketResolved') AS resolved,
           count(*) FILTER (WHERE type = 'TicketReopened') AS reopened
    FROM EVENTS
    WHERE type IN ('TicketCreated', 'TicketResolved', 'TicketReopened')
    GROUP BY 1";

fn weeks(of: &str) -> String {
    let counted = WEEKS.replace("EVENTS", of);
    format!(
        "WITH weeks AS ({counted}) SELECT *, sum(created - resolved + reopened) OVER (ORDER BY week) AS backlog \
         FROM weeks ORDER BY week"
    )
}

/// Seconds of the fastest of some passes: what the machine did meanwhile only adds.
const IN_DUCKDB: &str = "
import sys, time, duckdb
question, passes, best = sys.argv[1], int(sys.argv[2]), None
for _ in range(passes):
    begun = time.perf_counter()
    rows = duckdb.sql(question).fetchall()
    took = time.perf_counter() - begun
    best = took if best is None else min(best, took)
print(len(rows), best)
";

#[tokio::main]
async fn main() {
    let length = Length::asked();
    let mut rows = Vec::new();
    if let Some(held) = Held::new().await {
        rows.extend(held.weekly().await);
    }
    rows.extend(every_report(length.pick(1_000_000, 10_000_000)).await);
    print("sql: fastest of several passes, on all cores", &rows);
}

/// The ServiceNow year, imported, stopped and exported.
struct Held {
    node: Serve,
    head: u64,
    report_first: Duration,
    report_again: Duration,
}

impl Held {
    async fn new() -> Option<Self> {
        let file = shared("data/uci-servicenow/incident_event_log.csv.zst")?;
        let mut node = Serve::start(Settings::default()).await;
        let mut import = guichet();
        import.env("NATS_URL", node.url()).arg("import").arg(file).args([
            "--mapping",
            "servicenow",
            "--json",
        ]);
        assert!(import.output().expect("the tool runs").status.success());
        let desk = node.desk().await;
        let head = desk.head().await;
        desk.folded(head).await;
        let question = json!({"from": "2016-02-29", "to": "2017-02-20", "min_position": head});
        let begun = Instant::now();
        desk.query("report_backlog", question.clone()).await;
        let report_first = begun.elapsed();
        let mut report_again = report_first;
        for _ in 0..PASSES {
            let begun = Instant::now();
            desk.query("report_backlog", question.clone()).await;
            report_again = report_again.min(begun.elapsed());
        }
        let (data, out) = (node.dir().join("data"), node.dir().join("desk"));
        until("the newest checkpoint covers the import", WITHIN, async || {
            let mut export = guichet();
            export.arg("export").arg(&out).arg("--data-dir").arg(&data).arg("--json");
            let output = export.output().expect("the tool runs");
            let told: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
            (told["position"].as_u64()? >= head).then_some(())
        })
        .await;
        assert!(node.stop().await.success());
        Some(Self { node, head, report_first, report_again })
    }

    async fn weekly(&self) -> Vec<Row> {
        let (data, out) = (self.node.dir().join("data"), self.node.dir().join("desk"));
        let by_duckdb = in_duckdb(&out);
        let by_export = fastest(&weeks("events"), || Past::Export(out.clone())).await;
        let by_log = fastest(&weeks("events"), || Past::Log(stopped(&data.join("log-0")))).await;
        let by_report = fastest(
            "select period, created, resolve_events, reopened, unresolved_at_end from reports.backlog",
            || Past::Log(stopped(&data.join("log-0"))),
        )
        .await;
        let what = |what: &str| format!("{what}, {} events", self.head);
        let mut rows: Vec<Row> =
            by_duckdb.iter().map(|took| row(&what("DuckDB over our Parquet"), *took)).collect();
        let against = by_duckdb;
        let beside = |row: Row| Row {
            against: against.map(ms),
            ratio: against.map(|against| row.figure / ms(against)),
            target: "no slower than DuckDB (ratio ≤ 1)",
            ..row
        };
        rows.push(beside(row("guichet sql over the same files", by_export)));
        rows.push(row("guichet sql over the log", by_log));
        rows.push(row("guichet sql, the table of the report, from the log", by_report));
        rows.push(row("built-in report over NATS, asked for the first time", self.report_first));
        rows.push(beside(row("built-in report over NATS, asked again", self.report_again)));
        rows
    }
}

fn row(what: &str, took: Duration) -> Row {
    Row { what: what.to_owned(), figure: ms(took), unit: "ms", ..Row::default() }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

fn in_duckdb(out: &Path) -> Option<Duration> {
    let python = python(&["duckdb==2.0.0"])?;
    let question = weeks(&format!("read_parquet('{}/events/*/*.parquet')", out.display()));
    let output =
        Command::new(python).args(["-c", IN_DUCKDB, &question, &PASSES.to_string()]).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    said.split_whitespace().last()?.parse().ok().map(Duration::from_secs_f64)
}

async fn fastest(question: &str, past: impl Fn() -> Past) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..PASSES {
        let begun = Instant::now();
        let count = count(question, past()).await;
        best = best.min(begun.elapsed());
        assert!(count > 0, "{question}");
    }
    best
}

async fn count(question: &str, past: Past) -> usize {
    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        sql: SqlArgs,
    }
    let args = Cli::parse_from(["sql", question, "--memory", "4096"]).sql;
    let mut answer = ask(&args, past).await.expect("a question");
    let mut rows = 0;
    while let Some(batch) = answer.rows.next().await {
        rows += batch.expect("rows").num_rows();
    }
    rows
}

/// The files of a log that nobody writes.
struct Files(StoppedLog);

impl Source for Files {
    fn scan(
        &self,
        first: u64,
        last: u64,
        visit: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), HistoryError> {
        let unread = |fault| ClientError::Usage(format!("{fault}"));
        Ok(self.0.scan(first, last, visit).map_err(unread)?)
    }

    fn is_here(&self) -> bool {
        true
    }
}

fn stopped(dir: &Path) -> History {
    let log =
        StoppedLog::open(dir, &Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES)).expect("a log that was closed");
    let head = log.head();
    History::new(Box::new(Files(log)), head, None)
}

/// All reports that are sums over tickets, in one question: the log is folded once for them.
async fn every_report(events: u64) -> Vec<Row> {
    let dir = tempfile::tempdir().expect("a folder for the log");
    let events = fill(dir.path(), events);
    // Clocks are another fold, and a figure is counted only where a desk defined one.
    let reports = QUERIES.iter().filter_map(|name| name.strip_prefix("report_"));
    let each: Vec<String> = reports
        .filter(|report| !matches!(*report, "sla" | "figure"))
        .map(|report| format!("(select count(*) from reports.{report}) as {report}"))
        .collect();
    let question = format!("select {}", each.join(", "));
    let begun = Instant::now();
    assert_eq!(count(&question, Past::Log(stopped(dir.path()))).await, 1);
    let seconds = begun.elapsed().as_secs_f64();
    vec![
        Row {
            what: format!("every report from nothing, {events} events"),
            figure: seconds,
            unit: "s",
            target: "10,000,000 events < 8 s on two cores (--long)",
            ..Row::default()
        },
        Row {
            what: "  events in a second".to_owned(),
            figure: events as f64 / seconds,
            unit: "events/s",
            ..Row::default()
        },
    ]
}
