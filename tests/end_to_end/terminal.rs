//! What goes to standard output, and what beside it.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::harness::{Serve, Settings, guichet};

const MAPPING: &str =
    "[source]\nname = \"desk\"\nformat = \"csv\"\n[ticket]\nid = \"id\"\n[row]\nat = \"at\"\n";

#[tokio::test]
async fn the_summary_of_an_import_is_the_whole_of_standard_output() {
    let node = Serve::start(Settings::default()).await;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let (mapping, export) = (file("m.toml", MAPPING), file("e.csv", "id,at\nA,2026-01-01T10:00:00Z\n"));
    let data = node.run_file();
    let data = data.parent().expect("a folder");
    let said = import(data, &export, &mapping);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let summary: Value = serde_json::from_slice(&said.stdout).expect("one JSON document");
    assert_eq!((&summary["tickets"], &summary["accepted"]), (&Value::from(1), &Value::from(1)));
    assert!(said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn a_log_that_goes_to_a_file_has_no_colours() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut command = guichet();
    command.env("GUICHET_LOG", "trace").args(["query", "tickets", "--nats-url", "nats://127.0.0.1:1"]);
    let said = command.current_dir(dir.path()).output().expect("it runs").stderr;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("TRACE") || said.contains("DEBUG"), "nothing was logged: {said}");
    assert!(!said.contains('\x1b'), "{said}");
}

fn import(data: &Path, export: &Path, mapping: &Path) -> Output {
    let mut command = guichet();
    command.arg("import").arg(export).arg("--mapping").arg(mapping).arg("--data-dir").arg(data).arg("--json");
    command.output().expect("it runs")
}
