//! Imported histories that other programs judged wrongly, as their people saw them: `cases` of `GUICHET_SHARED`.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{Serve, Settings, guichet, shared, until};

const SOON: Duration = Duration::from_secs(60);

fn run(serve: &Serve, words: &[&str]) {
    let output = guichet().args(words).args(["--nats-url", serve.url()]).output().expect("the tool runs");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&said));
}

/// Sends the imports of a case, one command to a line.
fn send(serve: &Serve, case: &Path) {
    let lines = std::fs::read_to_string(case.join("import-commands.jsonl")).expect("the case has imports");
    for line in lines.lines().filter(|line| !line.is_empty()) {
        run(serve, &["send", "import", "--data", line]);
    }
}

async fn ask(desk: &Desk, name: &str, mut question: Value) -> Value {
    question["min_position"] = desk.head().await.into();
    question["wait_ms"] = 8000.into();
    desk.query(name, question).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_of_a_person_counts_and_robots_stand_apart() {
    let Some(case) = shared("cases/31-first-response-and-robots") else { return };
    let serve = Serve::start(Settings::default()).await;
    send(&serve, &case);
    let desk = serve.desk().await;
    let week = json!({"from": "2026-03-09", "to": "2026-03-16"});
    let answer = ask(&desk, "report_first_response", week).await;
    let [row] = answer["data"].as_array().expect("rows").as_slice() else { panic!("{answer}") };
    let people = &row["calendar"];
    assert_eq!(
        (&people["n"], &people["sum"], &people["mean"], &people["p50"]),
        (&json!(3), &json!(268_200), &json!(89_400.0), &json!(7_200.0)),
        "{row}"
    );
    assert_eq!((&row["bot"]["n"], &row["bot"]["sum"]), (&json!(2), &json!(65)), "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_history_is_judged_by_its_own_times_under_the_promises_of_then() {
    let Some(case) = shared("cases/44-imported-history-under-promises") else { return };
    let serve = Serve::start(Settings::default()).await;
    let file = |name: &str| case.join(name).to_str().expect("a path of letters").to_owned();
    run(&serve, &["config", "apply", &file("desk.toml")]);
    send(&serve, &case);
    run(&serve, &["import", &file("export.csv"), "--mapping", &file("mapping.toml")]);
    let desk = serve.desk().await;
    let clocks = [
        (1, "requester_wait", "met", 10_800, "2026-03-11T15:00:00.000Z"),
        (2, "resolution", "met", 28_800, "2026-03-17T12:30:00.000Z"),
        (3, "first_reply", "met", 1_200, "2026-03-10T08:20:00.000Z"),
        (4, "first_reply", "met", 1_800, "2026-03-10T08:30:00.000Z"),
    ];
    for (number, metric, state, consumed, ended) in clocks {
        let answer = ask(&desk, "sla_clocks", json!({"number": format!("T-{number}")})).await;
        let clock = &answer["data"][0];
        assert_eq!(
            (&clock["metric"], &clock["state"], &clock["consumed_s"], &clock["ended_at"]),
            (&json!(metric), &json!(state), &json!(consumed), &json!(ended)),
            "T-{number}: {answer}"
        );
    }
    // The export of T-5 tells of no answer: whether there was one in time is not known, and nothing is broken.
    until("nobody waits for an answer of then", SOON, async || {
        let answer = ask(&desk, "sla_clocks", json!({"number": "T-5"})).await;
        (answer["data"][0]["state"] == json!("cancelled")).then_some(())
    })
    .await;
    let answer = ask(&desk, "sla_breaches", json!({})).await;
    assert_eq!(answer["data"], json!([]), "{answer}");
}
