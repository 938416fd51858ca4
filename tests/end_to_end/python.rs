//! Another team's service in another language: Python, nats-py, and the page of the contract. The scripts are in
//! `python/`; here is what they need, and the crash between their two visits.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::harness::{Process, Serve, Settings, project, python};

/// The same as the examples tell.
pub(crate) const REQUIREMENT: &str = include_str!("../../docs/examples/python/requirements.txt").trim_ascii();
const VISIT_WITHIN: Duration = Duration::from_secs(180);

#[tokio::test]
async fn an_outside_team_gets_what_the_contract_promises_also_after_a_crash() {
    let Some(python) = python(&[REQUIREMENT]) else { return };
    let mut node = Serve::start(Settings::default()).await;
    visit(&python, "live", &node).await;
    node.kill();
    node.launch().await;
    visit(&python, "after_crash", &node).await;
    assert!(node.stop().await.success());
}

#[tokio::test]
async fn an_outside_team_is_told_when_the_disk_is_full() {
    let Some(python) = python(&[REQUIREMENT]) else { return };
    let more_than_any_disk = Some(1 << 40);
    let node = Serve::start(Settings { disk_reserve: more_than_any_disk, ..Settings::default() }).await;
    visit(&python, "busy", &node).await;
}

#[tokio::test]
async fn a_trainee_answers_and_their_mentor_lets_it_go_out() {
    let Some(python) = python(&[REQUIREMENT]) else { return };
    let node = Serve::start(Settings::default()).await;
    let mut command = Command::new(python);
    command.arg(project("tests/end_to_end/python/trainee.py")).arg(node.url());
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let mut story = Process::spawn("trainee", command, node.dir());
    let status = story.exit(VISIT_WITHIN).await;
    let said = story.said();
    assert!(status.success() && said.contains("done: trainee"), "{status}\n{said}");
}

async fn visit(python: &Path, what: &str, node: &Serve) {
    let mut command = Command::new(python);
    command.arg(project("tests/end_to_end/python/journey.py"));
    // No compiled files in the source tree.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.args([what, node.url()]).arg(node.dir().join("state.json"));
    let mut journey = Process::spawn("journey", command, node.dir());
    let status = journey.exit(VISIT_WITHIN).await;
    let said = journey.said();
    assert!(status.success(), "journey {what}: {status}\n{said}");
    assert!(said.contains(&format!("done: {what}")), "{said}");
}
