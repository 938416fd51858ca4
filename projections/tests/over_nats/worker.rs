//! The worker against everything that a broker can do to it.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::history::{Dice, History, any_event, ticket_id};
use crate::queries::ask;
use crate::rig::{Rig, content, halts, is_live, reaches, status_of, waits_for};

#[tokio::test(flavor = "multi_thread")]
async fn restarts_and_batch_sizes_do_not_show_in_the_model() {
    let history = History::busy(11, 40, 3_000);
    let Some(rig) = Rig::with(&history).await else { return };
    let straight = rig.start_at("straight", 10_000).await;
    reaches(&straight, history.head()).await;
    let expected = content(straight).await;
    let mut dice = Dice(11);
    for batch in [1, 7, 100, 1_000] {
        let name = format!("batches-of-{batch}");
        for _ in 0..3 {
            let running = rig.start_at(&name, batch).await;
            reaches(&running, dice.roll(history.head())).await;
            running.stop().await.unwrap();
        }
        let running = rig.start_at(&name, batch).await;
        reaches(&running, history.head()).await;
        is_live(&running).await;
        assert_eq!(content(running).await, expected, "batches of {batch}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_purged_is_read_from_the_log_service() {
    let history = History::busy(12, 20, 400);
    let Some(rig) = Rig::with(&history).await else { return };
    rig.stream().await.purge().sequence(201).await.unwrap();
    let running = rig.start_at("model", 30).await;
    waits_for(&running, "no engine serves the log").await;
    assert_eq!(status_of(&running).checkpoint, 0, "never begins at what happens to be first");
    rig.serve_log(&history).await;
    reaches(&running, 400).await;
    assert_eq!(content(running).await, reference(&rig, &history).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_stream_the_log_service_is_enough() {
    let history = History::busy(13, 20, 400);
    let Some(rig) = Rig::new().await else { return };
    let running = rig.start().await;
    waits_for(&running, "no engine serves the log").await;
    let mut begin = history.clone();
    begin.entries.truncate(300);
    rig.serve_log(&begin).await;
    reaches(&running, 300).await;
    rig.create_stream(301).await;
    rig.publish(&history.entries[300..]).await;
    reaches(&running, 400).await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_message_that_is_missing_is_read_from_the_log_service() {
    let history = History::busy(14, 20, 400);
    let Some(rig) = Rig::with(&history).await else { return };
    for sequence in [1, 150, 151, 399] {
        rig.stream().await.delete_message(sequence).await.unwrap();
    }
    rig.serve_log(&history).await;
    let running = rig.start_at("model", 40).await;
    reaches(&running, 400).await;
    assert_eq!(content(running).await, reference(&rig, &history).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn far_behind_the_log_is_read_and_then_the_stream_again() {
    let history = History::busy(20, 50, 12_000);
    let Some(rig) = Rig::with(&history).await else { return };
    let without = rig.start_at("without", 1_000).await;
    reaches(&without, 12_000).await;
    let expected = content(without).await;
    // The log ends before the stream does, so both are needed.
    let mut begin = history.clone();
    begin.entries.truncate(11_500);
    let log = rig.serve_log(&begin).await;
    let running = rig.start().await;
    reaches(&running, 12_000).await;
    is_live(&running).await;
    assert!(log.records_sent.load(Ordering::Relaxed) >= 11_500);
    assert_eq!(content(running).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_lineage_in_the_stream_halts_the_worker_at_its_start() {
    let (ours, theirs) = (History::busy(15, 20, 300), History::busy(16, 20, 400));
    let Some(rig) = Rig::with(&ours).await else { return };
    let running = rig.start().await;
    reaches(&running, 300).await;
    running.stop().await.unwrap();
    rig.delete_stream().await;
    rig.create_stream(1).await;
    rig.publish(&theirs.entries).await;
    let running = rig.start().await;
    assert_names_both(&halts(&running).await, &ours, &theirs, 300);
    assert_eq!(status_of(&running).checkpoint, 300, "nothing of the other lineage is folded");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_another_lineage_than_the_log_is_rebuilt_at_its_start() {
    let (ours, theirs) = (History::busy(15, 20, 300), History::busy(16, 20, 400));
    let Some(rig) = Rig::with(&ours).await else { return };
    let running = rig.start().await;
    reaches(&running, 300).await;
    running.stop().await.unwrap();
    rig.delete_stream().await;
    rig.create_stream(1).await;
    rig.publish(&theirs.entries).await;
    let log = rig.serve_log(&theirs).await;
    let running = rig.start().await;
    reaches(&running, 400).await;
    is_live(&running).await;
    let rebuilt = content(running).await;
    let straight = rig.start_at("straight", 1_000).await;
    reaches(&straight, 400).await;
    assert_eq!(rebuilt, content(straight).await, "nothing of the other lineage is left");
    // A log that ends before the checkpoint was replaced, too.
    rig.delete_stream().await;
    rig.create_stream(1).await;
    rig.publish(&theirs.entries[..299]).await;
    let mut shorter = theirs.clone();
    shorter.entries.truncate(299);
    log.becomes(shorter);
    let running = rig.start().await;
    is_live(&running).await;
    assert_eq!(status_of(&running).checkpoint, 299);
    running.stop().await.unwrap();
    // The next start gives the new generation its plain name.
    rig.start().await.stop().await.unwrap();
    assert_eq!(rig.files("model").len(), guichet_projections::model::ALL.len(), "the old generation is gone");
}

// Of two engines, the one that lost serves its log until it notices. It used to halt every model that asked it then.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_contradicts_the_stream_is_asked_again_and_not_believed() {
    let (ours, theirs) = (History::busy(15, 20, 300), History::busy(16, 20, 400));
    let Some(rig) = Rig::with(&ours).await else { return };
    let running = rig.start().await;
    reaches(&running, 300).await;
    running.stop().await.unwrap();
    let log = rig.serve_log(&theirs).await;
    let running = rig.start().await;
    waits_for(&running, "the stream is of this history").await;
    let mut shorter = ours.clone();
    shorter.entries.truncate(200);
    log.becomes(shorter);
    waits_for(&running, "the log ends at 200").await;
    log.becomes(ours);
    is_live(&running).await;
    assert_eq!((status_of(&running).checkpoint, status_of(&running).verified_position), (300, 300));
    running.stop().await.unwrap();
}

// The same, where the engine that is right has been asked first: what the other one says then halted the model too.
#[tokio::test(flavor = "multi_thread")]
async fn two_engines_that_answer_in_turns_stop_no_model() {
    let (ours, theirs) = (History::busy(15, 20, 400), History::busy(16, 20, 500));
    let mut shorter = ours.clone();
    shorter.entries.truncate(200);
    let Some(rig) = Rig::new().await else { return };
    rig.create_stream(1).await;
    rig.publish(&ours.entries[..300]).await;
    let one = &[&guichet_projections::model::ticket::TICKET];
    let running = rig.start_models("model", 1_000, one).await;
    reaches(&running, 300).await;
    running.stop().await.unwrap();
    rig.publish(&ours.entries[300..]).await;
    let _log = rig.serve_logs(&[ours.clone(), shorter, theirs, ours]).await;
    let running = rig.start_models("model", 1_000, one).await;
    reaches(&running, 400).await;
    is_live(&running).await;
    running.stop().await.unwrap();
}

// A second engine that has lost has records of its own where the log and the stream have others. They used to be folded
// by a model that was behind and asked it, and halted the model at the next message.
#[tokio::test(flavor = "multi_thread")]
async fn records_that_the_stream_has_otherwise_or_not_yet_are_not_folded() {
    for fork in [230, 300] {
        let common = History::busy(15, 20, fork);
        let (mut ours, mut theirs) = (common.clone(), common);
        goes_on(&mut ours, 1, 400);
        goes_on(&mut theirs, 2, 360);
        let Some(rig) = Rig::new().await else { return };
        rig.create_stream(1).await;
        rig.publish(&ours.entries[..200]).await;
        let one = &[&guichet_projections::model::ticket::TICKET];
        let running = rig.start_models("model", 1_000, one).await;
        reaches(&running, 200).await;
        running.stop().await.unwrap();
        rig.publish(&ours.entries[200..300]).await;
        let _log = rig.serve_logs(&[theirs.clone(), theirs, ours.clone()]).await;
        let running = rig.start_models("model", 1_000, one).await;
        reaches(&running, 300).await;
        rig.publish(&ours.entries[300..]).await;
        reaches(&running, 400).await;
        is_live(&running).await;
        running.stop().await.unwrap();
    }
}

fn goes_on(history: &mut History, seed: u64, until: u64) {
    let mut dice = Dice(seed);
    while history.head() < until {
        history.push(ticket_id(1 + dice.roll(20)), "carol", any_event(&mut dice));
    }
}

// It used to answer at once from whatever its folder held, also where that was of a desk that never was.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_answers_only_once_it_has_compared_itself_with_the_log() {
    let history = History::busy(15, 20, 300);
    let Some(rig) = Rig::with(&history).await else { return };
    let running = rig.start().await;
    reaches(&running, 300).await;
    running.stop().await.unwrap();
    rig.delete_stream().await;
    let running = rig.start().await;
    let refused = ask(&rig, "tickets", json!({})).await;
    assert_eq!(refused["error"]["code"], "unavailable", "{refused}");
    assert_eq!((status_of(&running).checkpoint, status_of(&running).verified_position), (300, 0));
    rig.create_stream(1).await;
    rig.publish(&history.entries).await;
    is_live(&running).await;
    let answered = ask(&rig, "tickets", json!({})).await;
    assert_eq!((&answered["ok"], &answered["as_of_position"]), (&json!(true), &json!(300)), "{answered}");
    assert_eq!(status_of(&running).verified_position, 300);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_replaced_under_the_worker_halts_it() {
    let (ours, theirs) = (History::busy(15, 20, 300), History::busy(16, 20, 400));
    let Some(rig) = Rig::with(&ours).await else { return };
    let running = rig.start().await;
    reaches(&running, 300).await;
    rig.delete_stream().await;
    rig.create_stream(1).await;
    rig.publish(&theirs.entries).await;
    assert_names_both(&halts(&running).await, &ours, &theirs, 300);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_lost_its_end_is_waited_for() {
    let history = History::busy(17, 20, 400);
    let Some(rig) = Rig::with(&history).await else { return };
    let running = rig.start().await;
    reaches(&running, 400).await;
    running.stop().await.unwrap();
    let mut more = history.clone();
    while more.head() < 450 {
        more.open(more.head());
    }
    // As after a power cut: the stream is back at 200, and its publisher brings it up again.
    rig.delete_stream().await;
    rig.create_stream(1).await;
    rig.publish(&history.entries[..200]).await;
    let running = rig.start().await;
    rig.publish(&more.entries[200..]).await;
    reaches(&running, 450).await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_message_halts_the_worker_before_it_is_folded() {
    let history = History::busy(18, 20, 100);
    let Some(rig) = Rig::with(&history).await else { return };
    rig.jetstream
        .publish("guichet.v1.evt.default.0.TicketCreated", "hello".into())
        .await
        .unwrap()
        .await
        .unwrap();
    let running = rig.start().await;
    let said = halts(&running).await;
    assert!(said.contains("position 101") && said.contains("Guichet-Hash"), "{said}");
    assert_eq!(status_of(&running).checkpoint, 100);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_survives_the_loss_of_its_consumer_and_of_the_server() {
    let history = History::busy(19, 20, 900);
    let Some(mut rig) = Rig::new().await else { return };
    rig.create_stream(1).await;
    let running = rig.start_at("model", 100).await;
    rig.publish(&history.entries[..300]).await;
    reaches(&running, 300).await;
    assert!(rig.delete_consumers().await > 0);
    rig.publish(&history.entries[300..600]).await;
    reaches(&running, 600).await;
    rig.server.kill();
    rig.server.launch().await;
    republish(&rig, &history).await;
    reaches(&running, 900).await;
    is_live(&running).await;
    running.stop().await.unwrap();
}

/// Publishes on a connection that just broke, from where the stream is.
async fn republish(rig: &Rig, history: &History) {
    let client = async_nats::connect(rig.server.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client.clone());
    let mut stream = jetstream.get_stream("GUICHET_EVENTS_0").await.unwrap();
    let last = stream.info().await.unwrap().state.last_sequence;
    assert_eq!(last, 600, "a crash of the process alone loses nothing");
    Rig::publish_over(&jetstream, &history.entries[600..]).await;
}

async fn reference(rig: &Rig, history: &History) -> Vec<guichet_schemas::hash::Hash> {
    rig.delete_stream().await;
    rig.create_stream(1).await;
    rig.publish(&history.entries).await;
    let running = rig.start_at("reference", 1_000).await;
    reaches(&running, history.head()).await;
    content(running).await
}

fn assert_names_both(said: &str, ours: &History, theirs: &History, position: usize) {
    let hash = |history: &History| history.entries[position - 1].hash.to_string();
    for part in ["another lineage", &format!("position {position}"), &hash(ours), &hash(theirs), "rebuild"] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
}
