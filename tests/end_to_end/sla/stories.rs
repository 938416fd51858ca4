//! The promises that the people who asked for this system live by, with a Python client, on a clock that goes faster.

use std::process::Command;
use std::time::Duration;

use crate::harness::{Process, Serve, Settings, project, python};
use crate::python::REQUIREMENT;

const WITHIN: Duration = Duration::from_secs(180);

async fn lived(story: &str, times_as_fast: u32) {
    let Some(python) = python(&[REQUIREMENT]) else { return };
    let mut node = Serve::start(Settings { clock_rate: Some(times_as_fast), ..Settings::default() }).await;
    let mut command = Command::new(python);
    command.arg(project("tests/end_to_end/python/promises.py")).args([story, node.url()]);
    // No compiled files in the source tree.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let mut lives = Process::spawn("promises", command, node.dir());
    let status = lives.exit(WITHIN).await;
    let said = lives.said();
    assert!(status.success() && said.contains(&format!("done: {story}")), "{story}: {status}\n{said}");
    assert!(node.stop().await.success());
}

// An hour is twelve seconds here: long enough for a client to be in time, and two minutes are soon over.
#[tokio::test]
async fn mail_is_taken_within_an_hour_and_chat_within_two_minutes() {
    lived("reception", 300).await;
}

#[tokio::test]
async fn after_72_hours_without_a_word_somebody_is_reminded() {
    lived("reminder", 86_400).await;
}

#[tokio::test]
async fn tier_1_has_an_hour_and_tier_2_has_four() {
    lived("tiers", 1_200).await;
}
