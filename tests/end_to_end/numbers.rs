//! Tickets by their number, from the moment in which the number is known.

use std::time::Duration;

use futures_util::StreamExt as _;
use nix::sys::signal::Signal;

use crate::harness::{Process, Trio, guichet};

const WITHIN: Duration = Duration::from_secs(30);
const QUESTIONS: &str = "guichet.v1.query.default.cli.ticket";

#[tokio::test]
async fn a_number_can_be_used_before_the_read_model_knows_it() {
    let mut trio = Trio::start().await;
    let desk = trio.desk().await;
    for round in 1..=5 {
        let worker = trio.worker.as_mut().expect("it runs");
        worker.signal(Signal::SIGSTOP);
        desk.open_tickets(&format!("round {round}"), 100).await;
        let mut questions = desk.client.subscribe(QUESTIONS).await.expect("subscribed");
        desk.client.flush().await.expect("the server knows of it");
        let mut send = send(&trio, &format!("T-{}", round * 100));
        // The question stands in front of the worker: when that goes on, it has a hundred events to fold.
        tokio::time::timeout(WITHIN, questions.next()).await.expect("asked").expect("connected");
        trio.worker.as_mut().expect("it runs").signal(Signal::SIGCONT);
        let status = send.exit(WITHIN).await;
        assert!(status.success(), "{}", send.said());
    }
}

#[tokio::test]
async fn a_number_that_does_not_exist_is_refused_at_once() {
    let trio = Trio::start().await;
    trio.desk().await.open_tickets("one", 1).await;
    let mut send = send(&trio, "T-2");
    assert_eq!(send.exit(WITHIN).await.code(), Some(1));
    assert!(send.said().contains("not_found"), "{}", send.said());
}

fn send(trio: &Trio, number: &str) -> Process {
    let mut command = guichet();
    command.args(["send", "assign", number, "--set", "group=network", "--nats-url", &trio.url()]);
    Process::spawn("send", command, trio.dir())
}
