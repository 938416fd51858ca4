//! The same rows from wherever the history lies, and as of any position those of its first events.

use std::path::{Path, PathBuf};
use std::time::Duration;

use guichet_schemas::verb::QUERIES;
use serde_json::Value;

use crate::asked::{export, path, rows};
use crate::harness::desk::Desk;
use crate::harness::{Serve, Settings, guichet, until};

const WITHIN: Duration = Duration::from_secs(120);

/// Every table, with all its columns, in an order of its own.
const TABLES: &[(&str, &str)] = &[
    ("events", "position"),
    ("tickets", "number"),
    ("status_intervals", "number, sequence"),
    ("assignments", "number, sequence"),
    ("sla_instances", "number, metric, instance"),
];

fn tables(more: &[&str]) -> Vec<(String, Vec<Value>)> {
    let of = |(table, order): &(&str, &str)| {
        let question = format!("select * from {table} order by {order}");
        ((*table).to_owned(), rows(&question, more))
    };
    TABLES.iter().map(of).collect()
}

fn everything(more: &[&str]) -> Vec<(String, Vec<Value>)> {
    let of = |report: &str| {
        let question = format!("select * from reports.{report} order by 1, 2, 3");
        (report.to_owned(), rows(&question, &[more, &["--set", "period=day"]].concat()))
    };
    tables(more).into_iter().chain(reports().map(of)).collect()
}

/// Every report but that of figures, which counts what a desk defined.
fn reports() -> impl Iterator<Item = &'static str> {
    QUERIES.iter().filter_map(|name| name.strip_prefix("report_")).filter(|report| *report != "figure")
}

fn same(found: &[(String, Vec<Value>)], expected: &[(String, Vec<Value>)], whence: &str) {
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        assert_eq!(found.len(), expected.len(), "rows of {name} from {whence}");
        for (row, wanted) in found.iter().zip(expected) {
            assert_eq!(row, wanted, "{name} from {whence}");
        }
    }
    assert_eq!(found.len(), expected.len());
}

/// A desk with promises on which something of everything happened; gives the newest position.
async fn busy(node: &Serve, desk: &Desk) -> u64 {
    let (config, data) = (node.dir().join("desk.toml"), node.dir().join("data"));
    let run = |words: &[&str]| {
        let output = guichet().args(words).output().expect("the tool runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
    };
    run(&["init", "--template", "small-team", path(&config)]);
    run(&["config", "apply", path(&config), "--data-dir", path(&data)]);
    desk.open_tickets("asked", 60).await;
    let send = |words: &str| {
        let words: Vec<&str> = words.split(' ').chain(["--data-dir", path(&data)]).collect();
        run(&words);
    };
    for n in 1..=12 {
        send(&format!("send assign T-{n} --set assignee=bob --set group=support"));
        if n % 2 == 0 {
            send(&format!("send resolve T-{n} --set code=workaround --set summary=done"));
        } else if n % 3 == 0 {
            send(&format!("send set_status T-{n} --set to=hold --set hold_reason=vendor"));
        }
        if n % 4 == 0 {
            send(&format!("send reopen T-{n} --set reason=again"));
        }
    }
    desk.head().await
}

struct Sources {
    node: Serve,
    live: Vec<(String, Vec<Value>)>,
    middle: u64,
    newest: u64,
}

impl Sources {
    async fn new() -> Self {
        let mut node = Serve::start(Settings::default()).await;
        let desk = node.desk().await;
        let newest = busy(&node, &desk).await;
        let data = node.dir().join("data");
        until("the newest checkpoint covers all", WITHIN, async || {
            let found = rows("select max(position) as newest from events", &["--data-dir", path(&data)]);
            (found[0]["newest"].as_u64()? >= newest).then_some(())
        })
        .await;
        let to = newest.to_string();
        let live = everything(&["--data-dir", path(&data), "--as-of-position", &to]);
        assert!(node.stop().await.success());
        Self { node, live, middle: newest * 2 / 3, newest }
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.node.dir().join(name)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_its_folder_its_copies_and_its_export_give_the_same_rows_now_and_as_of_any_position() {
    let sources = Sources::new().await;
    let [data, backup, lake, earlier] = ["data", "backup", "lake", "earlier"].map(|name| sources.dir(name));
    let mut back_up = guichet();
    back_up.arg("backup").arg(&backup).arg("--data-dir").arg(&data);
    assert!(back_up.output().expect("the tool runs").status.success());
    let (newest, middle) = (sources.newest.to_string(), sources.middle.to_string());
    export(&lake, &["--source", path(&data), "--to", &newest]);
    export(&earlier, &["--source", path(&data), "--to", &middle]);
    assert!(sources.live.iter().all(|(name, rows)| !rows.is_empty() || name == "sla"), "a table is empty");

    let (copy, key) = (backup.join("log"), data.join("log.vkey"));
    let places: [(&str, Vec<&str>); 4] = [
        ("the stopped folder", vec!["--source", path(&data)]),
        ("the backup", vec!["--source", path(&backup)]),
        ("the copy for auditors", vec!["--source", path(&copy), "--key", path(&key)]),
        ("the export", vec!["--source", path(&lake)]),
    ];
    let prefix = everything(&["--source", path(&earlier)]);
    for (name, source) in places {
        same(&everything(&[&source[..], &["--as-of-position", &newest]].concat()), &sources.live, name);
        // The fold of the first events alone.
        same(&everything(&[&source[..], &["--as-of-position", &middle]].concat()), &prefix, name);
    }
    let instant = instant_of(&data, sources.middle);
    let then = tables(&["--source", path(&data), "--as-of", &instant]);
    let known = rows(
        &format!("select max(position) as last from events where occurred_at < '{instant}'"),
        &["--source", path(&data)],
    );
    let known = known[0]["last"].to_string();
    // Nothing was told late at this desk: what had happened by then is what was known. Clocks run on to the instant.
    let expected = tables(&["--source", path(&data), "--as-of-position", &known]);
    same(&then[..4], &expected[..4], "an instant");
}

fn instant_of(data: &Path, position: u64) -> String {
    let question = format!(
        "select recorded_at as at from events where position >= {position} order by position limit 1"
    );
    rows(&question, &["--source", path(data)])[0]["at"].as_str().expect("an instant").to_owned()
}
