//! Questions, and what comes of them.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::harness::guichet;

/// The answer of the program.
pub(crate) fn sql(question: &str, more: &[&str]) -> Output {
    let mut command = guichet();
    command.args(["sql", question]).args(more);
    command.output().expect("the tool runs")
}

/// The rows of a good answer.
pub(crate) fn rows(question: &str, more: &[&str]) -> Vec<Value> {
    let output = sql(question, &[more, &["--json"]].concat());
    assert!(output.status.success(), "{question}: {output:?}");
    let lines = std::str::from_utf8(&output.stdout).expect("text").lines();
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// What is said of a question that is not answered, with the exit code.
pub(crate) fn refused(question: &str, more: &[&str]) -> (Option<i32>, String) {
    let output = sql(question, more);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().expect("our folders have plain names")
}

/// Exports a history.
pub(crate) fn export(out: &Path, more: &[&str]) {
    let mut command = guichet();
    let output = command.arg("export").arg(out).args(more).output().expect("the tool runs");
    assert!(output.status.success(), "{output:?}");
}
