//! A history that is handed over again: into read models of its own, which answer as the desk did; into a stream of one's
//! own; and with a pause.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use futures_util::StreamExt as _;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::desk::{Reply, id};
use crate::harness::{Nats, Process, Serve, Settings, guichet, until};

const WITHIN: Duration = Duration::from_secs(60);

fn tool(words: &[&str], data: &Path) -> Output {
    let mut command = guichet();
    command.args(words).arg("--data-dir").arg(data);
    command.output().expect("the tool runs")
}

fn both(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// What a question brings, without what is sealed where there is no key: personal texts, and sentences that quote them.
fn answer(data: &Path, words: &[&str], position: u64) -> Value {
    fn without_texts(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.remove("sentence");
                // Its own position: the clocks are of the present.
                members.remove("sla_as_of_position");
                let is_text = |of: &Value| {
                    of.as_object().is_some_and(|of| of.contains_key("plain") || of.contains_key("sealed"))
                };
                members.retain(|_, member| !is_text(member));
                members.values_mut().for_each(without_texts);
            }
            Value::Array(entries) => entries.iter_mut().for_each(without_texts),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let as_of = format!("as_of_position={position}");
    let output = tool(&[&["query"], words, &["--json", "--set", &as_of]].concat(), data);
    let mut answer: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", both(&output)));
    assert_eq!(answer["ok"], true, "{words:?}: {answer}");
    without_texts(&mut answer);
    answer
}

/// A desk with some tickets at work, some of them done.
async fn worked(serve: &Serve) -> u64 {
    let desk = serve.desk().await;
    desk.open_tickets("replayed", 12).await;
    let tickets = desk.tickets().await;
    let mut newest: Option<Reply> = None;
    for (n, ticket) in tickets.iter().enumerate() {
        let ticket = ticket["ticket_id"].as_str().expect("an id");
        let owner = json!({"assignee": "bob", "group": if n % 2 == 0 { "network" } else { "billing" }});
        newest = Some(desk.command(ticket, "assign", id("assign", n), owner).await);
        if n % 3 == 0 {
            let solved = json!({"code": "configuration", "summary": "It was unplugged."});
            newest = Some(desk.command(ticket, "resolve", id("resolve", n), solved).await);
        }
    }
    let newest = newest.expect("there are tickets").position();
    desk.folded(newest).await;
    newest
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_a_replay_answers_as_the_desk_did() {
    let mut serve = Serve::start(Settings::default()).await;
    let newest = worked(&serve).await;
    let data = serve.dir().join("data");
    let earlier = newest / 2;
    for (name, until_position) in [("all", newest), ("earlier", earlier)] {
        let folder = serve.dir().join(name);
        let dir = folder.to_str().expect("text").to_owned();
        let to = until_position.to_string();
        until("the newest event is signed", WITHIN, async || {
            let output = tool(&["replay", "--into-folder", &dir, "--to", &to], &data);
            output.status.success().then_some(())
        })
        .await;
        for words in [
            &["ticket", "T-1"][..],
            &["timeline", "T-4"],
            &["events", "--set", "limit=1000"],
            &["report_backlog", "--set", "group_by=group"],
            &["report_reopen_rate"],
            &["report_resolution_time"],
        ] {
            let live = answer(&data, words, until_position);
            assert_eq!(answer(&folder, words, until_position), live, "{words:?} at {until_position}");
        }
        assert!(!both(&tool(&["replay", "--into-folder", &dir], &data)).is_empty());
        assert_ne!(tool(&["replay", "--into-folder", &dir], &data).status.code(), Some(0), "it is not empty");
    }
    // Without the desk, and with a question that looks no further back.
    let folder = serve.dir().join("all");
    let before = tool(&["query", "tickets", "--json"], &folder);
    assert!(serve.stop().await.success());
    let after = tool(&["query", "tickets", "--json"], &folder);
    assert_eq!(after.status.code(), Some(0), "{}", both(&after));
    // What grows with time alone is of the moment of each question.
    let data_of = |output: &Output| {
        let mut answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        for ticket in answer["data"].as_array_mut().expect("a list") {
            let ticket = ticket.as_object_mut().expect("a ticket");
            ticket.retain(|name, _| !["age_ms", "time_in_state_ms"].contains(&name.as_str()));
        }
        answer["data"].clone()
    };
    assert_eq!(data_of(&before), data_of(&after));
    assert_eq!(tool(&["replay", "--into-folder", "x", "--group", "network"], &folder).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_ones_own_keeps_each_event_once_and_no_stream_of_ours_takes_any() {
    let mut serve = Serve::start(Settings::default()).await;
    worked(&serve).await;
    assert!(serve.stop().await.success());
    let data = serve.dir().join("data");
    let lab = serve.dir().join("lab");
    std::fs::create_dir(&lab).expect("a folder");
    let server = Nats::start(&lab).await;
    let replay = |stream: &str, subject: &str| {
        let mut command = guichet();
        command.args(["replay", "--source"]).arg(&data).args(["--nats-url", &server.url()]);
        command.args(["--to-stream", stream, "--to-subject", subject]).output().expect("the tool runs")
    };
    let told = replay("LAB", "lab.desk");
    assert!(told.status.success(), "{}", both(&told));
    let events: u64 = both(&told).split_whitespace().find_map(|word| word.parse().ok()).expect("a count");
    let client = async_nats::connect(server.url()).await.expect("the server runs");
    let context = async_nats::jetstream::new(client);
    let stored = async || {
        let mut stream = context.get_stream("LAB").await.expect("it was made");
        stream.info().await.expect("it answers").state.messages
    };
    assert_eq!(stored().await, events);
    assert!(events > 40, "{events} events");
    assert!(replay("LAB", "lab.desk").status.success());
    assert_eq!(stored().await, events, "an event that came again is there once");
    let stream = context.get_stream("LAB").await.expect("it is there");
    let mut consumer = stream
        .create_consumer(async_nats::jetstream::consumer::pull::Config::default())
        .await
        .expect("anybody may")
        .messages()
        .await
        .expect("anybody may");
    let mut before = 0;
    for _ in 0..events {
        let message =
            until("the next message", WITHIN, async || consumer.next().await).await.expect("a message");
        let position: u64 = message
            .headers
            .as_ref()
            .expect("headers")
            .get("Guichet-Replay")
            .expect("a position")
            .as_str()
            .parse()
            .expect("a number");
        assert!(position > before, "{position} behind {before}");
        before = position;
    }
    assert_eq!(replay("GUICHET_EVENTS_0", "lab.desk").status.code(), Some(2));
    assert_eq!(replay("LAB", "other.desk").status.code(), Some(2), "the stream does not keep it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_pauses_and_goes_on_when_it_is_told_to() {
    let mut serve = Serve::start(Settings::default()).await;
    worked(&serve).await;
    assert!(serve.stop().await.success());
    let mut command = guichet();
    // So slow that it is under way for seconds.
    command.args(["replay", "--speed", "0.2", "--source"]).arg(serve.dir().join("data"));
    let mut process = Process::spawn("replay", command, serve.dir());
    let events = |process: &Process| process.said().lines().filter(|line| line.starts_with('{')).count();
    until("the first event", WITHIN, async || (events(&process) > 0).then_some(())).await;
    process.signal(Signal::SIGUSR1);
    until("it says so", WITHIN, async || process.said().contains("paused").then_some(())).await;
    let paused = events(&process);
    assert!(process.ended().is_none(), "it ended before it was paused");
    process.signal(Signal::SIGUSR2);
    let status = process.exit(WITHIN).await;
    assert!(status.success(), "{}", process.said());
    assert!(events(&process) > paused, "{}", process.said());
    assert!(process.said().contains("goes on"), "{}", process.said());
}
