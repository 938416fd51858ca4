//! A desk that is configured: files are checked, compared, published and rolled back; what is in force decides; and all
//! of it survives a restart.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::desk::{Desk, Reply, id, new_ticket};
use crate::harness::{Serve, Settings, guichet};

const DESK: &str = r#"
[calendar.paris]
tz = "Europe/Paris"
weekly.mon = [["09:00", "12:30"], ["14:00", "18:00"]]
weekly.tue = [["09:00", "18:00"]]
holidays_of = { table = "fr", years = [2026, 2027] }

[groups]
groups = [{ id = "network" }, { id = "desk" }]

[lifecycle]
escalation_needs_tag = false

[[sla_policies.policies]]
id = "all"
targets = [{ metric = "first_reply", seconds = 3600, hours = "business", calendar = "paris", warn_pct = [75] }]
"#;

struct Office(Serve);

impl Office {
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.dir().join(name);
        std::fs::write(&path, text).expect("a file of the test");
        path
    }

    /// What the tool said, and how it ended.
    fn tool(&self, words: &[&str]) -> (i32, String) {
        let mut command = guichet();
        command.args(words);
        if words.first() == Some(&"config") && words.get(1) != Some(&"check") {
            command.args(["--nats-url", self.0.url()]);
        }
        let output = command.output().expect("the tool runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().expect("an end"), String::from_utf8_lossy(&said).into_owned())
    }

    fn done(&self, words: &[&str]) -> String {
        let (code, said) = self.tool(words);
        assert_eq!(code, 0, "{words:?}: {said}");
        said
    }
}

