//! What the publisher asks of the broker. JetStream answers (`JetStream`); so does the simulation's broker,
//! which loses answers, forgets what it had acknowledged, and says what JetStream says.

use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use guichet_proof::{Author, Authorship, Said};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;

use crate::halt::HaltReason;

/// The stream of one partition, and the time that passes while it is asked.
pub trait Bus: Clone + Send + Sync + 'static {
    /// The answer to a message: the sequence under which it was stored, or why that is not known.
    type Ack: Future<Output = Result<u64, String>> + Send;

    /// Refuses a server whose streams cannot be trusted.
    ///
    /// # Errors
    /// It is too old.
    fn check_server(&self) -> Result<(), HaltReason>;

    /// Puts a message on its way.
    fn send(&self, message: Message) -> impl Future<Output = Result<Self::Ack, String>> + Send;

    /// The stream as it is; none: there is none.
    fn look(&self) -> impl Future<Output = Result<Option<Found>, String>> + Send;

    /// Makes the stream, where there is none.
    fn make(&self) -> impl Future<Output = Result<Found, Repair>> + Send;

    /// Configures the stream as we need it, and writes the name of our log on it.
    fn restore(&self) -> impl Future<Output = Result<(), Unrestored>> + Send;

    /// Deletes the stream with all that it holds.
    fn remove(&self) -> impl Future<Output = Result<(), String>> + Send;

    /// One message, as the leader of the stream has it.
    fn message(&self, sequence: u64) -> impl Future<Output = Result<Kept, String>> + Send;

    /// Messages from a sequence on, at most so many: as they are stored, with the gaps that there are. None: the
    /// stream has nothing from there on.
    fn messages(&self, from: u64, most: usize) -> impl Future<Output = Result<Vec<Stored>, String>> + Send;

    /// Lets time pass.
    fn sleep(&self, span: Duration) -> impl Future<Output = ()> + Send;

    /// Does what may block where it holds nobody up.
    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, String>> + Send;
}

/// A message to be stored.
#[derive(Debug)]
pub struct Message {
    pub subject: String,
    pub headers: HeaderMap,
    /// The record.
    pub bytes: Bytes,
    /// Store it behind this sequence or not at all.
    pub expected_last: Option<u64>,
}

/// A stream.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Sequence of the first message.
    pub first: u64,
    /// Sequence of the last one, or of the last that there was.
    pub last: u64,
    pub messages: u64,
    /// The first setting that is not as we need it.
    pub misfit: Option<String>,
    /// The log that it is a copy of; `None`: an older program made it, which did not say.
    pub owner: Option<String>,
}

impl Found {
    /// False for a hole, a purge or a late beginning: positions that the log has and the stream has not.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.messages == 0 && self.last == 0 || self.first == 1 && self.messages == self.last
    }
}

/// One message, with what its sender said of it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The record.
    pub payload: Bytes,
    /// The hash in its header, where it has one.
    pub said: Option<Hash>,
    pub says: Said,
}

impl Kept {
    /// The author of the message, at this sequence.
    pub(super) fn author(&self, authorship: &Authorship, sequence: u64) -> Author {
        LogPosition::new(sequence).map_or(Author::Stranger, |position| {
            authorship.of(position, Hash::of_record(&self.payload), &self.says)
        })
    }
}

/// A message as the stream holds it.
#[derive(Debug, Clone)]
pub struct Stored {
    pub sequence: u64,
    /// The message.
    pub kept: Kept,
}

/// Why the stream was not configured.
#[derive(Debug, thiserror::Error)]
pub enum Unrestored {
    /// The server does not give these settings to the stream that is there; it may give them to a new one.
    #[error("the server refuses: {0}")]
    Refused(String),
    /// No clear answer; ask again.
    #[error("{0}")]
    Unknown(String),
}

/// Why the stream is not ready.
#[derive(Debug)]
pub enum Repair {
    /// No clear answer; ask again.
    Unknown(String),
    /// Not our events.
    Foreign(String),
    /// The server does not give the stream that we asked for.
    Unfit(String),
    /// The log cannot be read.
    Log(crate::log::StoreFault),
}

/// Waits for something, for so long at most; `None`: it has not come.
pub(super) async fn within<B: Bus, T>(bus: &B, span: Duration, what: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        came = what => Some(came),
        () = bus.sleep(span) => None,
    }
}
