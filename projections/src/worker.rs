//! The worker: reads the stream from its own checkpoint on, folds, and recovers by itself from whatever
//! the broker does. It never skips, and it never believes the broker's memory of where it was.
//!
//! ```text
//! follow: find the stream ─▶ verify the hash at the checkpoint ─▶ consume from checkpoint + 1
//!              │ no stream, it begins later,                          │ anything odd
//!              ▼ or it is far ahead                                   ▼
//!         read the log service                                   follow again, after a pause
//! ```
//!
//! Far behind, the log service is several times faster: records by the thousand, where the stream brings
//! them one by one, each with a score of headers.

mod log_service;
mod pause;
mod stream;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream;
use futures_util::{FutureExt as _, StreamExt as _};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::Partition;
use tokio::sync::watch;
use tokio::task::unconstrained;

use crate::fold::{End, Folded, Folder};
use crate::lineage::{Arrived, Halt};
use crate::status::Status;
use crate::store::Checkpoint;
use log_service::{LogService, Reply};
use pause::{Backoff, Pause};
use stream::{Extent, Messages};

/// Bytes folded in one batch, beside the number of events that the settings allow.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// After this long without a message the stream is asked whether there should have been one.
const WATCHDOG: Duration = Duration::from_secs(3);
/// From this many positions on the log is read instead of the stream, if somebody serves it.
const FAR_BEHIND: u64 = 10_000;

pub(crate) struct Worker {
    folder: Arc<Mutex<Folder>>,
    status: Arc<Status>,
    checkpoint: Checkpoint,
    jetstream: jetstream::Context,
    log: LogService,
    /// Whether an engine answered when it was last asked.
    log_answers: bool,
    partition: Partition,
    batch_events_max: usize,
    stop: watch::Receiver<bool>,
}

impl Worker {
    pub(crate) fn new(
        folder: Folder,
        status: Arc<Status>,
        client: async_nats::Client,
        partition: Partition,
        batch_events_max: usize,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let checkpoint = folder.state(End::All).checkpoint;
        Self {
            folder: Arc::new(Mutex::new(folder)),
            status,
            checkpoint,
            jetstream: stream::context(client.clone()),
            log: LogService::new(client, partition),
            log_answers: false,
            partition,
            batch_events_max: batch_events_max.max(1),
            stop,
        }
    }

