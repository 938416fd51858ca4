//! schemathesis reads the description of the API and tries everything that it allows, and more. No answer may be
//! one that is not described.

use std::process::Command;
use std::time::Duration;

use super::demo::Demo;
use crate::harness::{Process, long, python};

const REQUIREMENT: &str = "schemathesis==4.32.5";
const DONE_WITHIN: Duration = Duration::from_secs(600);
/// What it holds each answer to. Not that every question that fits the schema is accepted: a cursor, a zone or a
/// date is a text there, and a wrong one is refused, as described.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method,ignored_auth";
/// Faults of a server are those that are not described: this build lacks a part, or a read model is not there. And
/// nobody waits for a position that will not come.
const CONFIGURATION: &str = r#"
[parameters]
"query.wait_ms" = 5

[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 501, 503]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_api_keeps_to_its_own_description() {
    let Some(python) = python(&[REQUIREMENT]) else { return };
    let demo = Demo::start().await;
    let configuration = demo.dir().join("schemathesis.toml");
    std::fs::write(&configuration, CONFIGURATION).expect("the folder is ours");
    let mut command = Command::new(python.with_file_name("schemathesis"));
    command.current_dir(demo.dir()).arg("--config-file").arg(&configuration).arg("run");
    command.arg(format!("{}/api/openapi.json", demo.word("http_url")));
    command.args(["--header", &format!("Authorization: {}", demo.bearer())]);
    // A stream that does not end has no answer to look at; the tests of the crate read it.
    command.args(["--exclude-path-regex", "/live$", "--checks", CHECKS, "--no-color"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--seed", "1", "--continue-on-failure"]);
    command.args(["--max-examples", if long() { "300" } else { "25" }, "--workers", "2"]);
    command.args(["--request-timeout", "20", "--suppress-health-check", "all"]);
    let mut fuzzing = Process::spawn("schemathesis", command, demo.dir());
    let status = fuzzing.exit(DONE_WITHIN).await;
    let said = fuzzing.said();
    let from = said.len().saturating_sub(12_000);
    assert!(status.success(), "{status}\n{}", said.get(from..).unwrap_or(&said));
    assert!(said.contains("generated"), "it tried nothing:\n{said}");
    demo.stop().await;
}
