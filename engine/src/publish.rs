//! Log → JetStream, in order, the record bytes as stored, sequence == position.
//!
//! The stream is a copy, never the truth: what is short, purged or gone is published again from the log, and so is what
//! anyone without the secret of the folder has forged. What another engine with that secret wrote stops this one. Every
//! publish carries the expected last sequence, so that a second writer is found at its first message. What it has sent behind that one may still be stored: a number says nothing of whose
//! message stands there. The hashes in the headers do.

pub mod bus;
pub mod checkpoints;
pub(crate) mod copy;
mod headers;
pub(crate) mod healer;
mod jetstream;
mod place;
mod scrub;
pub mod standing;
mod stored;
mod stream;
pub(crate) mod watching;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use guichet_crash::{CrashPoint, Sabotage, crash_point, sabotaged};
use guichet_proof::Authorship;
use guichet_schemas::codec::Head;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject;
use tokio::sync::watch;

use self::bus::{Bus, Message, Repair, within};
use self::headers::Headers;
pub use self::jetstream::JetStream;
use self::scrub::Scrub;
use self::stream::StreamState;
use crate::halt::{Halt, HaltReason};
use crate::intake::Pressure;
use crate::log::{Disk, LogReader, StoreFault};

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

/// The publisher's progress, for status and metrics.
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
pub struct Publisher<B: Bus, D> {
    bus: B,
    reader: LogReader<D>,
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
    authorship: Authorship,
    window: VecDeque<(LogPosition, B::Ack)>,
}

/// Why a round of publishing ended.
enum Interrupted {
    /// The contents of the stream are not known: drain, compare, go on from there.
    Unknown(String),
    /// Somebody else writes the stream, or the log cannot be read.
    Halt(HaltReason),
}

impl From<StoreFault> for Interrupted {
    fn from(fault: StoreFault) -> Self {
        Self::Halt(fault.into())
    }
}

