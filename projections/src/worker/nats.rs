//! NATS as the source: JetStream for the stream, with a consumer of our own that may vanish at any time, and the
//! engine's log service for what the stream has not or not any more.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::{self, ErrorCode};
use async_nats::service::NATS_SERVICE_ERROR;
use async_nats::{Client, HeaderMap, RequestErrorKind};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use guichet_proof::{Authorship, Said, StreamMac, stream_key};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{Generation, Partition};
use guichet_schemas::subject;
use guichet_schemas::wire::{LogBatch, LogRequest};
use prost::Message as _;
use tokio::task::unconstrained;

use super::source::{Extent, Hashes, Messages, Next, Reply, Source};
use crate::arrived::{Arrived, Proof};

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
/// Bytes of records in one answer of the log; the largest record is 60 KiB, the server takes 1 MiB.
const LOG_BYTES_MAX: u32 = 512 * 1024;
const LOG_TIMEOUT: Duration = Duration::from_secs(5);
/// A log service that is busy is asked so often, with a pause that doubles: three seconds in all.
const LOG_BUSY_MAX: u32 = 5;
const LOG_BUSY_PAUSE: Duration = Duration::from_millis(100);

/// One partition over NATS.
#[derive(Clone)]
pub struct Nats {
    pub(crate) client: Client,
    jetstream: jetstream::Context,
    partition: Partition,
    /// Tells what the engine wrote; none: this process has not the secret of the log.
    authorship: Option<Arc<Authorship>>,
}

/// A consumer, and who tells whether what it brings is of the log's engine.
pub struct Consumer {
    messages: pull::Stream,
    authorship: Option<Arc<Authorship>>,
}

impl Nats {
    pub(crate) fn new(client: Client, partition: Partition, authorship: Option<Authorship>) -> Self {
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(REQUEST_TIMEOUT);
        Self { client, jetstream, partition, authorship: authorship.map(Arc::new) }
    }
}

/// The log service asks to come back in a moment.
struct Busy;

impl Nats {
    /// One request to the log service. A refusal has no body, and no body is a batch of nothing: so the headers are
    /// looked at first.
    async fn ask_log(&self, request: Bytes) -> Result<Reply, Busy> {
        let request = async_nats::Request::new().payload(request).timeout(Some(LOG_TIMEOUT));
        let message = match self.client.send_request(subject::log(self.partition), request).await {
            Ok(message) => message,
            Err(error) if error.kind() == RequestErrorKind::NoResponders => return Ok(Reply::Nobody),
            Err(error) => return Ok(Reply::Unclear(format!("the log service did not answer: {error}"))),
        };
        match message.headers.as_ref().and_then(|headers| headers.get(NATS_SERVICE_ERROR)) {
            Some(code) if code.as_str() == "busy" => return Err(Busy),
            Some(code) => return Ok(Reply::Unclear(format!("the log service refused: {code}"))),
            None => {}
        }
        Ok(match LogBatch::decode(message.payload) {
            Ok(batch) => Reply::Batch(batch),
            Err(_) => Reply::Unclear("the log service answered something that is no LogBatch".to_owned()),
        })
    }
}

impl Source for Nats {
    type Messages = Consumer;

