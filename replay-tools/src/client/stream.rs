//! The stream of events as JetStream holds it: its extent, one message, and all from a place on.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;
use futures_util::StreamExt as _;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::Partition;
use guichet_schemas::time::Timestamp;
use guichet_schemas::{codec, subject};
use tokio::time::sleep;

use super::{Client, ClientError};

/// Pause before a consumer that ended is made again.
const PAUSE: Duration = Duration::from_millis(500);

/// A message of the stream, as it came: nothing about it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// JetStream's sequence; the position of the record in it, or the stream is foreign.
    pub sequence: u64,
    /// `Guichet-Hash`.
    pub hash: Option<Hash>,
    /// `Guichet-Prev-Hash`: of the record at the position before.
    pub prev_hash: Option<Hash>,
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
        match self.jetstream().get_stream(&name).await {
            Ok(stream) => {
                let state = &stream.cached_info().state;
                let (first, last) = (state.first_sequence, state.last_sequence);
                Ok(EventStream { client: self.clone(), name, stream, first, last })
            }
            Err(error) => Err(ClientError::Stream { stream: name, server: self.server.clone(), problem: error.to_string() }),
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
    /// of the publication, which a repaired stream gets anew.
    ///
    /// # Errors
    /// A message cannot be read.
    pub async fn sequence_at(&self, time: Timestamp) -> Result<u64, ClientError> {
        let (mut low, mut high) = (self.first.max(1), self.last + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let message = self.stream.get_raw_message(middle).await.map_err(|e| self.unreadable(&e))?;
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
        Messages { stream: self, next: sequence, flowing: None }
    }

    fn unreadable(&self, problem: &dyn std::fmt::Display) -> ClientError {
        ClientError::Stream { stream: self.name.clone(), server: self.client.server.clone(), problem: problem.to_string() }
    }

    async fn consume(&self, from: u64) -> Result<pull::Ordered, ClientError> {
        let config = pull::OrderedConfig {
            description: Some("guichet tail".to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.max(1) },
            ..pull::OrderedConfig::default()
        };
        let consumer = self.stream.create_consumer(config).await.map_err(|e| self.unreadable(&e))?;
        consumer.messages().await.map_err(|e| self.unreadable(&e))
    }
}

/// Messages as they come, from one sequence on.
pub struct Messages {
    stream: EventStream,
    next: u64,
    flowing: Option<pull::Ordered>,
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messages").field("stream", &self.stream.name).field("next", &self.next).finish_non_exhaustive()
    }
}

impl Messages {
    /// Waits for the next message. A consumer that ends, because the server went away or forgot it, is made
    /// again where it was.
    ///
    /// # Errors
    /// The stream is gone for longer than the connection's time-out, or a message is none of ours.
    pub async fn next(&mut self) -> Result<Published, ClientError> {
        let mut failures = 0_u32;
        loop {
            let consumer = match &mut self.flowing {
                Some(flowing) => flowing,
                None => match self.stream.consume(self.next).await {
                    Ok(flowing) => self.flowing.insert(flowing),
                    Err(error) if PAUSE * failures > self.stream.client.timeout => return Err(error),
                    Err(_) => {
                        failures += 1;
                        sleep(PAUSE).await;
                        continue;
                    }
                },
            };
            match consumer.next().await {
                Some(Ok(message)) => {
                    let sequence = message.info().map_err(|e| self.stream.unreadable(&e))?.stream_sequence;
                    self.next = sequence + 1;
                    let hash = |name: &str| message.headers.as_ref().and_then(|headers| hash_in(headers, name));
                    let (hash, prev_hash) = (hash("Guichet-Hash"), hash("Guichet-Prev-Hash"));
                    return Ok(Published { sequence, hash, prev_hash, bytes: message.message.payload });
                }
                Some(Err(_)) | None => {
                    self.flowing = None;
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

fn hash_in(headers: &HeaderMap, name: &str) -> Option<Hash> {
    headers.get(name).and_then(|value| Hash::parse(value.as_str()))
}
