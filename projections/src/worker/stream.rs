//! The JetStream side: how far the stream is, and a consumer of our own that may vanish at any time.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::{self, ErrorCode};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::Partition;
use guichet_schemas::subject;

use super::pause::Pause;
use crate::arrived::Arrived;

/// Messages and bytes asked for at a time; up to one and a half times as much is on its way. Must stay
/// well below the client's 65,536 per subscription, which it drops beyond.
const PULL_MESSAGES: usize = 8_192;
const PULL_BYTES: usize = 8 * 1024 * 1024;
const PULL_EXPIRES: Duration = Duration::from_secs(30);
/// The server says this often that the consumer lives; two missed ones end the stream of messages.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// An abandoned consumer is gone after this.
const CONSUMER_INACTIVE: Duration = Duration::from_secs(15);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) type Messages = pull::Stream;
pub(super) type Next = Option<Result<jetstream::Message, pull::MessagesError>>;

/// What the stream holds: sequences `first` to `last`; empty where `first` is `last` + 1.
pub(super) struct Extent {
    pub(super) first: u64,
    pub(super) last: u64,
    stream: jetstream::stream::Stream,
}

pub(super) fn context(client: async_nats::Client) -> jetstream::Context {
    let mut context = jetstream::new(client);
    context.set_timeout(REQUEST_TIMEOUT);
    context
}

/// The stream of a partition; `None` where there is none.
pub(super) async fn extent(
    context: &jetstream::Context,
    partition: Partition,
) -> Result<Option<Extent>, Pause> {
    match context.get_stream(subject::stream(partition)).await {
        Ok(stream) => {
            let state = &stream.cached_info().state;
            Ok(Some(Extent { first: state.first_sequence, last: state.last_sequence, stream }))
        }
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            GetStreamErrorKind::JetStream(_)
            | GetStreamErrorKind::Request
            | GetStreamErrorKind::EmptyName
            | GetStreamErrorKind::InvalidStreamName => {
                Err(Pause::Interrupted(format!("JetStream does not answer: {error}")))
            }
        },
    }
}

/// Hash of the message at a sequence; `None` where it cannot be had.
pub(super) async fn hash_at(extent: &Extent, sequence: u64) -> Option<Hash> {
    if sequence < extent.first || sequence > extent.last {
        return None;
    }
    // The leader's own copy, not a direct get, which any replica may answer.
    extent.stream.get_raw_message(sequence).await.ok().map(|message| Hash::of_record(&message.payload))
}

/// All messages from a sequence on, unfiltered. Nothing is acknowledged: the position is ours alone.
pub(super) async fn messages(extent: &Extent, from: u64) -> Result<Messages, Pause> {
    let config = pull::Config {
        description: Some("guichet projections".to_owned()),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from },
        ack_policy: AckPolicy::None,
        inactive_threshold: CONSUMER_INACTIVE,
        memory_storage: true,
        num_replicas: 1,
        ..Default::default()
    };
    let consumer = extent
        .stream
        .create_consumer(config)
        .await
        .map_err(|error| Pause::Interrupted(format!("no consumer: {error}")))?;
    consumer
        .stream()
        .max_messages_per_batch(PULL_MESSAGES)
        .max_bytes_per_batch(PULL_BYTES)
        .expires(PULL_EXPIRES)
        .heartbeat(HEARTBEAT)
        .messages()
        .await
        .map_err(|error| Pause::Interrupted(format!("no messages: {error}")))
}

/// A message as the fold wants it, and the newest sequence of the stream when it was sent.
fn arrived(next: Next) -> Result<(Arrived, u64), Pause> {
    let message = match next {
        Some(Ok(message)) => message,
        Some(Err(error)) => return Err(Pause::Interrupted(format!("the consumer failed: {error}"))),
        None => return Err(Pause::Interrupted("the consumer ended".to_owned())),
    };
    let info = message.info().map_err(|_| Pause::Interrupted("a message without a sequence".to_owned()))?;
    let (sequence, newest) = (info.stream_sequence, info.stream_sequence + info.pending);
    let header = |name: &str| message.headers.as_ref().and_then(|headers| hash_in(headers, name));
    let (prev_hash, hash) = (header("Guichet-Prev-Hash"), header("Guichet-Hash"));
    Ok((Arrived { sequence, prev_hash, hash, bytes: message.message.payload }, newest))
}

/// Takes messages, up to the limits of a batch, as long as more are there; with the newest sequence of the
/// stream, and why no more will come.
pub(super) fn drain(
    first: Next,
    events_max: usize,
    bytes_max: usize,
    mut more: impl FnMut() -> Option<Next>,
) -> Result<(Vec<Arrived>, u64, Option<Pause>), Pause> {
    let (mut batch, mut bytes, mut newest) = (Vec::new(), 0, 0);
    let mut next = Some(first);
    while let Some(one) = next {
        match arrived(one) {
            Ok((arrived, at)) => {
                bytes += arrived.bytes.len();
                newest = at;
                batch.push(arrived);
            }
            Err(why) if batch.is_empty() => return Err(why),
            Err(why) => return Ok((batch, newest, Some(why))),
        }
        if batch.len() >= events_max || bytes >= bytes_max {
            break;
        }
        next = more();
    }
    Ok((batch, newest, None))
}

fn hash_in(headers: &HeaderMap, name: &str) -> Option<Hash> {
    headers.get(name).and_then(|value| Hash::parse(value.as_str()))
}
