//! What is not of our history: another writer's message, another log, another engine. Nobody skips it.

use std::path::Path;
use std::time::Duration;

use guichet_schemas::wire::Record;
use guichet_schemas::wire::record::Data;
use prost::Message as _;

use crate::desk::Desk;
use crate::harness::{HALTED, Nats, Process, Serve, Settings, Trio, engine, until, worker};
use crate::published::{self, jetstream};

const ENDS_WITHIN: Duration = Duration::from_secs(60);
const SUBJECT: &str = "guichet.v1.evt.default.0.TicketCreated";

#[tokio::test]
async fn a_foreign_message_halts_the_engine_and_keeps_it_halted() {
    let mut trio = Trio::start().await;
    let desk = trio.desk().await;
    let newest = desk.open_tickets("ours", 5).await;
    everything_is_published(&desk, newest).await;
    inject(&desk).await;
    halts(trio.engine.as_mut().expect("it runs"), "halted: stream:").await;
    trio.launch_engine();
    halts(trio.engine.as_mut().expect("it runs"), "does not continue it").await;
}

#[tokio::test]
async fn a_foreign_message_halts_a_whole_node() {
    let mut node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let newest = desk.open_tickets("ours", 5).await;
    everything_is_published(&desk, newest).await;
    inject(&desk).await;
    halts(node.process(), "halted: stream:").await;
    assert!(!node.run_file().exists(), "a halted node is not ready");
}

#[tokio::test]
async fn discovery_answers_only_to_an_inbox() {
    let trio = Trio::start().await;
    let desk = trio.desk().await;
    let newest = desk.open_tickets("ours", 5).await;
    everything_is_published(&desk, newest).await;
    for verb in ["PING", "INFO", "STATS"] {
        let question = format!("$SRV.{verb}");
        desk.client.publish_with_reply(question, SUBJECT, "".into()).await.expect("sent");
        // Whoever answers this one has seen the one before.
        desk.client.request(format!("$SRV.{verb}.guichet-engine"), "".into()).await.expect("an answer");
    }
    let newest = desk.open_tickets("ours still", 1).await;
    everything_is_published(&desk, newest).await;
    published::verified(&desk).await;
}

#[tokio::test]
async fn an_engine_with_another_log_refuses_the_stream_and_the_first_works_on() {
    let trio = Trio::start().await;
    let desk = trio.desk().await;
    let newest = desk.open_tickets("ours", 5).await;
    everything_is_published(&desk, newest).await;
    let before = published::verified(&desk).await;
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let mut other = engine(&trio.url(), elsewhere.path());
    halts(&mut other, "records of another log").await;
    let newest = desk.open_tickets("ours still", 5).await;
    everything_is_published(&desk, newest).await;
    assert!(published::verified(&desk).await.starts_with(&before));
}

#[tokio::test]
async fn an_engine_on_an_old_copy_of_its_log_takes_from_the_stream_what_it_lacks() {
    let mut trio = Trio::start().await;
    let desk = trio.desk().await;
    desk.open_tickets("in the copy", 5).await;
    trio.stop_roles().await;
    let (log, copy) = (trio.dir().join("engine"), trio.dir().join("copy"));
    copy_folder(&log, &copy);
    trio.launch_engine();
    desk.head().await;
    let newest = desk.open_tickets("not in the copy", 5).await;
    everything_is_published(&desk, newest).await;
    trio.stop_roles().await;
    std::fs::rename(&log, trio.dir().join("newer")).expect("renamed");
    let before = published::read(&desk).await;
    std::fs::rename(&copy, &log).expect("renamed");
    trio.launch_engine();
    // The same records and the start of another engine, which says what it did.
    everything_is_published(&desk, before.len() as u64 + 1).await;
    let after = published::verified(&desk).await;
    assert!(after.starts_with(&before));
    let started = Record::decode(after.last().expect("messages").payload.clone()).expect("a record");
    let Some(Data::EpochStarted(started)) = started.data else {
        panic!("the last event is a {}", started.r#type)
    };
    assert_eq!(started.repaired_through, Some(before.len() as u64));
}

#[tokio::test]
async fn a_second_engine_on_the_same_folder_does_not_start() {
    let trio = Trio::start().await;
    let mut second = engine(&trio.url(), trio.dir());
    let status = second.exit(ENDS_WITHIN).await;
    assert_eq!(status.code(), Some(1));
    assert!(second.said().contains("another engine runs on"), "{}", second.said());
    trio.desk().await.open_tickets("the first works on", 2).await;
}

#[tokio::test]
async fn a_worker_of_another_lineage_skips_nothing() {
    let mut trio = Trio::start().await;
    let desk = trio.desk().await;
    let folded = desk.open_tickets("first lineage", 5).await;
    desk.folded(folded).await;
    let tickets = desk.tickets().await;
    trio.stop_roles().await;

    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let other_nats = Nats::start(elsewhere.path()).await;
    let other_engine = engine(&other_nats.url(), elsewhere.path());
    let other_desk = Desk::connect(&other_nats.url()).await;
    other_desk.head().await;
    let newest = other_desk.open_tickets("second lineage", 20).await;
    assert!(newest > folded);
    everything_is_published(&other_desk, newest).await;
    other_engine.kill();
    // A stream alone may be anybody's: it is not believed.
    halts(&mut worker(&other_nats.url(), trio.dir()), "another lineage").await;

    // A log that says so is: what was folded is of no use any more, and the model is built anew.
    let other_engine = engine(&other_nats.url(), elsewhere.path());
    other_desk.head().await;
    let rebuilt = worker(&other_nats.url(), trio.dir());
    other_desk.ready().await;
    let there = other_desk.tickets().await;
    assert_eq!(there.len(), 20);
    let ids = |tickets: &[serde_json::Value]| -> Vec<_> {
        tickets.iter().map(|t| (t["ticket_id"].clone(), t["version"].clone())).collect()
    };
    assert!(ids(&there).iter().all(|one| !ids(&tickets).contains(one)), "nothing of the first is left");
    assert!(rebuilt.terminate().await.success());
    other_engine.kill();

    trio.launch_engine();
    desk.head().await;
    trio.launch_worker();
    desk.ready().await;
    // Until the worker has compared itself with the log it still shows what it had.
    until("at home it is what it was", ENDS_WITHIN, async || {
        (ids(&desk.tickets().await) == ids(&tickets)).then_some(())
    })
    .await;
}

async fn inject(desk: &Desk) {
    let ack = jetstream(desk).publish(SUBJECT, "not ours".into()).await.expect("sent");
    ack.await.expect("stored");
}

pub(super) async fn halts(process: &mut Process, why: &str) {
    let status = process.exit(ENDS_WITHIN).await;
    assert_eq!(status.code(), Some(HALTED), "{}", process.said());
    let said = process.said();
    let last = said.lines().last().unwrap_or_default();
    assert!(last.contains(why), "the last word must say why: {said}");
}

async fn everything_is_published(desk: &Desk, newest: u64) {
    let there = async || published::last_sequence(desk).await.filter(|last| *last >= newest);
    until("everything is published", ENDS_WITHIN, there).await;
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}
