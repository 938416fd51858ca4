//! What is not of our history: another writer's message, another log, another engine. Nobody skips it.

use std::time::Duration;

use async_nats::HeaderMap;
use guichet_proof::Authorship;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::wire::Record;
use guichet_schemas::wire::record::Data;
use guichet_test_support::damage;
use prost::Message as _;

use crate::desk::Desk;
use crate::harness::{HALTED, Nats, Process, Serve, Settings, Trio, engine, until, worker};
use crate::published::{self, jetstream};

const ENDS_WITHIN: Duration = Duration::from_secs(60);
const SUBJECT: &str = "guichet.v1.evt.default.0.TicketCreated";

#[tokio::test]
async fn a_foreign_message_is_thrown_out_and_the_desk_goes_on() {
    let mut trio = Trio::start().await;
    let desk = trio.desk().await;
    let newest = desk.open_tickets("ours", 5).await;
    everything_is_published(&desk, newest).await;
    inject(&desk).await;
    is_ours_again(&desk).await;
    let newest = desk.open_tickets("ours still", 5).await;
    everything_is_published(&desk, newest).await;
    published::verified(&desk).await;
    assert!(trio.engine.as_mut().expect("it runs").ended().is_none());
}

#[tokio::test]
async fn a_foreign_message_does_not_halt_a_whole_node() {
    let mut node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let newest = desk.open_tickets("ours", 5).await;
    everything_is_published(&desk, newest).await;
    // Nobody else can: only who stole this key.
    inject(&node.user("publisher").await).await;
    is_ours_again(&desk).await;
    assert!(node.process().ended().is_none() && node.run_file().exists());
}

/// What the script of the door did: a record that continues the log, with headers like ours, while no engine runs.
#[tokio::test]
async fn a_record_that_was_forged_while_no_engine_runs_does_not_come_into_the_log() {
    let mut trio = Trio::start().await;
    let desk = trio.desk().await;
    let newest = desk.open_tickets("ours", 5).await;
    everything_is_published(&desk, newest).await;
    let before = published::verified(&desk).await;
    trio.kill_engine();
    forge(&desk, &before, None).await;
    trio.launch_engine();
    desk.head().await;
    is_ours_again(&desk).await;
    let after = published::verified(&desk).await;
    assert!(after.starts_with(&before));
    assert_eq!(published::count(&after, "TicketCancelled"), 0);
    let started = Record::decode(after.last().expect("messages").payload.clone()).expect("a record");
    let Some(Data::EpochStarted(started)) = started.data else {
        panic!("the last event is a {}", started.r#type)
    };
    assert_eq!(started.stream_refused_from, Some(before.len() as u64 + 1));
    assert_eq!(started.repaired_from, None);
}

/// An engine on a copy of the folder has its secret, and may have told somebody of what it wrote.
#[tokio::test]
async fn a_message_of_an_engine_on_a_copy_of_the_folder_halts_this_one() {
    let mut trio = Trio::start().await;
    let desk = trio.desk().await;
    let newest = desk.open_tickets("ours", 5).await;
    everything_is_published(&desk, newest).await;
    let before = published::verified(&desk).await;
    let ours =
        guichet_engine::log::authorship(&trio.dir().join("engine/log-0"), Partition(0)).expect("it is there");
    forge(&desk, &before, Some(&ours)).await;
    halts(trio.engine.as_mut().expect("it runs"), "halted: stream:").await;
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
    damage::copy(&log, &copy);
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

    // A log that says so is: what was folded is of no use any more, and the model is rebuilt.
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

/// Publishes a record behind the end of the stream that continues log and ticket, with every header that ours have; with
/// the MAC of `by`, where it is given.
pub(crate) async fn forge(desk: &Desk, before: &[published::Published], by: Option<&Authorship>) {
    let (last, of_ticket) =
        (before.last().expect("messages"), |m: &&published::Published| m.subject.ends_with(".TicketCreated"));
    let ticket = before.iter().rfind(of_ticket).expect("a ticket");
    let versions = before.iter().map(|m| Record::decode(m.payload.clone()).expect("a record"));
    let mut record = Record::decode(ticket.payload.clone()).expect("a record");
    let newest =
        versions.zip(before).filter(|(r, _)| r.stream_id == record.stream_id).last().expect("an event");
    record.version = newest.0.version + 1;
    record.prev_hash = Hash::of_record(&newest.1.payload).0.to_vec();
    record.position = last.sequence + 1;
    record.event_id = uuid::Uuid::from_u128(1).as_bytes().to_vec();
    record.command_id = uuid::Uuid::from_u128(2).as_bytes().to_vec();
    (record.command_index, record.command_count) = (0, 1);
    record.r#type = "TicketCancelled".to_owned();
    record.data = Some(Data::TicketCancelled(guichet_schemas::wire::TicketCancelled { reason: 3 }));
    let payload = record.encode_to_vec();
    let (hash, previous) = (Hash::of_record(&payload), Hash::of_record(&last.payload));
    let mut headers = HeaderMap::new();
    // But for those that are for the broker: where to store it, it is told once.
    for (name, values) in last.headers.iter().filter(|(name, _)| !name.to_string().starts_with("Nats-")) {
        headers.insert(name.clone(), values[0].clone());
    }
    headers.insert("Guichet-Hash", hash.to_string());
    headers.insert("Guichet-Prev-Hash", previous.to_string());
    headers.insert("ce-sequence", format!("{:020}", record.position));
    if let Some(by) = by {
        let position = LogPosition::new(record.position).expect("not 0");
        headers.insert("Guichet-Mac", by.mac(position, previous, hash).to_string());
    }
    let to = "guichet.v1.evt.default.0.TicketCancelled";
    let ack = jetstream(desk).publish_with_headers(to, headers, payload.into()).await.expect("sent");
    ack.await.expect("stored");
}

/// Waits until the stream is the log again.
async fn is_ours_again(desk: &Desk) {
    let same = async || {
        let (log, messages) = (desk.log().await, published::try_read(desk).await?);
        let same =
            log.len() == messages.len() && log.iter().zip(&messages).all(|(r, m)| r[..] == m.payload[..]);
        same.then_some(())
    };
    until("the stream is the log again", ENDS_WITHIN, same).await;
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