impl<B: Bus, D: Disk> Publisher<B, D> {
    /// A publisher of this log. `reconnected` changes at every connection to NATS.
    #[must_use]
    pub fn new(
        bus: B,
        reader: LogReader<D>,
        authorship: Authorship,
        halt: Halt,
        pressure: Arc<Pressure>,
        reconnected: watch::Receiver<u64>,
    ) -> (Self, Progress) {
        let published = watch::Sender::new(0);
        let progress = Progress { published: published.subscribe() };
        let headers = Headers::new(authorship.clone());
        let partition = authorship.partition();
        let publisher = Self {
            headers,
            authorship,
            bus,
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

    /// Where somebody who watches says that the stream must be rebuilt: a position from which on it takes nothing.
    pub(crate) fn damaged(&self) -> watch::Sender<u64> {
        self.damaged.clone()
    }

    /// Publishes, and compares what was published, until it is aborted, or until the stream turns out to be foreign.
    pub async fn run(self) {
        let scrub = Scrub {
            bus: self.bus.clone(),
            reader: self.reader.clone(),
            authorship: self.authorship.clone(),
            published: self.published.subscribe(),
            damaged: self.damaged.clone(),
            halt: self.halt.clone(),
        };
        tokio::select! {
            biased;
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
            self.bus.sleep(pause).await;
            pause = (pause * 2).min(BACK_OFF_MAX);
        }
    }

    /// Compares the stream with the log and finds where to go on.
    async fn compare(&mut self) -> Result<(), Interrupted> {
        self.bus.check_server().map_err(Interrupted::Halt)?;
        let head = self.reader.head();
        if *self.damaged.borrow() > 0 {
            self.note(0);
            self.bus.remove().await.map_err(Interrupted::Unknown)?;
            self.damaged.send_replace(0);
        }
        let record = |position| self.reader.record(position);
        let state = stream::open(&self.bus, &self.authorship, record).await;
        let state = state.map_err(|repair| match repair {
            Repair::Unknown(what) => Interrupted::Unknown(what),
            Repair::Foreign(what) => Interrupted::Halt(HaltReason::ForeignStream(what)),
            Repair::Unfit(what) => Interrupted::Halt(HaltReason::Nats(what)),
            Repair::Log(fault) => fault.into(),
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
        let bus = self.bus.clone();
        let mut look_again = std::pin::pin!(bus.sleep(COMPARE_EVERY));
        loop {
            // Under load no moment is quiet, and a stream that was cut at its beginning takes what comes at its end.
            let is_due = tokio::select! {
                biased;
                () = &mut look_again => true,
                () = std::future::ready(()) => false,
            };
            if is_due {
                if let Ok(found) = bus.look().await
                    && found.is_none_or(|found| !found.is_whole() || found.misfit.is_some())
                {
                    return Interrupted::Unknown("the stream is not as it was made".to_owned());
                }
                look_again.set(bus.sleep(COMPARE_EVERY));
            }
            let position = *damaged.borrow_and_update();
            if position > 0 {
                return Interrupted::Unknown(format!("message {position} of the stream is damaged"));
            }
            if let Err(why) = self.fill().await {
                return why;
            }
            let settled = if self.window.is_empty() {
                tokio::select! {
                    biased;
                    changed = heads.changed() => match changed {
                        Ok(()) => Ok(()),
                        Err(_) => std::future::pending().await,
                    },
                    _ = self.reconnected.changed() => Err(Interrupted::Unknown("connected again".to_owned())),
                    // Looked at when the loop begins again.
                    _ = damaged.changed() => Ok(()),
                    () = self.bus.sleep(COMPARE_EVERY) => self.compare().await,
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
        if self.pressure.stream_full.load(Ordering::Relaxed) {
            return Ok(());
        }
        let room = WINDOW - self.window.len();
        if room < WINDOW / 4 || self.reader.head().is_none_or(|h| h < self.next) {
            return Ok(());
        }
        for bytes in self.reader.read(self.next, room, 4 << 20)? {
            let record = Head::read(&bytes).filter(|r| r.position == self.next.get()).ok_or_else(|| {
                let what = format!("position {} holds no record of ours", self.next);
                Interrupted::from(StoreFault::found("publish the log", what))
            })?;
            let hash = Hash::of_record(&bytes);
            let headers = self.headers.of(self.next, &record, hash, self.previous_hash);
            let to = subject::event(record.tenant, self.partition, record.r#type);
            let checked = !sabotaged(Sabotage::PublishUnchecked);
            let expected_last = checked.then(|| self.next.get() - 1);
            let message = Message { subject: to, headers, bytes, expected_last };
            crash_point(CrashPoint::PublishBefore);
            let ack = self.bus.send(message).await.map_err(Interrupted::Unknown)?;
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
        let mut damaged = self.damaged.subscribe();
        let answer = tokio::select! {
            biased;
            answer = ack => answer,
            // Looked at when the loop begins again; what is under way is drained then.
            _ = damaged.wait_for(|position| *position > 0) => return Ok(()),
            // What was under way when the connection broke is never answered.
            _ = self.reconnected.changed() => return Err(Interrupted::Unknown("connected again".to_owned())),
        };
        match answer {
            Ok(sequence) if sequence == position.get() => {
                crash_point(CrashPoint::PublishAcked);
                self.note(position.get());
                Ok(())
            }
            Ok(sequence) => Err(Interrupted::Halt(HaltReason::ForeignStream(format!(
                "position {position} was stored as sequence {sequence}"
            )))),
            Err(why) => Err(Interrupted::Unknown(format!("position {position}: {why}"))),
        }
    }

    /// Lets the publishes under way come to their end, for a moment. One that arrives later does no harm to a
    /// stream that is ours alone: its expected sequence lets it in only where the same bytes belong.
    async fn drain(&mut self) {
        let all = self.window.drain(..).map(|(position, ack)| async move { (position, ack.await) });
        let all = futures_util::future::join_all(all);
        for (position, answer) in within(&self.bus, DRAIN_MAX, all).await.unwrap_or_default() {
            if let Ok(sequence) = answer
                && sequence != position.get()
            {
                tracing::warn!(%position, sequence, "stored elsewhere");
            }
        }
    }

    fn note(&self, position: u64) {
        self.published.send_replace(position);
        let head = LogPosition::or_zero(self.reader.head());
        self.pressure.backlog.store(head.saturating_sub(position), Ordering::Relaxed);
    }
}
