//! The weekly rows, reopen figures and resolution times of the truth, as reports: as of now, as of ten past weeks,
//! after a restart, and whatever the encoding of the question.

use serde_json::{Value, json};

use super::loaded::{bpi2013, servicenow};
use super::servicenow::LIFTED;
use super::{truth_rows, truth_totals};
use crate::desk::{Desk, id};
use crate::harness::{Serve, Settings};
use crate::import::Export;
use crate::rebuild::rebuilt;

/// Rounding of the truth's ratios, and of its hours.
const ROUNDING: f64 = 0.5e-6 + 1e-9;

/// A desk that holds one export.
struct Loaded {
    node: Serve,
    desk: Desk,
    /// Head of the log: what every answer must have seen.
    head: u64,
}

impl Loaded {
    async fn new(export: &Export) -> Self {
        let node = Serve::start(Settings::default()).await;
        export.run(node.url(), node.dir()).await;
        let desk = node.desk().await;
        let head = desk.head().await;
        let any = json!({"from": "2013-01-01", "to": "2013-01-02", "period": "range"});
        desk.answers("report_backlog", any, head).await;
        Self { node, desk, head }
    }

    /// All rows of a report, page after page.
    async fn report(&self, name: &str, mut question: Value) -> Vec<Value> {
        question["min_position"] = self.head.into();
        question["wait_ms"] = 8_000.into();
        let mut rows = Vec::new();
        loop {
            let page = self.desk.query(name, question.clone()).await;
            rows.extend(page["data"].as_array().expect("rows").iter().cloned());
            question["cursor"] = page["next_cursor"].clone();
            if question["cursor"].is_null() {
                return rows;
            }
        }
    }

    async fn one(&self, name: &str, question: Value) -> Value {
        let rows = self.report(name, question).await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows[0].clone()
    }
}

/// The days of the truth's weeks: the Monday of the first, and the Monday after the last.
fn days(weeks: &[Value]) -> (String, String) {
    let day = |week: &Value| -> chrono::NaiveDate {
        week["week_start"].as_str().expect("a day").parse().expect("a day")
    };
    let last = day(weeks.last().expect("weeks")) + chrono::Days::new(7);
    (day(&weeks[0]).to_string(), last.to_string())
}

fn compare(weeks: &[Value], rows: &[Value]) {
    assert_eq!(rows.len(), weeks.len());
    for (week, row) in weeks.iter().zip(rows) {
        let name = &week["iso_week"];
        assert_eq!(&row["period"], name);
        for (theirs, ours) in [
            ("created", "created"),
            ("resolved", "resolve_events"),
            ("reopened", "reopened"),
            ("closed", "closed"),
            ("backlog_end", "unresolved_at_end"),
        ] {
            assert_eq!(row[ours], week[theirs], "{ours} of {name}");
        }
        match (row["backlog_ratio_events"].as_f64(), week["backlog_ratio"].as_f64()) {
            (None, None) => {}
            (Some(ours), Some(theirs)) => {
                assert!((ours - theirs).abs() <= ROUNDING, "{name}: ours {ours}, truth {theirs}")
            }
            // The truth writes null for every week without a resolution; where nothing is left, ours is 0.
            (Some(ours), None) => assert_eq!((ours, &week["backlog_end"]), (0.0, &json!(0)), "{name}"),
            (None, Some(theirs)) => panic!("{name}: the truth has {theirs}"),
        }
    }
}

/// Every weekly row as of now, and as of the end of ten past weeks.
async fn weekly(loaded: &Loaded, weeks: &[Value], zone: &str) {
    let (from, to) = days(weeks);
    let question = json!({"from": from, "to": to, "zone": zone, "period": "week"});
    let now = loaded.report("report_backlog", question.clone()).await;
    compare(weeks, &now);
    for n in 1..=10 {
        let seen = weeks.len() * n / 11;
        let end = &now[seen - 1]["to"];
        let mut past = question.clone();
        past["as_of"] = end.clone();
        past["to"] = end.clone();
        compare(&weeks[..seen], &loaded.report("report_backlog", past).await);
    }
    let mut known = question;
    known["as_of_position"] = loaded.head.into();
    compare(weeks, &loaded.report("report_backlog", known).await);
}

/// Count, sum and spread of durations, which the truth gives in hours; ours may be longer by so many seconds in all.
fn times(ours: &Value, truth: &Value, longer: u64) {
    assert_eq!(ours["n"], truth["n"]);
    assert_eq!(ours["sum"].as_u64(), truth["sum_seconds"].as_u64().map(|sum| sum + longer));
    let longer_mean_h = longer as f64 / 3600.0 / truth["n"].as_f64().expect("a count");
    for (name, theirs) in [("mean", "mean_h"), ("p50", "median_h"), ("p90", "p90_linear_h"), ("max", "max_h")]
    {
        let (ours, theirs) =
            (ours[name].as_f64().expect("a figure"), truth[theirs].as_f64().expect("a figure"));
        let theirs = if name == "mean" { theirs + longer_mean_h } else { theirs };
        assert!((ours / 3600.0 - theirs).abs() <= ROUNDING, "{name}: ours {}, truth {theirs}", ours / 3600.0);
    }
}

