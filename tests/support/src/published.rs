//! The stream as any consumer sees it, and the proof that it is the log: nothing missing, nothing changed.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, Context};
use async_nats::{HeaderMap, HeaderValue, Subject};
use bytes::Bytes;
use futures_util::StreamExt as _;
use guichet_schemas::wire::Record;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::desk::Desk;

/// The stream of partition 0.
pub const STREAM: &str = "GUICHET_EVENTS_0";

const ANSWER_WITHIN: Duration = Duration::from_millis(200);
/// A reader that hears nothing for so long hears nothing more: its stream was deleted under it.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// One message of the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    pub sequence: u64,
    pub subject: Subject,
    pub headers: HeaderMap,
    pub payload: Bytes,
}

pub fn jetstream(desk: &Desk) -> Context {
    jetstream::new(desk.client.clone())
}

/// Newest sequence of the stream; `None` where there is no stream or no answer.
pub async fn last_sequence(desk: &Desk) -> Option<u64> {
    let mut context = jetstream(desk);
    // A server that was killed does not answer what it had; better ask the next one soon.
    context.set_timeout(ANSWER_WITHIN);
    let stream = context.get_stream(STREAM).await.ok()?;
    Some(stream.cached_info().state.last_sequence)
}

/// Every message, from the first to the one that was the last when this began.
pub async fn read(desk: &Desk) -> Vec<Published> {
    try_read(desk).await.expect("the stream is there and goes on")
}

/// The same of a stream that somebody may be deleting; `None`: it cannot be read now.
pub async fn try_read(desk: &Desk) -> Option<Vec<Published>> {
    let stream = jetstream(desk).get_stream(STREAM).await.ok()?;
    let state = stream.cached_info().state.clone();
    let mut messages = Vec::new();
    if state.messages == 0 {
        return Some(messages);
    }
    let mut consumer = consume(&stream).await?;
    while messages.last().is_none_or(|m: &Published| m.sequence < state.last_sequence) {
        let message = tokio::time::timeout(SILENCE_MAX, consumer.next()).await.ok()??.ok()?;
        let sequence = message.info().ok()?.stream_sequence;
        let message = message.message;
        messages.push(Published {
            sequence,
            subject: message.subject,
            headers: message.headers.unwrap_or_default(),
            payload: message.payload,
        });
    }
    Some(messages)
}

async fn consume(stream: &Stream) -> Option<pull::Ordered> {
    let config = pull::OrderedConfig { deliver_policy: DeliverPolicy::All, ..Default::default() };
    stream.create_consumer(config).await.ok()?.messages().await.ok()
}

/// Checks every message against its place, its hash, the one before it, and the one before it of its ticket.
pub fn verify(messages: &[Published]) {
    let mut before = [0; 32];
    let mut streams: HashMap<(String, String), (u64, [u8; 32])> = HashMap::new();
    for (message, position) in messages.iter().zip(1_u64..) {
        let hash = leaf_hash(&message.payload);
        let record = Record::decode(message.payload.clone()).expect("a record");
        assert_eq!((message.sequence, record.position), (position, position), "no gaps");
        assert_eq!(header(message, "ce-sequence"), format!("{position:020}"));
        assert_eq!(header(message, "Guichet-Hash"), hex(&hash), "position {position}");
        assert_eq!(header(message, "Guichet-Prev-Hash"), hex(&before), "position {position}");
        assert_eq!(message.subject.as_str(), format!("guichet.v1.evt.{}.0.{}", record.tenant, record.r#type));
        let of_ticket = streams.entry((record.tenant, record.stream_id)).or_insert((0, [0; 32]));
        assert_eq!(record.version, of_ticket.0 + 1, "position {position}: versions have no gaps");
        assert_eq!(record.prev_hash, of_ticket.1, "position {position}: the ticket's own chain");
        *of_ticket = (record.version, hash);
        before = hash;
    }
}

/// Reads the whole stream, verifies it, and compares it with the log itself.
pub async fn verified(desk: &Desk) -> Vec<Published> {
    let messages = read(desk).await;
    verify(&messages);
    let log = desk.log().await;
    assert_eq!(log.len(), messages.len(), "the stream has what the log has");
    for (record, message) in log.iter().zip(&messages) {
        assert_eq!(record[..], message.payload[..], "position {} is the same to the byte", message.sequence);
    }
    messages
}

/// How many of the messages are of this type.
pub fn count(messages: &[Published], type_name: &str) -> usize {
    messages.iter().filter(|m| m.subject.ends_with(&format!(".{type_name}"))).count()
}

fn header<'a>(message: &'a Published, name: &str) -> &'a str {
    message
        .headers
        .get(name)
        .map(HeaderValue::as_str)
        .unwrap_or_else(|| panic!("no header {name}: {:?}", message.headers))
}

/// RFC 6962, computed here and not with our own crate.
fn leaf_hash(record: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(record).finalize().into()
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
