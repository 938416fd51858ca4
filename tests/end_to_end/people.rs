//! Stories of people at a desk, told by another team in Python.

use std::process::Command;
use std::time::Duration;

use crate::harness::{Process, Serve, Settings, project, python};
use crate::python::REQUIREMENT;

const STORY_WITHIN: Duration = Duration::from_secs(180);

async fn story(name: &str) {
    let Some(python) = python(&[REQUIREMENT]) else { return };
    let node = Serve::start(Settings::default()).await;
    let mut command = Command::new(python);
    command.arg(project("tests/end_to_end/python/people.py"));
    // No compiled files in the source tree.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.args([name, node.url()]).arg(node.dir().join("data/run.json"));
    let mut told = Process::spawn("people", command, node.dir());
    let status = told.exit(STORY_WITHIN).await;
    let said = told.said();
    assert!(status.success(), "{name}: {status}\n{said}");
    assert!(said.contains(&format!("done: {name}")), "{said}");
}

#[tokio::test]
async fn what_is_restricted_is_seen_by_its_group_and_each_look_is_recorded() {
    story("restricted").await;
}

#[tokio::test]
async fn two_agents_want_a_ticket_and_one_gets_it_until_the_claim_ends() {
    story("collide").await;
}