/// Figures as a desk would define them, each beside the built-in one that counts the same.
const FIGURES: &[(&str, &str, &str)] = &[
    ("created", "event == 'TicketCreated' && !merged", "created"),
    ("resolved", "event == 'TicketResolved'", "resolve_events"),
    ("reopened", "event == 'TicketReopened'", "reopened"),
    ("closed", "event == 'TicketClosed' && status_before != 'closed'", "closed"),
];

/// Published after the history, each figure is the built-in one: week by week, now and as of instants and positions.
async fn configured(loaded: &mut Loaded, weeks: &[Value], zone: &str) {
    let counts = FIGURES.iter().map(|(name, filter, _)| (*name, json!({"count": filter})));
    let first_resolution = json!({"from": "event == 'TicketCreated'", "to": "event == 'TicketResolved'"});
    let cohort = "event == 'TicketResolved' && resolutions == 1";
    let reopened = json!({"from": cohort, "to": "event == 'TicketReopened' && reopens == 1", "dated": "from", "within_s": 604_800});
    let others = [
        ("came", json!({"count": "unresolved && !unresolved_before"})),
        ("went", json!({"count": "!unresolved && unresolved_before"})),
        (
            "first-resolution",
            json!({"duration": first_resolution, "still": "status in ['resolved', 'closed']"}),
        ),
        ("cohort", json!({"count": cohort})),
        ("reopened-of-cohort", json!({"duration": reopened})),
    ];
    for (n, (name, mut body)) in counts.chain(others).enumerate() {
        body["title"] = json!({"en": name});
        let data = json!({"kind": "figure", "id": name, "body": body});
        let command =
            json!({"command_id": id("figures", n), "actor": {"kind": "admin", "id": "ana"}, "data": data});
        let subject = "guichet.v1.cmd.default.cli.config.publish_config".to_owned();
        let published = loaded.desk.request(subject, &command).await.expect("an answer");
        loaded.head = published.position();
    }
    let (from, to) = days(weeks);
    let mut asked = vec![json!({}), json!({"as_of_position": loaded.head / 3})];
    // Some instants in the middle of some week.
    asked.extend([3, 7].map(|nth| json!({"as_of": weeks[weeks.len() * nth / 9]["week_start"].as_str().map(|day| format!("{day}T13:37:11Z"))})));
    for mut question in asked {
        question.as_object_mut().expect("an object").extend([
            ("from".to_owned(), from.clone().into()),
            ("to".to_owned(), to.clone().into()),
            ("zone".to_owned(), zone.into()),
            ("period".to_owned(), "week".into()),
        ]);
        let built_in = loaded.report("report_backlog", question.clone()).await;
        let rates = loaded.report("report_reopen_rate", question.clone()).await;
        let of = async |name: &str, mut question: Value| {
            question["figure"] = name.into();
            loaded.report("report_figure", question).await
        };
        for (name, _, figure) in FIGURES {
            let rows = of(name, question.clone()).await;
            assert_eq!(rows.len(), built_in.len());
            for (row, theirs) in rows.iter().zip(&built_in) {
                assert_eq!(row["count"], theirs[*figure], "{name} in {} by {question}", row["period"]);
            }
            if *name == "resolved" {
                let tickets =
                    rows.iter().zip(&built_in).all(|(row, theirs)| row["tickets"] == theirs["resolved"]);
                assert!(tickets, "distinct tickets by {question}");
            }
        }
        let (came, went) = (of("came", question.clone()).await, of("went", question.clone()).await);
        let (cohort, again) =
            (of("cohort", question.clone()).await, of("reopened-of-cohort", question.clone()).await);
        let count = |row: &Value, figure: &str| row[figure].as_u64().expect("a count");
        for (n, row) in built_in.iter().enumerate() {
            let left = count(&came[n], "total") - count(&went[n], "total");
            assert_eq!(left, count(row, "unresolved_at_end"), "{} by {question}", row["period"]);
            let r1 = &rates[n]["r1"];
            assert_eq!(
                (&again[n]["count"], &cohort[n]["count"]),
                (&r1["numerator"], &r1["denominator"]),
                "{question}"
            );
        }
        question["period"] = "range".into();
        question["to"] = question["as_of"].as_str().map_or(json!(to), |as_of| json!(as_of));
        let built_in = loaded.one("report_resolution_time", question.clone()).await;
        let rows = of("first-resolution", question.clone()).await;
        assert_eq!(rows[0]["duration"], built_in["first"], "{question}");
    }
}

