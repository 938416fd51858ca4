//! Log → JetStream, in order, the record bytes as stored, sequence == position.
//!
//! The stream is a copy, never the truth: what is short, purged or gone is published again from the log, and
//! what is foreign stops the engine. Every publish carries the expected last sequence, so that a second writer
//! is found at its first message.

pub mod checkpoints;
pub(crate) mod copy;
mod headers;
mod scrub;
mod stored;
mod stream;

use std::collections::VecDeque;
use std::future::IntoFuture as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::{self, ErrorCode};
use guichet_crash::{CrashPoint, Sabotage, crash_point, sabotaged};
use guichet_schemas::codec::Head;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject;
use tokio::sync::watch;

use self::headers::Headers;
use self::scrub::Scrub;
use self::stream::{Repair, StreamState};
use crate::halt::{Halt, HaltReason};
use crate::intake::Pressure;
use crate::log::{LogReader, StoreFault};

/// Publishes under way at once.
const WINDOW: usize = 1024;
/// How long an ack may take before its outcome counts as unknown.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for publishes whose fate is found out by comparing anyway.
const DRAIN_MAX: Duration = Duration::from_secs(1);
/// How often a quiet stream is compared with the log.
const COMPARE_EVERY: Duration = Duration::from_secs(3);
/// Longest pause between two attempts.
const BACK_OFF_MAX: Duration = Duration::from_secs(2);

/// What the publisher has done, for status and metrics.
#[derive(Debug, Clone)]
pub struct Progress {
    published: watch::Receiver<u64>,
}

impl Progress {
    /// Newest position known to be in the stream; 0: none.
    #[must_use]
    pub fn published(&self) -> u64 {
        *self.published.borrow()
    }