    async fn extent(&self) -> Result<Option<Extent>, String> {
        match self.jetstream.get_stream(subject::stream(self.partition)).await {
            Ok(stream) => {
                let state = &stream.cached_info().state;
                Ok(Some(Extent { first: state.first_sequence, last: state.last_sequence }))
            }
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
                GetStreamErrorKind::JetStream(_)
                | GetStreamErrorKind::Request
                | GetStreamErrorKind::EmptyName
                | GetStreamErrorKind::InvalidStreamName => Err(format!("JetStream does not answer: {error}")),
            },
        }
    }

    async fn hashes_at(&self, sequence: u64) -> Option<Hashes> {
        let stream = self.jetstream.get_stream_no_info(subject::stream(self.partition)).await.ok()?;
        // The leader's own copy, not a direct get, which any replica may answer.
        let message = stream.get_raw_message(sequence).await.ok()?;
        let said = hash_in(&message.headers, "Guichet-Hash");
        let actual = Hash::of_record(&message.payload);
        let proof = proof(self.authorship.as_ref(), Some(&message.headers));
        // What somebody forged says nothing of any history.
        (!proof.is_some_and(|p| p.is_strangers(sequence, actual))).then_some(Hashes { said, actual })
    }

    async fn messages(&self, from: u64) -> Result<Consumer, String> {
        let config = pull::Config {
            description: Some("guichet projections".to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from },
            ack_policy: AckPolicy::None,
            inactive_threshold: CONSUMER_INACTIVE,
            memory_storage: true,
            num_replicas: 1,
            ..Default::default()
        };
        let stream = self.jetstream.get_stream_no_info(subject::stream(self.partition)).await;
        let stream = stream.map_err(|error| format!("no stream: {error}"))?;
        let consumer =
            stream.create_consumer(config).await.map_err(|error| format!("no consumer: {error}"))?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(PULL_MESSAGES)
            .max_bytes_per_batch(PULL_BYTES)
            .expires(PULL_EXPIRES)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(|error| format!("no messages: {error}"))?;
        Ok(Consumer { messages, authorship: self.authorship.clone() })
    }

    async fn log(&self, from: u64, events_max: usize) -> Reply {
        let max_events = u32::try_from(events_max).unwrap_or(u32::MAX);
        let request = LogRequest { from, max_events, max_bytes: LOG_BYTES_MAX }.encode_to_vec();
        let request: Bytes = request.into();
        let mut pause = LOG_BUSY_PAUSE;
        for _ in 0..LOG_BUSY_MAX {
            match self.ask_log(request.clone()).await {
                Ok(reply) => return reply,
                Err(Busy) => tokio::time::sleep(pause).await,
            }
            pause = pause.saturating_mul(2);
        }
        Reply::Unclear("the log service is busy".to_owned())
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        tokio::task::spawn_blocking(work).await.ok()
    }
}

impl Messages for Consumer {
    async fn next(&mut self) -> Next {
        let next = self.messages.next().await;
        arrived(next, self.authorship.as_ref())
    }

    fn ready(&mut self) -> Option<Next> {
        // Unconstrained: tokio's budget would end every batch after 128 messages.
        let next = unconstrained(self.messages.next()).now_or_never();
        next.map(|next| arrived(next, self.authorship.as_ref()))
    }
}

/// A message as the fold wants it, and the newest sequence of the stream when it was sent.
fn arrived(
    next: Option<Result<jetstream::Message, pull::MessagesError>>,
    authorship: Option<&Arc<Authorship>>,
) -> Next {
    let message = match next {
        Some(Ok(message)) => message,
        Some(Err(error)) => return Err(format!("the consumer failed: {error}")),
        None => return Err("the consumer ended".to_owned()),
    };
    let info = message.info().map_err(|_| "a message without a sequence".to_owned())?;
    let (sequence, newest) = (info.stream_sequence, info.stream_sequence + info.pending);
    let header = |name: &str| message.headers.as_ref().and_then(|headers| hash_in(headers, name));
    let (prev_hash, hash) = (header("Guichet-Prev-Hash"), header("Guichet-Hash"));
    let proof = proof(authorship, message.headers.as_ref());
    Ok((Arrived { sequence, prev_hash, hash, bytes: message.message.payload, proof }, newest))
}

fn proof(authorship: Option<&Arc<Authorship>>, headers: Option<&HeaderMap>) -> Option<Proof> {
    let authorship = Arc::clone(authorship?);
    let text = |name: &str| headers?.get(name).map(async_nats::HeaderValue::as_str);
    let says = Said {
        previous: headers.and_then(|headers| hash_in(headers, "Guichet-Prev-Hash")),
        generation: text("Guichet-Generation").and_then(|n| n.parse().ok()).map(Generation),
        mac: text(stream_key::HEADER).and_then(StreamMac::parse),
    };
    Some(Proof { authorship, says })
}

fn hash_in(headers: &HeaderMap, name: &str) -> Option<Hash> {
    headers.get(name).and_then(|value| Hash::parse(value.as_str()))
}