#[tokio::test]
async fn the_reports_of_the_bpi_incidents_are_those_of_the_truth() {
    let Some(export) = bpi2013() else { return };
    let mut loaded = Loaded::new(&export).await;
    let truth = truth_totals("bpic13_incidents_truth.json");
    let weeks = |name: &str| truth[name].as_array().expect("weeks").clone();
    weekly(&loaded, &weeks("weekly_local_wall_clock"), "Europe/Stockholm").await;
    weekly(&loaded, &weeks("weekly_utc"), "UTC").await;
    configured(&mut loaded, &weeks("weekly_utc"), "UTC").await;

    let (from, to) = days(&weeks("weekly_utc"));
    let whole = json!({"from": from, "to": to, "period": "range"});
    let reopened = loaded.one("report_reopen_rate", whole.clone()).await;
    assert_eq!(reopened["r2"]["numerator"], truth["reopen"]["events"]);
    assert_eq!(reopened["r2"]["denominator"], truth["events"]["resolved_total"]);
    let theirs = truth["reopen"]["per_resolution_rate"].as_f64().expect("a rate");
    assert!((reopened["r2"]["value"].as_f64().expect("a rate") - theirs).abs() <= ROUNDING);
    let tickets: Vec<Ticket> = truth_rows("bpic13_incidents_tickets.csv.gz");
    let again = tickets.iter().filter(|t| t.resolved_at_end == 1 && t.reopen_count > 0).count();
    assert_eq!(reopened["r3"]["numerator"], again);
    let by_resolver = |figure: &str| -> u64 {
        let shares = reopened["r5"].as_array().expect("resolvers");
        shares.iter().map(|share| share[figure].as_u64().expect("a count")).sum()
    };
    assert_eq!(by_resolver("reopens_charged"), truth["reopen"]["events"].as_u64().expect("a count"));

    let resolution = loaded.one("report_resolution_time", whole.clone()).await;
    times(&resolution["first"], &truth["resolution_time"]["first_resolve_minus_created"], 0);
    let of_done = &truth["resolution_time"]["last_resolve_minus_created_tickets_resolved_at_end"];
    times(&resolution["full"], of_done, 0);
    let mut by_priority = whole.clone();
    by_priority["group_by"] = "priority".into();
    let rows = loaded.report("report_resolution_time", by_priority).await;
    assert_eq!(rows.len(), 4);
    for row in rows {
        let impact = match row["priority"].as_str() {
            Some("urgent") => "Major",
            Some("high") => "High",
            Some("normal") => "Medium",
            Some("low") => "Low",
            other => panic!("no such priority: {other:?}"),
        };
        times(&row["full"], &truth["resolution_time_by_final_impact"][impact], 0);
    }

    let hands = loaded.one("report_reassignment", whole.clone()).await;
    assert_eq!(hands["group_changes"], truth["reassignment"]["group_changes"]);
    assert_eq!(hands["reassignments"], truth["reassignment"]["agent_changes"]);
    let escalation = loaded.one("report_escalation", whole.clone()).await;
    assert_eq!(escalation["escalations"], truth["reassignment"]["escalations_up"]);
    assert_eq!(escalation["returned"], truth["reassignment"]["deescalations"]);

    // Rebuilt beside the live one, killed and started again, it says the same.
    let before = loaded.report("report_backlog", whole.clone()).await;
    rebuilt(&loaded.node, "reports");
    assert_eq!(loaded.report("report_backlog", whole.clone()).await, before);
    loaded.node.kill();
    loaded.node.launch().await;
    loaded.desk = loaded.node.desk().await;
    let mut after = loaded.report("report_backlog", whole).await;
    // The new start is an event too.
    after.iter_mut().zip(&before).for_each(|(a, b)| a["as_of_position"] = b["as_of_position"].clone());
    assert_eq!(after, before);
    assert!(loaded.node.stop().await.success());
}

#[tokio::test]
async fn the_reports_of_the_servicenow_year_are_those_of_the_truth() {
    let Some(export) = servicenow() else { return };
    let mut loaded = Loaded::new(&export).await;
    let truth = truth_totals("uci_truth.json");
    let weeks = truth["weekly"].as_array().expect("weeks").clone();
    weekly(&loaded, &weeks, "UTC").await;
    configured(&mut loaded, &weeks, "Europe/Paris").await;
    let (from, to) = days(&weeks);
    let whole = json!({"from": from, "to": to, "period": "range"});
    let resolution = loaded.one("report_resolution_time", whole.clone()).await;
    times(
        &resolution["first"],
        &truth["resolution_time"]["first_resolve_minus_opened"],
        LIFTED.1.unsigned_abs(),
    );
    times(
        &resolution["full"],
        &truth["resolution_time"]["last_resolve_minus_opened"],
        LIFTED.1.unsigned_abs(),
    );
    let reopened = loaded.one("report_reopen_rate", whole).await;
    assert_eq!(reopened["r2"]["numerator"], truth["reopen"]["events"]);
    assert_eq!(reopened["r2"]["denominator"], truth["events"]["resolved_total"]);
    assert!(loaded.node.stop().await.success());
}

/// What of a ticket's row the reports are compared with.
#[derive(Debug, serde::Deserialize)]
struct Ticket {
    reopen_count: u64,
    resolved_at_end: u32,
}
