//! Personal texts in an export: recorded before they are given, and refused by name to whoever has no right to them.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::desk::id;
use crate::harness::{Serve, Settings, guichet, until};

const WITHIN: std::time::Duration = std::time::Duration::from_secs(60);
const TEXT: &str = "Printer 3 does not print";

fn tool(words: &[&str], data: &Path) -> Output {
    let mut command = guichet();
    command.args(words).arg("--data-dir").arg(data);
    command.output().expect("the tool runs")
}

fn accesses(data: &Path) -> Vec<Value> {
    let output = tool(&["query", "events", "--set", "type=AccessRecorded", "--json"], data);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    answer["data"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_with_personal_texts_is_recorded_first_and_refused_without_the_right() {
    let mut serve = Serve::start(Settings::default()).await;
    let data = serve.dir().join("data");
    let desk = serve.desk().await;
    let newest = desk.open_tickets("revealed", 5).await;
    desk.folded(newest).await;
    let to = newest.to_string();
    let export =
        |more: &[&str]| tool(&[&["export", "-", "--format", "ndjson", "--to", &to], more].concat(), &data);
    let without = until("the newest event is signed", WITHIN, async || {
        let output = export(&[]);
        output.status.success().then_some(output)
    })
    .await;
    let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text(&without).contains(TEXT));
    assert_eq!(accesses(&data).len(), 0);
    assert_eq!(export(&["--reveal"]).status.code(), Some(2), "nobody says what for");

    let with = export(&["--reveal", "--purpose", "request 2026-7", "--viewer", "agent:ana"]);
    assert!(with.status.success(), "{}", String::from_utf8_lossy(&with.stderr));
    assert!(text(&with).contains(TEXT) && text(&with).contains("It hums and blinks."), "{}", text(&with));
    assert_eq!(text(&with).lines().count(), text(&without).lines().count());
    let recorded = until("the read model has the access", WITHIN, async || accesses(&data).pop()).await;
    let seen = recorded.to_string();
    assert!(
        seen.contains("request 2026-7") && seen.contains("ana") && seen.contains("export of events"),
        "{seen}"
    );
    let replayed = tool(&["replay", "--to", &to, "--reveal", "--purpose", "request 2026-8"], &data);
    assert!(text(&replayed).contains(TEXT), "{}", String::from_utf8_lossy(&replayed.stderr));

    // Another caller than cli has no right before callers are configured, and needs a role of its own behind that.
    let by_outside = ["--reveal", "--purpose", "curiosity", "--caller", "outside"];
    let refused = |why: &str| {
        let output = export(&by_outside);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(why) && output.stdout.is_empty(), "{said}");
    };
    refused("only cli may");
    let configure = async |n: usize, roles: Value| {
        let callers = json!({"callers": {
            "cli": {"roles": ["admin"], "actor_kinds": ["admin", "agent"]},
            "outside": {"roles": roles, "actor_kinds": ["agent"]},
        }});
        let publish = json!({
            "command_id": id("callers", n), "actor": {"kind": "admin", "id": "ana"},
            "data": {"kind": "callers", "body": callers},
        });
        let subject = "guichet.v1.cmd.default.cli.config.publish_config".to_owned();
        let reply = desk.request(subject, &publish).await.expect("an answer");
        assert!(reply.is_ok(), "{}", reply.body);
    };
    configure(1, json!(["agent"])).await;
    refused("no role of caller outside may record_access");
    configure(2, json!(["auditor"])).await;
    assert!(text(&export(&by_outside)).contains(TEXT));

    all_are_in_the_report(&data, 3).await;
    assert!(serve.stop().await.success());
    let stopped = export(&["--reveal", "--purpose", "request 2026-9"]);
    assert_eq!(stopped.status.code(), Some(2), "{}", String::from_utf8_lossy(&stopped.stderr));
    // The next access continues the chain of those before the restart.
    serve.launch().await;
    assert!(text(&export(&by_outside)).contains(TEXT));
    all_are_in_the_report(&data, 4).await;
    assert!(serve.stop().await.success());
}

/// Waits until so many accesses are signed, and every check of the log is content.
async fn all_are_in_the_report(data: &Path, accesses: u64) {
    let page = data.with_extension("html");
    let report = until("what was recorded is signed", WITHIN, async || {
        let output = tool(&["audit", "--report", page.to_str().expect("text"), "--json"], data);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (report["checks"][9]["checked"][0]["count"] == accesses).then_some(report)
    })
    .await;
    assert_eq!(report["ok"], true, "{report}");
}
