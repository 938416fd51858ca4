//! What is asked wrong or too much is said, and by which exit code; what is asked well is written in each form.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::asked::{path, refused, rows, sql};
use crate::harness::{Serve, Settings, guichet, until};

const WITHIN: Duration = Duration::from_secs(120);
const USAGE: Option<i32> = Some(2);
const REFUSED: Option<i32> = Some(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_in_each_form_or_told_what_is_wrong_with_it() {
    let mut node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let newest = desk.open_tickets("asked", 400).await;
    let data = node.dir().join("data");
    until("the newest checkpoint covers all", WITHIN, async || {
        let found = rows("select max(position) as newest from events", &["--data-dir", path(&data)]);
        (found[0]["newest"].as_u64()? >= newest).then_some(())
    })
    .await;
    assert!(node.stop().await.success());
    let source = ["--source", path(&data)];
    wrong(&source);
    forms(node.dir(), &source);
    bounds(&source);
    memory(node.dir(), &source);
}

fn wrong(source: &[&str]) {
    for (question, code, says) in [
        ("select stat from tickets", USAGE, "stat"),
        ("select * from ticket", USAGE, "show tables"),
        ("select * from", USAGE, "this is no SQL"),
        ("drop table tickets", USAGE, "DDL"),
        ("set datafusion.execution.batch_size = 1", USAGE, "Statement"),
        ("copy tickets to 'out.csv'", USAGE, "DML"),
        ("select * from '/etc/passwd'", USAGE, "passwd"),
        ("select * from report('backlogs')", USAGE, "there is no report"),
        ("select * from report('backlog', 'zone=Nowhere')", USAGE, "zone"),
        ("select * from report('backlog', 'as_of=2026-01-01T00:00:00Z')", USAGE, "--as-of"),
        ("select * from reports.backlog; select 1", USAGE, "SQL"),
        ("select 1 / 0 from tickets", REFUSED, "zero"),
    ] {
        let (found, said) = refused(question, source);
        assert_eq!(found, code, "{question}: {said}");
        assert!(said.contains(says), "{question}: {said}");
    }
    let beyond = [source, &["--as-of-position", "99999999"]].concat();
    assert_eq!(refused("select 1", &beyond).0, USAGE);
    let nowhere = ["--source", "/nowhere/at/all"];
    assert_ne!(refused("select 1", &nowhere).0, Some(0));
    // Told when the report is asked, and only then.
    let zone = [source, &["--set", "zone=Nowhere"]].concat();
    assert_eq!(rows("select count(*) as n from tickets", &zone)[0]["n"], 400);
    assert_eq!(refused("select * from reports.volume", &zone).0, USAGE);
}

fn forms(dir: &Path, source: &[&str]) {
    let question = "select number, state, tags, created_at from tickets order by number limit 3";
    let table = sql(question, source);
    let text = String::from_utf8(table.stdout).expect("text");
    assert!(text.starts_with("NUMBER") && text.lines().count() == 4, "{text}");
    let csv = sql(question, &[source, &["--format", "csv"]].concat());
    let csv = String::from_utf8(csv.stdout).expect("text");
    assert!(csv.starts_with("number,state,tags,created_at\n1,new,"), "{csv}");
    let file = dir.join("three.parquet");
    let written = sql(question, &[source, &["--out", path(&file)]].concat());
    assert!(written.status.success(), "{written:?}");
    assert!(fs::read(&file).expect("it is there").starts_with(b"PAR1"));
    assert_eq!(refused(question, &[source, &["--format", "parquet"]].concat()).0, USAGE);
    assert_eq!(refused(question, &[source, &["--out", "three.xls"]].concat()).0, USAGE);
    // A file gets its name when it is complete.
    let broken = dir.join("broken.csv");
    let question = "select 1 / (number - 300) from tickets";
    assert_eq!(refused(question, &[source, &["--out", path(&broken)]].concat()).0, REFUSED);
    assert!(!broken.exists());
    let formula = sql("select '=1+1' as a, -1 as b", &[source, &["--format", "csv"]].concat());
    assert_eq!(String::from_utf8(formula.stdout).expect("text"), "a,b\n'=1+1,-1\n");
    let many = sql("select a.position from events a, events b", source);
    assert_eq!(many.status.code(), REFUSED);
    assert_eq!(String::from_utf8(many.stdout).expect("text").lines().count(), 10_001);
}

/// A bound changes what is read, never what is found.
fn bounds(source: &[&str]) {
    let all = rows("select * from events", source);
    let positions = |rows: &[Value]| rows.iter().map(|row| row["position"].as_u64()).collect::<Vec<_>>();
    assert!(positions(&all).is_sorted(), "the order of the log");
    let of_a_ticket = |row: &&Value| row["ticket_id"].is_string();
    let row = all[all.len() / 2..].iter().find(of_a_ticket).expect("an event of a ticket");
    let text = |name: &str| row[name].as_str().expect("a text");
    let (middle, kind, ticket) = (text("recorded_at"), text("type"), text("ticket_id"));
    for bound in [
        format!("recorded_at >= '{middle}'"),
        format!("recorded_at < '{middle}'"),
        format!("occurred_at <= '{middle}' and type <> '{kind}'"),
        format!("type = '{kind}' and position between 100 and 300"),
        format!("ticket_id = '{ticket}' or position = 7"),
        format!("ticket_id in ('{ticket}', 'none') and version > 1"),
        "position = 7".to_owned(),
        "position > 50 and position <= 60 and stream_kind = 'ticket'".to_owned(),
    ] {
        // Behind a limit no bound is seen.
        let plain =
            format!("select * from (select * from events limit 1000000) where {bound} order by position");
        let bounded = format!("select * from events where {bound} order by position");
        assert_eq!(rows(&bounded, source), rows(&plain, source), "{bound}");
    }
    assert_eq!(positions(&rows("select * from events limit 5", source)), positions(&all[..5]));
}

/// What does not fit is spilled where that helps, and refused where it does not.
fn memory(dir: &Path, source: &[&str]) {
    let spill = dir.join("spill");
    fs::create_dir(&spill).expect("a folder");
    let ask = |question: &str| {
        let mut command = guichet();
        command.args(["sql", question, "--memory", "16", "--json"]).args(source).env("TMPDIR", &spill);
        let output = command.output().expect("the tool runs");
        assert_eq!(fs::read_dir(&spill).expect("a folder").count(), 0, "a temporary folder is left");
        output
    };
    let sorted = ask("select count(*) as n from
        (select a.data, row_number() over (order by a.data, a.position, b.position) as place from events a, events b
         where b.position <= 100)");
    assert!(sorted.status.success(), "{sorted:?}");
    let gathered = ask("select array_length(array_agg(a.data || b.data)) as n from events a, events b");
    let said = String::from_utf8_lossy(&gathered.stderr).into_owned();
    assert_eq!(gathered.status.code(), REFUSED, "{said}");
    assert!(said.contains("--memory"), "{said}");
}