    /// Runs until it is stopped or must halt. The batch at hand is finished in both cases.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let before = self.checkpoint;
            let pause = self.follow().await;
            if self.checkpoint != before {
                backoff = Backoff::default();
            }
            match pause {
                Pause::Stopped => return,
                Pause::FarBehind => {}
                Pause::Halted(halt) => {
                    tracing::error!(%halt, "the ticket projection halts");
                    return self.status.halt(&halt);
                }
                Pause::Interrupted(why) => {
                    if self.status.waits(&why) {
                        tracing::warn!(%why, position = self.checkpoint.position_or_zero(), "the ticket projection waits");
                    }
                    if self.unless_stopped(tokio::time::sleep(backoff.next())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn follow(&mut self) -> Pause {
        match self.try_follow().await {
            Ok(never) => match never {},
            Err(pause) => pause,
        }
    }

    async fn try_follow(&mut self) -> Result<std::convert::Infallible, Pause> {
        let extent = self.unless_stopped(stream::extent(&self.jetstream, self.partition)).await??;
        self.verify(extent.as_ref()).await?;
        let next = self.checkpoint.position_or_zero() + 1;
        match extent {
            Some(extent) => {
                self.status.newest(extent.last);
                if next < extent.first {
                    self.read_log_until(extent.first - 1).await?;
                } else if self.log_answers && self.is_far_behind() {
                    self.catch_up(extent.last).await?;
                }
                self.consume(&extent).await
            }
            None => {
                self.read_log_until(u64::MAX).await?;
                Err(Pause::Interrupted(format!(
                    "stream {} does not exist",
                    guichet_schemas::subject::stream(self.partition)
                )))
            }
        }
    }

    /// Compares the record at the checkpoint with the log's, or where nobody serves the log, with the stream's.
    async fn verify(&mut self, extent: Option<&Extent>) -> Result<(), Pause> {
        // Position 0 asks for the head only.
        let reply = self.unless_stopped(self.log.read(self.checkpoint.position_or_zero(), 1)).await?;
        self.log_answers = matches!(reply, Reply::Batch(_));
        let Some(position) = self.checkpoint.position else { return Ok(()) };
        let theirs = match reply {
            Reply::Batch(batch) if batch.head < position.get() => {
                return Err(Pause::Halted(Halt::AheadOfLog { checkpoint: position, head: batch.head }));
            }
            Reply::Batch(batch) => batch.records.first().map(|bytes| Hash::of_record(bytes)),
            Reply::Nobody | Reply::Unclear(_) => match extent {
                Some(extent) => self.unless_stopped(stream::hash_at(extent, position.get())).await?,
                None => None,
            },
        };
        match theirs {
            Some(theirs) if theirs != self.checkpoint.hash => {
                Err(Pause::Halted(Halt::OtherLineage { position, ours: self.checkpoint.hash, theirs }))
            }
            // Nobody can say: then the next record must, it names the hash before it.
            Some(_) | None => Ok(()),
        }
    }

    async fn consume(&mut self, extent: &Extent) -> Result<std::convert::Infallible, Pause> {
        let start = self.checkpoint.position_or_zero() + 1;
        let mut messages = self.unless_stopped(stream::messages(extent, start)).await??;
        self.status.connected();
        loop {
            let Ok(next) = self.unless_stopped(tokio::time::timeout(WATCHDOG, messages.next())).await? else {
                self.watch().await?;
                continue;
            };
            let (arrived, ended) = self.drain(next, &mut messages)?;
            match self.fold(arrived).await? {
                End::All => {}
                // The consumer that was told to begin here did not: the message is not in the stream.
                End::Gap { wanted, got } if wanted == start => self.read_log_until(got - 1).await?,
                End::Gap { wanted, got } => {
                    return Err(Pause::Interrupted(format!("expected position {wanted}, got {got}")));
                }
                End::Damaged { position } => {
                    tracing::error!(
                        position,
                        "the stream's message is not what was published; reading the log instead"
                    );
                    self.read_log_until(position).await?;
                }
                End::Halt(halt) => return Err(Pause::Halted(halt)),
            }
            if let Some(why) = ended {
                return Err(why);
            }
            if self.log_answers && self.is_far_behind() {
                return Err(Pause::FarBehind);
            }
        }
    }

    fn is_far_behind(&self) -> bool {
        self.status.behind(&self.checkpoint) > FAR_BEHIND
    }

    /// Reads the log as long as it answers; what it does not give, the stream will.
    async fn catch_up(&mut self, until: u64) -> Result<(), Pause> {
        match self.read_log_until(until).await {
            Err(Pause::Interrupted(_)) => {
                self.log_answers = false;
                Ok(())
            }
            done => done,
        }
    }

    /// Takes what has arrived, up to the limits of a batch, without waiting for more.
    fn drain(
        &self,
        first: stream::Next,
        messages: &mut Messages,
    ) -> Result<(Vec<Arrived>, Option<Pause>), Pause> {
        let mut next = first;
        let mut batch = Vec::new();
        let mut bytes = 0;
        loop {
            match stream::arrived(next) {
                Ok((arrived, newest)) => {
                    bytes += arrived.bytes.len();
                    batch.push(arrived);
                    if batch.len() >= self.batch_events_max || bytes >= BATCH_BYTES_MAX {
                        self.status.newest(newest);
                        return Ok((batch, None));
                    }
                    // Unconstrained: tokio's budget would end every batch after 128 messages.
                    match unconstrained(messages.next()).now_or_never() {
                        Some(more) => next = more,
                        None => {
                            self.status.newest(newest);
                            return Ok((batch, None));
                        }
                    }
                }
                Err(why) if batch.is_empty() => return Err(why),
                Err(why) => return Ok((batch, Some(why))),
            }
        }
    }

    /// Nothing came for a while. Should it have?
    async fn watch(&self) -> Result<(), Pause> {
        let have = self.checkpoint.position_or_zero();
        match self.unless_stopped(stream::extent(&self.jetstream, self.partition)).await?? {
            Some(extent) if extent.first > have + 1 || extent.last > have => Err(Pause::Interrupted(
                format!("the stream is at {}, the consumer delivers nothing", extent.last),
            )),
            Some(extent) => {
                self.status.newest(extent.last);
                Ok(())
            }
            None => Err(Pause::Interrupted("the stream is gone".to_owned())),
        }
    }

    /// Folds from the log service what the stream does not have, up to `until`; `u64::MAX` is the head of the log.
    async fn read_log_until(&mut self, until: u64) -> Result<(), Pause> {
        loop {
            let have = self.checkpoint.position_or_zero();
            if have >= until {
                return Ok(());
            }
            // From the checkpoint itself, so that the answer proves that it continues our history.
            let from = have.max(1);
            let batch = match self.unless_stopped(self.log.read(from, self.batch_events_max)).await? {
                Reply::Batch(batch) => batch,
                Reply::Nobody => {
                    return Err(Pause::Interrupted(format!(
                        "the stream does not have position {}, and no engine serves the log",
                        have + 1
                    )));
                }
                Reply::Unclear(why) => return Err(Pause::Interrupted(why)),
            };
            if let Some(position) = self.checkpoint.position.filter(|p| batch.head < p.get()) {
                return Err(Pause::Halted(Halt::AheadOfLog { checkpoint: position, head: batch.head }));
            }
            match batch.head {
                head if head > have => {}
                // The head was all that was asked for.
                _ if until == u64::MAX => return Ok(()),
                head => {
                    return Err(Pause::Interrupted(format!(
                        "the log ends at {head}, position {} is missing",
                        have + 1
                    )));
                }
            }
            self.status.newest(batch.head);
            match self.fold(log_service::arrived(from, batch.records)).await? {
                End::Halt(halt) => return Err(Pause::Halted(halt)),
                End::All | End::Gap { .. } | End::Damaged { .. }
                    if self.checkpoint.position_or_zero() == have =>
                {
                    return Err(Pause::Interrupted(format!(
                        "the log service does not continue position {have}"
                    )));
                }
                End::All | End::Gap { .. } | End::Damaged { .. } => {}
            }
        }
    }

    /// Folds on a thread that may block.
    async fn fold(&mut self, arrived: Vec<Arrived>) -> Result<End, Pause> {
        let folder = Arc::clone(&self.folder);
        let folded = tokio::task::spawn_blocking(move || {
            folder.lock().unwrap_or_else(PoisonError::into_inner).fold(arrived)
        });
        let folded: Folded =
            folded.await.map_err(|_| Pause::Halted(Halt::Broken("a batch ended in a panic")))?;
        self.checkpoint = folded.checkpoint;
        self.status.folded(&folded);
        Ok(folded.end)
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Pause> {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            // An error means that whoever could stop us is gone, which is the same.
            _ = stop.wait_for(|stop| *stop) => Err(Pause::Stopped),
            done = work => Ok(done),
        }
    }
}
