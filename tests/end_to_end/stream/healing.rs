//! An admin's mistakes: the stream is deleted, emptied, cut short, beheaded or has a hole.

use std::time::Duration;

use async_nats::jetstream::{Context, stream};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{LogPosition, Partition};

use crate::desk::Desk;
use crate::harness::{Trio, until};
use crate::published::{self, Published, STREAM, jetstream};
use crate::stream::foreign::halts;

const HEALED_WITHIN: Duration = Duration::from_secs(30);
const TICKETS: usize = 60;

#[tokio::test]
async fn a_stream_deleted_under_a_running_engine_comes_back_the_same() {
    let mut desk = Damaged::prepare().await;
    jetstream(&desk.desk).delete_stream(STREAM).await.expect("deleted");
    desk.heals().await;
}

#[tokio::test]
async fn a_stream_emptied_under_a_running_engine_is_filled_again() {
    let mut desk = Damaged::prepare().await;
    let admin = jetstream(&desk.desk);
    admin.delete_stream(STREAM).await.expect("deleted");
    // The engine may have made its own in between, which is as good.
    admin.create_stream(unprotected(1)).await.ok();
    desk.heals().await;
}

#[tokio::test]
async fn a_stream_cut_short_gets_its_end_back() {
    let mut desk = Damaged::prepare().await;
    desk.while_the_engine_is_away(async |admin, messages| {
        copy(admin, unprotected(1), &messages[..messages.len() / 2]).await;
    })
    .await;
    desk.heals().await;
}

#[tokio::test]
async fn a_stream_that_lost_its_beginning_is_rebuilt() {
    let mut desk = Damaged::prepare().await;
    desk.while_the_engine_is_away(async |admin, messages| {
        let half = messages.len() / 2;
        copy(admin, unprotected(half as u64 + 1), &messages[half..]).await;
    })
    .await;
    desk.heals().await;
}

#[tokio::test]
async fn a_stream_with_a_hole_is_rebuilt() {
    let mut desk = Damaged::prepare().await;
    desk.while_the_engine_is_away(async |admin, messages| {
        copy(admin, unprotected(1), messages).await;
        let stream = admin.get_stream(STREAM).await.expect("the copy");
        assert!(stream.delete_message(17).await.expect("deleted"));
    })
    .await;
    desk.heals().await;
}

// Only its two ends used to be compared with the log: a bit that flipped in between stayed for ever, and was met by
// whoever read the history years later.
#[tokio::test]
async fn a_message_that_changed_far_back_is_found_and_the_stream_rebuilt() {
    const PLACE: usize = 17;
    let mut desk = Damaged::prepare().await;
    desk.while_the_engine_is_away(async |admin, messages| {
        let mut messages = messages.to_vec();
        let mut payload = messages[PLACE - 1].payload.to_vec();
        payload[40] ^= 1;
        messages[PLACE - 1].payload = payload.into();
        copy(admin, unprotected(1), &messages).await;
    })
    .await;
    let repaired = async || {
        let stream = jetstream(&desk.desk).get_stream(STREAM).await.ok()?;
        let message = stream.get_raw_message(PLACE as u64).await.ok()?;
        (message.payload == desk.before[PLACE - 1].payload).then_some(())
    };
    until("the message is as it was", HEALED_WITHIN, repaired).await;
    desk.heals().await;
}

// Of two engines whose messages stood in one stream, each took the other's for damage and rebuilt the stream, in
// turns and without end. What an engine with our secret has published is no damage: who finds it stops.
#[tokio::test]
async fn a_message_of_another_engine_far_back_is_not_fought_over() {
    const PLACE: usize = 17;
    let mut desk = Damaged::prepare().await;
    let ours = guichet_engine::log::authorship(&desk.trio.dir().join("engine/log-0"), Partition(0));
    let ours = ours.expect("it is there");
    desk.while_the_engine_is_away(async |admin, messages| {
        let mut messages = messages.to_vec();
        let theirs = &mut messages[PLACE - 1];
        let mut payload = theirs.payload.to_vec();
        payload[40] ^= 1;
        theirs.headers.insert("Guichet-Hash", Hash::of_record(&payload).to_string());
        let previous = Hash::of_record(&messages[PLACE - 2].payload);
        let position = LogPosition::new(PLACE as u64).expect("not 0");
        let mac = ours.mac(position, previous, Hash::of_record(&payload));
        let theirs = &mut messages[PLACE - 1];
        theirs.headers.insert("Guichet-Mac", mac.to_string());
        theirs.payload = payload.into();
        copy(admin, unprotected(1), &messages).await;
    })
    .await;
    let engine = desk.trio.engine.as_mut().expect("it runs");
    halts(engine, &format!("halted: stream: message {PLACE} has hash")).await;
    let left = published::read(&desk.desk).await;
    assert!(left[PLACE - 1] != desk.before[PLACE - 1], "what it found is there to be looked at");
}

/// A desk at work, and its stream before somebody touched it.
struct Damaged {
    trio: Trio,
    desk: Desk,
    before: Vec<Published>,
}

impl Damaged {
    async fn prepare() -> Self {
        let trio = Trio::start().await;
        let desk = trio.desk().await;
        let newest = desk.open_tickets("before", TICKETS).await;
        let published = async || published::last_sequence(&desk).await.filter(|last| *last == newest);
        until("everything is published", HEALED_WITHIN, published).await;
        let before = published::verified(&desk).await;
        Self { trio, desk, before }
    }

    async fn while_the_engine_is_away(&mut self, damage: impl AsyncFn(&Context, &[Published])) {
        self.trio.kill_engine();
        let admin = jetstream(&self.desk);
        admin.delete_stream(STREAM).await.expect("deleted");
        damage(&admin, &self.before).await;
        let damaged = published::read(&self.desk).await;
        assert_ne!(damaged, self.before, "it is damaged");
        self.trio.launch_engine();
        self.desk.ready().await;
    }

    /// The stream is as it was, protected as it was, and the desk works on.
    async fn heals(&mut self) {
        let desk = &self.desk;
        let newest = desk.open_tickets("after", 3).await;
        let healed = async || {
            let stream = jetstream(desk).get_stream(STREAM).await.ok()?;
            let state = &stream.cached_info().state;
            (state.messages == newest && state.last_sequence == newest).then(|| stream.cached_info().clone())
        };
        let found = until("the stream is whole", HEALED_WITHIN, healed).await;
        assert!(found.config.deny_delete && found.config.deny_purge, "nobody may take from it");
        let after = published::verified(desk).await;
        assert!(self.before == after[..self.before.len()], "bytes, headers and sequences are the same");
        desk.folded(newest).await;
        let projections = desk.query("projections", serde_json::json!({})).await;
        assert_eq!(projections["data"][0]["state"], "live", "{projections}");
        assert_eq!(desk.tickets().await.len(), TICKETS + 3);
    }
}

/// A stream of ours as an admin would make it by hand.
fn unprotected(first_sequence: u64) -> stream::Config {
    stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["guichet.v1.evt.*.0.*".to_owned()],
        first_sequence: (first_sequence > 1).then_some(first_sequence),
        ..Default::default()
    }
}

async fn copy(admin: &Context, config: stream::Config, messages: &[Published]) {
    admin.create_stream(config).await.expect("created");
    for message in messages {
        let (subject, headers) = (message.subject.clone(), message.headers.clone());
        let ack = admin.publish_with_headers(subject, headers, message.payload.clone()).await.expect("sent");
        assert_eq!(ack.await.expect("stored").sequence, message.sequence);
    }
}