    /// Waits until the stream has this position.
    pub async fn reaches(&mut self, position: u64) {
        if self.published.wait_for(|p| *p >= position).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The task that publishes one partition.
pub struct Publisher {
    context: jetstream::Context,
    client: Client,
    reader: LogReader,
    partition: Partition,
    halt: Halt,
    pressure: Arc<Pressure>,
    published: watch::Sender<u64>,
    /// Where the stream was found to be damaged; 0: nowhere.
    damaged: watch::Sender<u64>,
    reconnected: watch::Receiver<u64>,
    /// Next to publish, and the hash of the record before it.
    next: LogPosition,
    previous_hash: Hash,
    headers: Headers,
    window: VecDeque<(LogPosition, PublishAckFuture)>,
}

/// Why a round of publishing ended.
enum Interrupted {
    /// What is in the stream is not known: drain, compare, go on from there.
    Unknown(String),
    /// Somebody else writes the stream, or the log cannot be read.
    Halt(HaltReason),
}

impl From<StoreFault> for Interrupted {
    fn from(fault: StoreFault) -> Self {
        Self::Halt(HaltReason::Storage(fault.to_string()))
    }
}

impl Publisher {
    /// A publisher of this log. `reconnected` changes at every connection to NATS.
    #[must_use]
    pub fn new(
        client: Client,
        reader: LogReader,
        partition: Partition,
        halt: Halt,
        pressure: Arc<Pressure>,
        reconnected: watch::Receiver<u64>,
    ) -> (Self, Progress) {
        let context = jetstream::ContextBuilder::new()
            .timeout(ACK_TIMEOUT)
            .ack_timeout(ACK_TIMEOUT)
            .max_ack_inflight(2 * WINDOW)
            .build(client.clone());
        let published = watch::Sender::new(0);
        let progress = Progress { published: published.subscribe() };
        let headers = Headers::new(partition, reader.generation());
        let publisher = Self {
            headers,
            context,
            client,
            reader,
            partition,
            halt,
            pressure,
            published,
            damaged: watch::Sender::new(0),
            reconnected,
            next: LogPosition::FIRST,
            previous_hash: Hash::ZERO,
            window: VecDeque::with_capacity(WINDOW),
        };
        (publisher, progress)
    }

    /// Publishes, and compares what was published, until it is aborted, or until the stream turns out to be foreign.
    pub async fn run(self) {
        let scrub = Scrub {
            client: self.client.clone(),
            reader: self.reader.clone(),
            partition: self.partition,
            published: self.published.subscribe(),
            damaged: self.damaged.clone(),
            halt: self.halt.clone(),
        };
        tokio::select! {
            () = self.publish_all() => {}
            () = scrub.run() => {}
        }
    }

    async fn publish_all(mut self) {
        let mut pause = Duration::from_millis(20);
        loop {
            let before = *self.published.borrow();
            let why = match self.compare().await {
                Ok(()) => self.publish().await,
                Err(why) => why,
            };
            self.drain().await;
            match why {
                Interrupted::Halt(reason) => return self.halt.stop(reason),
                Interrupted::Unknown(what) => {
                    if *self.published.borrow() > before {
                        pause = Duration::from_millis(20);
                    }
                    tracing::warn!(%what, next = self.next.get(), "publishing paused");
                }
            }
            // Not a condition we can wait for: whatever is wrong with the server is not told to us.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BACK_OFF_MAX);
        }
    }

    /// Compares the stream with the log and finds where to go on.
    async fn compare(&mut self) -> Result<(), Interrupted> {
        stream::check_server(&self.client.server_info().version).map_err(Interrupted::Halt)?;
        let head = self.reader.head();
        if *self.damaged.borrow() > 0 {
            self.note(0);
            stream::remove(&self.context, self.partition).await.map_err(Interrupted::Unknown)?;
            self.damaged.send_replace(0);
        }
        let (generation, record) = (self.reader.generation(), |position| self.reader.record(position));
        let state =
            stream::open(&self.context, self.partition, generation, record).await.map_err(|repair| {
                match repair {
                    Repair::Unknown(what) => Interrupted::Unknown(what),
                    Repair::Foreign(what) => Interrupted::Halt(HaltReason::ForeignStream(what)),
                    Repair::Unfit(what) => Interrupted::Halt(HaltReason::Nats(what)),
                    Repair::Log(fault) => fault.into(),
                }
            })?;
        let StreamState { last, last_hash } = state;
        if last > head {
            return Err(Interrupted::Halt(HaltReason::ForeignStream(format!(
                "the stream ends at {}, the log at {}",
                LogPosition::or_zero(last),
                LogPosition::or_zero(head)
            ))));
        }
        self.next = LogPosition::after(last);
        self.previous_hash = last_hash;
        self.note(LogPosition::or_zero(last));
        Ok(())
    }

    async fn publish(&mut self) -> Interrupted {
        let mut heads = self.reader.heads();
        let mut damaged = self.damaged.subscribe();
        self.reconnected.mark_unchanged();
        loop {
            let position = *damaged.borrow_and_update();
            if position > 0 {
                return Interrupted::Unknown(format!("message {position} of the stream is damaged"));
            }
            if let Err(why) = self.fill().await {
                return why;
            }
            let settled = if self.window.is_empty() {
                tokio::select! {
                    changed = heads.changed() => match changed {
                        Ok(()) => Ok(()),
                        Err(_) => std::future::pending().await,
                    },
                    _ = self.reconnected.changed() => Err(Interrupted::Unknown("connected again".to_owned())),
                    // Looked at when the loop begins again.
                    _ = damaged.changed() => Ok(()),
                    () = tokio::time::sleep(COMPARE_EVERY) => self.compare().await,
                }
            } else {
                self.settle().await
            };
            if let Err(why) = settled {
                return why;
            }
        }
    }

    /// Sends what the log has and the window takes.
    async fn fill(&mut self) -> Result<(), Interrupted> {
        let room = WINDOW - self.window.len();
        if room < WINDOW / 4 || self.reader.head().is_none_or(|h| h < self.next) {
            return Ok(());
        }
        for bytes in self.reader.read(self.next, room, 4 << 20)? {
            let record = Head::read(&bytes).filter(|r| r.position == self.next.get()).ok_or_else(|| {
                let what = format!("position {} holds no record of ours", self.next);
                Interrupted::Halt(HaltReason::Storage(what))
            })?;
            let hash = Hash::of_record(&bytes);
            let headers = self.headers.of(&record, hash, self.previous_hash);
            let to = subject::event(record.tenant, self.partition, record.r#type);
            let mut message = jetstream::message::PublishMessage::build().payload(bytes).headers(headers);
            if !sabotaged(Sabotage::PublishUnchecked) {
                message = message.expected_last_sequence(self.next.get() - 1);
            }
            crash_point(CrashPoint::PublishBefore);
            let ack = self
                .context
                .send_publish(to, message)
                .await
                .map_err(|e| Interrupted::Unknown(e.to_string()))?;
            crash_point(CrashPoint::PublishAfter);
            self.window.push_back((self.next, ack));
            self.previous_hash = hash;
            self.next = self.next.next();
        }
        Ok(())
    }

    /// Waits for the oldest ack. Whatever is not exactly what we asked for is found out by comparing.
    async fn settle(&mut self) -> Result<(), Interrupted> {
        let Some((position, ack)) = self.window.pop_front() else { return Ok(()) };
        let answer = tokio::select! {
            answer = ack.into_future() => answer,
            // What was under way when the connection broke is never answered.
            _ = self.reconnected.changed() => return Err(Interrupted::Unknown("connected again".to_owned())),
        };
        match answer {
            Ok(ack) if ack.sequence == position.get() => {
                crash_point(CrashPoint::PublishAcked);
                self.note(position.get());
                Ok(())
            }
            Ok(ack) => Err(Interrupted::Halt(HaltReason::ForeignStream(format!(
                "position {position} was stored as sequence {}",
                ack.sequence
            )))),
            Err(error) => Err(Interrupted::Unknown(self.explain(position, &error))),
        }
    }

    fn explain(&self, position: LogPosition, error: &PublishError) -> String {
        let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        let storage = source.contains(&ErrorCode::STORAGE_RESOURCES_EXCEEDED.0.to_string())
            || source.contains("insufficient");
        if storage {
            tracing::error!("JetStream is out of storage; commands go on until the backlog limit");
        }
        match (error.kind(), wrong_last_sequence(&source)) {
            (PublishErrorKind::WrongLastSequence, Some(n)) => {
                format!("position {position}: the stream is at {n}")
            }
            _ => format!("position {position}: {error} {source}"),
        }
    }

    /// Lets the publishes under way come to their end, for a moment. One that arrives later still does no harm: its
    /// expected sequence lets it in only where the same bytes belong.
    async fn drain(&mut self) {
        let all = self.window.drain(..).map(|(position, ack)| async move { (position, ack.await) });
        let Ok(answers) = tokio::time::timeout(DRAIN_MAX, futures_util::future::join_all(all)).await else {
            return;
        };
        for (position, answer) in answers {
            if let Ok(ack) = answer
                && ack.sequence != position.get()
            {
                tracing::warn!(%position, sequence = ack.sequence, "stored elsewhere");
            }
        }
    }

    fn note(&self, position: u64) {
        self.published.send_replace(position);
        let head = LogPosition::or_zero(self.reader.head());
        self.pressure.backlog.store(head.saturating_sub(position), Ordering::Relaxed);
    }
}

/// The N of "wrong last sequence: N"; the client library gives it only as text.
fn wrong_last_sequence(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("wrong last sequence: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::wrong_last_sequence;

    #[test]
    fn the_sequence_is_read_from_the_text_of_the_error() {
        assert_eq!(wrong_last_sequence("error code 10071: wrong last sequence: 41 (400)"), Some(41));
        assert_eq!(wrong_last_sequence("wrong last sequence"), None);
    }
}
