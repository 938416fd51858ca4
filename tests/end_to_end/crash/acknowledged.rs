//! An answer is a promise: what was accepted is on disk, and the same command gets the same answer for ever.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::desk::{Desk, id, new_ticket};
use crate::harness::{Serve, Settings, until};
use crate::published;

/// Commands on their way at once.
const IN_FLIGHT: usize = 32;
/// So many answers must have come before the node is hit.
const ANSWERS: usize = 400;

#[tokio::test]
async fn every_answer_before_a_kill_holds_after_it() {
    let mut node = Serve::start(Settings::default()).await;
    let hammer = Hammer::start(&node, "kill").await;
    hammer.has_answers().await;
    node.kill();
    let answers = hammer.stop();
    node.launch().await;
    holds(&node.desk().await, "kill", &answers).await;
}

#[tokio::test]
async fn a_node_that_is_told_to_stop_drains_and_forgets_nothing() {
    let mut node = Serve::start(Settings::default()).await;
    let hammer = Hammer::start(&node, "drain").await;
    hammer.has_answers().await;
    let status = node.stop().await;
    assert_eq!(status.code(), Some(0), "{}", status);
    assert!(!node.run_file().exists(), "run.json is there only while the node is ready");
    let answers = hammer.stop();
    for (n, answer) in &answers {
        assert!(answer["ok"] == true || answer["error"]["code"] == "unavailable", "command {n}: {answer}");
    }
    node.launch().await;
    holds(&node.desk().await, "drain", &answers).await;
}

/// Sends commands as fast as they are answered.
struct Hammer {
    senders: JoinSet<()>,
    answers: Arc<Mutex<Vec<(usize, Value)>>>,
}

impl Hammer {
    async fn start(node: &Serve, series: &'static str) -> Self {
        let desk = node.desk().await;
        let answers = Arc::new(Mutex::new(Vec::new()));
        let mut senders = JoinSet::new();
        for sender in 0..IN_FLIGHT {
            let (desk, answers) = (desk.clone(), answers.clone());
            senders.spawn(async move {
                for n in (sender..).step_by(IN_FLIGHT) {
                    let reply = desk.try_command("new", "create", id(series, n), new_ticket(n)).await;
                    let Some(reply) = reply else { return };
                    answers.lock().expect("nobody panics with it").push((n, reply.body));
                }
            });
        }
        Self { senders, answers }
    }

    async fn has_answers(&self) {
        let enough =
            async || (self.answers.lock().expect("nobody panics with it").len() >= ANSWERS).then_some(());
        until("answers", std::time::Duration::from_secs(60), enough).await;
    }

    fn stop(mut self) -> Vec<(usize, Value)> {
        self.senders.abort_all();
        self.answers.lock().expect("nobody panics with it").clone()
    }
}

/// Sends everything once more: what was accepted is answered as before; what was not may be new.
async fn holds(desk: &Desk, series: &str, answers: &[(usize, Value)]) {
    let accepted: Vec<_> = answers.iter().filter(|(_, answer)| answer["ok"] == true).collect();
    assert!(accepted.len() >= ANSWERS);
    for (n, answer) in &accepted {
        let mut expected = answer.clone();
        expected["replayed"] = json!(true);
        assert_eq!(desk.command("new", "create", id(series, *n), new_ticket(*n)).await.body, expected);
    }
    let tickets = desk.tickets().await;
    assert!(tickets.len() >= accepted.len());
    let numbers: BTreeSet<u64> = tickets.iter().map(number).collect();
    let dense: BTreeSet<u64> = (1..=tickets.len() as u64).collect();
    assert_eq!(numbers, dense, "numbers have no gaps");
    let head = desk.head().await;
    let caught_up = async || published::last_sequence(desk).await.filter(|last| *last == head);
    until("the stream has all that the log has", std::time::Duration::from_secs(60), caught_up).await;
    published::verified(desk).await;
}

fn number(ticket: &Value) -> u64 {
    let text = ticket["number"].as_str().expect("a number");
    text.strip_prefix("T-").and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}