async fn configure(desk: &Desk, caller: &str, kind: &str, series: usize, data: Value) -> Reply {
    let command =
        json!({"command_id": id("configure", series), "actor": {"kind": kind, "id": "ana"}, "data": data});
    let subject = format!("guichet.v1.cmd.default.{caller}.config.publish_config");
    desk.request(subject, &command).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_checked_compared_published_and_rolled_back() {
    let office = Office(Serve::start(Settings::default()).await);
    let desk = office.0.desk().await;
    let file = office.file("desk.toml", DESK);
    let file = file.to_str().expect("a path");

    let (code, said) = office.tool(&["config", "check", file]);
    assert_eq!(code, 0, "{said}");
    let wrong = office.file("wrong.toml", &DESK.replace("calendar = \"paris\"", "calendar = \"lyon\""));
    let (code, said) = office.tool(&["config", "check", wrong.to_str().expect("a path")]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("policies[0].targets[0].calendar") && said.contains("lyon"), "{said}");

    let (code, said) = office.tool(&["config", "diff", file]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("calendar.paris"), "{said}");
    office.done(&["config", "apply", file, "--dry-run"]);
    office.done(&["config", "apply", file]);
    assert!(office.done(&["config", "apply", file]).contains("nothing to publish"));
    assert_eq!(office.done(&["config", "diff", file]), "");

    // What is in force decides.
    let created = desk.command("new", "create", id("configured", 1), new_ticket(1)).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();
    let unknown = json!({"group": "netwrok"});
    let refused = desk.try_command(&ticket, "assign", id("configured", 2), unknown).await.expect("an answer");
    assert_eq!(refused.body["error"]["code"], "validation_failed");
    assert_eq!(refused.body["error"]["field"], "data.group");
    desk.command(&ticket, "assign", id("configured", 3), json!({"group": "network"})).await;
    let escalate = json!({"kind": "functional", "to_tier": 2, "reason": "expertise"});
    let escalated = desk.command(&ticket, "escalate", id("configured", 4), escalate).await;

    // Every decision names the configuration that it was taken under.
    let question = json!({"from": escalated.position(), "to": escalated.position(), "min_position": escalated.position(), "wait_ms": 5000});
    let record = desk.query("events", question).await["data"][0].clone();
    assert_eq!(record["config_version"], 4, "{record}");

    // Only the command line begins, and a retry has the first answer.
    let body = json!({"auto_close_after_s": 3600, "escalation_needs_tag": false, "pending_guard": "warn"});
    let life = json!({"kind": "lifecycle", "body": body});
    let other = configure(&desk, "outside", "admin", 1, life.clone()).await;
    assert_eq!(other.body["error"]["code"], "forbidden", "{}", other.body);
    let first = configure(&desk, "cli", "admin", 2, life.clone()).await.body;
    assert_eq!(
        (&first["entity"], &first["entity_id"], &first["version"]),
        (&json!("config"), &json!("default"), &json!(5))
    );
    let again = configure(&desk, "cli", "admin", 2, life.clone()).await.body;
    assert_eq!(again, replayed(&first));
    let same = configure(&desk, "cli", "admin", 3, life.clone()).await.body;
    assert_eq!((&same["ok"], &same["events"]), (&json!(true), &json!([])));
    let waits = desk.command(&ticket, "set_status", id("configured", 6), json!({"to": "pending"})).await.body;
    assert_eq!(waits["warnings"][0]["code"], "pending", "{waits}");

    // A restart knows it all.
    let mut office = office;
    assert!(office.0.stop().await.success());
    office.0.launch().await;
    let desk = office.0.desk().await;
    let refused = desk.try_command(&ticket, "assign", id("configured", 5), json!({"group": "netwrok"})).await;
    assert_eq!(refused.expect("an answer").body["error"]["code"], "validation_failed");
    assert_eq!(configure(&desk, "cli", "admin", 2, life).await.body, replayed(&first));
    let waited =
        desk.command(&ticket, "set_status", id("configured", 6), json!({"to": "pending"})).await.body;
    assert_eq!(waited, replayed(&waits), "also the warning");

    let history = office.done(&["config", "history", "lifecycle", "--json"]);
    let versions: Vec<Value> =
        history.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(versions.len(), 2, "{history}");
    assert_eq!(versions[1]["body"]["auto_close_after_s"], 3600);
    office.done(&["config", "rollback", "lifecycle"]);
    assert_eq!(office.done(&["config", "diff", file]), "");
    let (code, said) = office.tool(&["config", "rollback", "lifecycle", "--to", "9"]);
    assert_eq!(code, 2, "{said}");
}

fn replayed(answer: &Value) -> Value {
    let mut answer = answer.clone();
    answer["replayed"] = true.into();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clocks_find_is_recorded_once_and_under_what_holds() {
    let office = Office(Serve::start(Settings::default()).await);
    let (desk, clocks) = (office.0.desk().await, office.0.user("clocks").await);
    let created = desk.command("new", "create", id("clocks", 1), new_ticket(1)).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();
    let position = created.position();
    let question = json!({"from": position, "to": position, "min_position": position, "wait_ms": 5000});
    let record = desk.query("events", question).await["data"][0].clone();
    let breach = |at: &Value, config_version: u64| {
        json!({
            "metric": "first_reply", "instance": 1, "at": at, "due_at": at, "policy": "all", "policy_version": 1,
            "consumed_s": 60, "config_version": config_version,
        })
    };
    let send = async |caller: &str, kind: &str, n: usize, verb: &str, data: Value| {
        let command =
            json!({"command_id": id("clock fact", n), "actor": {"kind": kind, "id": caller}, "data": data});
        let subject = format!("guichet.v1.cmd.default.{caller}.{ticket}.{verb}");
        let from = if caller == "sla" { &clocks } else { &desk };
        from.request(subject, &command).await.expect("an answer").body
    };
    let at = &record["recorded_at"];
    let code = |answer: &Value| answer["error"]["code"].as_str().map(str::to_owned);
    assert_eq!(
        code(&send("outside", "agent", 1, "record_sla_breach", breach(at, 0)).await).as_deref(),
        Some("forbidden")
    );
    assert_eq!(
        code(&send("sla", "system", 2, "record_sla_breach", breach(at, 7)).await).as_deref(),
        Some("config_stale")
    );
    let future = json!("2999-01-01T00:00:00.000Z");
    let early = send("sla", "system", 3, "record_sla_breach", breach(&future, 0)).await;
    assert_eq!(code(&early).as_deref(), Some("validation_failed"));
    let void = json!({"metric": "first_reply", "instance": 1, "reason": "our line was down"});
    assert_eq!(
        code(&send("outside", "supervisor", 4, "void_sla_breach", void.clone()).await).as_deref(),
        Some("not_found")
    );

    let recorded = send("sla", "system", 5, "record_sla_breach", breach(at, 0)).await;
    assert_eq!(recorded["events"][0]["type"], "SlaBreached", "{recorded}");
    // Under whatever id it comes: the ticket knows.
    let twice = send("sla", "system", 6, "record_sla_breach", breach(at, 0)).await;
    assert_eq!((&twice["ok"], &twice["events"]), (&json!(true), &json!([])));
    assert_eq!(
        code(&send("outside", "agent", 7, "void_sla_breach", void.clone()).await).as_deref(),
        Some("forbidden")
    );
    let voided = send("outside", "supervisor", 8, "void_sla_breach", void).await;
    assert_eq!(voided["events"][0]["type"], "SlaBreachVoided", "{voided}");

    let question = json!({"ticket_id": ticket, "min_position": voided["position"], "wait_ms": 5000});
    let timeline = desk.query("timeline", question).await;
    let entries = timeline["data"].as_array().expect("a list");
    let breached = entries.iter().find(|entry| entry["type"] == "SlaBreached").expect("it stands there");
    assert_eq!(&breached["occurred_at"], at, "stamped with its instant, not with its record");
    assert!(breached["sentence"].as_str().expect("a sentence").contains("first reply 1"), "{breached}");
}

const GOALS: &str = r#"
[agents]
agents = [{ id = "ann", groups = [], capacity = 4 }]

[[goals.goals]]
id = "keeps-up"
report = "report_closure"
figure = "closure_rate_flow"
at_least = 0.9
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_is_checked_and_published_and_reports_say_whether_it_was_attained() {
    let office = Office(Serve::start(Settings::default()).await);
    let desk = office.0.desk().await;
    let wrong = office.file("wrong.toml", &GOALS.replace("closure_rate_flow", "closure_rate"));
    let (code, said) = office.tool(&["config", "check", wrong.to_str().expect("a path")]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("goals[0].figure") && said.contains("closure_rate_cohort"), "{said}");
    let file = office.file("goals.toml", GOALS);
    office.done(&["config", "apply", file.to_str().expect("a path")]);
    assert_eq!(office.done(&["config", "diff", file.to_str().expect("a path")]), "");

    let created = desk.command("new", "create", id("goals", 1), new_ticket(1)).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();
    let assigned = desk.command(&ticket, "assign", id("goals", 2), json!({"assignee": "ann"})).await;
    let at = |position: u64| json!({"min_position": position, "wait_ms": 5000});
    let load = desk.query("report_agent_load", at(assigned.position())).await;
    let rows = load["data"].as_array().expect("rows");
    let last = rows.last().expect("a row");
    assert_eq!((&last["agent"], &last["assigned_at_end"]), (&json!("ann"), &json!(1)), "{load}");
    assert_eq!(
        last["load"],
        json!({"numerator": 1, "denominator": 4, "value": 0.25, "no_denominator": false})
    );

    let solved = json!({"code": "defect", "summary": "A new cable."});
    let resolved = desk.command(&ticket, "resolve", id("goals", 3), solved).await.position();
    let now = desk.query("report_closure", at(resolved)).await;
    let told = now["attainment"].as_array().expect("attainment").last().expect("of this week");
    assert_eq!((&told["goal"], &told["figure"]), (&json!("keeps-up"), &json!("closure_rate_flow")));
    assert_eq!(
        (&told["at_least"], &told["actual"], &told["attained"]),
        (&json!(0.9), &json!(1.0), &json!(true))
    );
    assert!(
        now["data"].as_array().expect("rows").len() > 1,
        "weeks of which nothing can be judged are there: {now}"
    );
    let parted = desk.query("report_closure", json!({"group_by": "channel"})).await;
    assert_eq!(parted.get("attainment"), None, "the goal is for the whole desk: {parted}");

    // Another goal holds from now on, and what was wanted before stays as it was.
    let stricter = office.file("stricter.toml", &GOALS.replace("0.9", "1.5"));
    office.done(&["config", "apply", stricter.to_str().expect("a path")]);
    let attained = |answer: &Value| {
        let told = answer["attainment"].as_array().expect("attainment").last().expect("of this week");
        (told["at_least"].clone(), told["attained"].clone())
    };
    let head = desk.head().await;
    assert_eq!(attained(&desk.query("report_closure", at(head)).await), (json!(1.5), json!(false)));
    let then = desk.query("report_closure", json!({"as_of_position": resolved})).await;
    assert_eq!(attained(&then), (json!(0.9), json!(true)), "{then}");
    let said = office.done(&["query", "report_closure", "--nats-url", office.0.url()]);
    assert!(said.contains("keeps-up") && said.contains("1.5"), "{said}");
}

const FIGURE: &str = r#"
[figure.same-day]
title = { en = "Reopened on the same day", fr = "Rouverts le jour même" }
count = "event == 'TicketReopened' && since_resolved_s < 86400"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_figure_is_checked_and_published_and_counts_all_that_was_before() {
    let office = Office(Serve::start(Settings::default()).await);
    let desk = office.0.desk().await;
    let created = desk.command("new", "create", id("figure", 1), new_ticket(1)).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();
    let solved = json!({"code": "defect", "summary": "A new cable."});
    desk.command(&ticket, "resolve", id("figure", 2), solved).await;
    let reopened = desk.command(&ticket, "reopen", id("figure", 3), json!({"reason": "dark again"})).await;
    assert!(reopened.is_ok(), "{}", reopened.body);

    for (wrong, path, rule) in [
        ("event == 'TicketReopend'", "count", "there is no event \"TicketReopend\""),
        ("event.matches('a+')", "count", "matches is not taken here"),
        ("[1].all(x, x == tier)", "count", "has no loops"),
    ] {
        let body = json!({"title": {"en": "Wrong"}, "count": wrong});
        let data = json!({"kind": "figure", "id": "wrong", "body": body});
        let refused = configure(&desk, "cli", "admin", 90, data).await.body;
        assert_eq!(refused["error"]["code"], "config_invalid", "{refused}");
        assert_eq!(refused["error"]["details"]["path"], path, "{refused}");
        assert!(refused.to_string().contains(&rule.replace('"', "\\\"")), "{refused}");
    }
    let file = office.file("figure.toml", FIGURE);
    office.done(&["config", "check", file.to_str().expect("a path")]);
    office.done(&["config", "apply", file.to_str().expect("a path")]);
    assert_eq!(office.done(&["config", "diff", file.to_str().expect("a path")]), "");

    let at = json!({"figure": "same-day", "min_position": desk.head().await, "wait_ms": 5000});
    let answer = desk.query("report_figure", at).await;
    let last = answer["data"].as_array().expect("rows").last().expect("a row").clone();
    assert_eq!(
        (&last["count"], &last["tickets"], &last["definition_version"]),
        (&json!(1), &json!(1), &json!(1)),
        "{answer}"
    );
    let listed = desk.query("figures", json!({})).await;
    assert_eq!(listed["data"][0]["title_fr"], "Rouverts le jour même", "{listed}");
    assert_eq!(
        listed["data"][0]["definition"]["count"],
        "event == 'TicketReopened' && since_resolved_s < 86400"
    );
    let said =
        office.done(&["query", "report_figure", "--set", "figure=same-day", "--nats-url", office.0.url()]);
    assert!(said.contains("same-day"), "{said}");
    let (code, said) = office.tool(&["query", "report_figure", "--nats-url", office.0.url()]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("there are same-day"), "{said}");
}
