//! The stream of events as JetStream holds it: its extent, one message, and all from a place on.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;
use futures_util::StreamExt as _;
use guichet_proof::{Said, StreamMac, stream_key};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{Generation, Partition};
use guichet_schemas::time::Timestamp;
use guichet_schemas::{codec, subject};
use tokio::time::{Instant, sleep};

use super::{Client, ClientError};

/// Pause before a consumer that ended is made again.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a stream may be gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// Messages asked for at a time; must stay well below the client's 65,536 per subscription, beyond which it drops.
const PULL_MESSAGES: usize = 4096;
const PULL_EXPIRES: Duration = Duration::from_secs(30);
/// The server says this often that the consumer lives; two missed ones end it.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// An abandoned consumer is gone after this.
const CONSUMER_INACTIVE: Duration = Duration::from_secs(15);

/// A message of the stream, as it came: nothing about it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// JetStream's sequence; the position of the record in it, or the stream is foreign.
    pub sequence: u64,
    /// `Guichet-Hash`.
    pub hash: Option<Hash>,
    /// `Guichet-Prev-Hash`: of the record at the position before.
    pub prev_hash: Option<Hash>,
    /// The account of itself in its other headers, and its proof.
    pub says: Said,
    /// The bytes of the record.
    pub bytes: Bytes,
}

/// The stream of one partition. Reads; acknowledges nothing and leaves nothing behind.
#[derive(Debug)]
pub struct EventStream {
    client: Client,
    name: String,
    stream: Stream,
    first: u64,
    last: u64,
}

impl Client {
    /// The stream of a partition.
    ///
    /// # Errors
    /// There is none, or JetStream does not answer.
    pub async fn events(&self, partition: Partition) -> Result<EventStream, ClientError> {
        let name = subject::stream(partition);
        match self.or_denied(self.jetstream().get_stream(&name)).await? {
            Ok(stream) => {
                let state = &stream.cached_info().state;
                let (first, last) = (state.first_sequence, state.last_sequence);
                Ok(EventStream { client: self.clone(), name, stream, first, last })
            }
            Err(error) => Err(ClientError::Stream {
                stream: name,
                server: self.server.clone(),
                problem: error.to_string(),
            }),
        }
    }
}

impl EventStream {
    /// The oldest sequence held; one beyond [`Self::last`] where the stream is empty.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The newest sequence when the stream was opened; 0: none.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The first sequence whose record was recorded at `time` or later; one beyond the last where none was.
    ///
    /// `recorded_at` never goes back, so a search in halves finds it; the times that JetStream keeps are those
    /// of the publication, which a repaired stream gets again.
    ///
    /// # Errors
    /// A message cannot be read.
    pub async fn sequence_at(&self, time: Timestamp) -> Result<u64, ClientError> {
        let (mut low, mut high) = (self.first.max(1), self.last + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let asked = self.client.or_denied(self.stream.get_raw_message(middle)).await?;
            let message = asked.map_err(|e| self.unreadable(&e))?;
            let record = codec::decode_record_wire(&message.payload).map_err(|e| self.unreadable(&e))?;
            if record.recorded_at < time.0 {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// All messages from a sequence on, those to come included.
    #[must_use]
    pub const fn from(self, sequence: u64) -> Messages {
        Messages { stream: self, next: sequence, flowing: None, asked_again: 0 }
    }

    fn unreadable(&self, problem: &dyn std::fmt::Display) -> ClientError {
        ClientError::Stream {
            stream: self.name.clone(),
            server: self.client.server.clone(),
            problem: problem.to_string(),
        }
    }

    async fn consume(&self, from: u64) -> Result<pull::Stream, ClientError> {
        let config = pull::Config {
            description: Some("guichet tail".to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.max(1) },
            ack_policy: AckPolicy::None,
            inactive_threshold: CONSUMER_INACTIVE,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let made = self.client.or_denied(self.stream.create_consumer(config)).await?;
        let consumer = made.map_err(|e| self.unreadable(&e))?;
        let pulling = consumer
            .stream()
            .max_messages_per_batch(PULL_MESSAGES)
            .expires(PULL_EXPIRES)
            .heartbeat(HEARTBEAT);
        pulling.messages().await.map_err(|e| self.unreadable(&e))
    }
}

/// Messages as they come, from one sequence on.
pub struct Messages {
    stream: EventStream,
    next: u64,
    flowing: Option<pull::Stream>,
    /// The sequence that was asked for again because another came.
    asked_again: u64,
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messages")
            .field("stream", &self.stream.name)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl Messages {
    /// Waits for the next message. A consumer that ends, because the server went away or forgot it, is made
    /// again where it was.
    ///
    /// # Errors
    /// The stream is gone for a minute, or a message is none of ours.
    pub async fn next(&mut self) -> Result<Published, ClientError> {
        loop {
            let client = self.stream.client.clone();
            let flowing = self.flowing().await?;
            let message = match client.or_denied(flowing.next()).await? {
                Some(Ok(message)) => message,
                Some(Err(_)) | None => {
                    self.flowing = None;
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let sequence = message.info().map_err(|e| self.stream.unreadable(&e))?.stream_sequence;
            // The client may have lost messages on the way; what is missing twice is missing in the stream.
            if sequence != self.next && self.asked_again != self.next {
                self.asked_again = self.next;
                self.flowing = None;
                continue;
            }
            self.next = sequence + 1;
            let hash = |name: &str| message.headers.as_ref().and_then(|headers| hash_in(headers, name));
            let (hash, prev_hash) = (hash("Guichet-Hash"), hash("Guichet-Prev-Hash"));
            let text = |name: &str| message.headers.as_ref()?.get(name).map(ToString::to_string);
            let generation = text("Guichet-Generation").and_then(|n| n.parse().ok()).map(Generation);
            let mac = text(stream_key::HEADER).and_then(|mac| StreamMac::parse(&mac));
            let says = Said { previous: prev_hash, generation, mac };
            return Ok(Published { sequence, hash, prev_hash, says, bytes: message.message.payload });
        }
    }

    /// The consumer, made again where there is none.
    async fn flowing(&mut self) -> Result<&mut pull::Stream, ClientError> {
        if self.flowing.is_none() {
            let started = Instant::now();
            self.flowing = loop {
                match self.stream.consume(self.next).await {
                    Ok(flowing) => break Some(flowing),
                    Err(error @ ClientError::Denied { .. }) => return Err(error),
                    Err(error) if started.elapsed() > PATIENCE => return Err(error),
                    Err(_) => sleep(PAUSE).await,
                }
            };
        }
        Ok(self.flowing.as_mut().expect("it was made just now"))
    }
}

fn hash_in(headers: &HeaderMap, name: &str) -> Option<Hash> {
    headers.get(name).and_then(|value| Hash::parse(value.as_str()))
}
