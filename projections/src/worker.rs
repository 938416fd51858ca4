//! The worker of one read model: hears the stream from its own checkpoint on, folds, and recovers by itself from
//! whatever the broker does. It never skips, and it never believes the broker's memory of where it was.
//!
//! ```text
//! follow: find the stream ─▶ verify the hash at the checkpoint ─▶ fill up to the feed ─▶ hear the feed
//!              │ no stream, or it begins later              the log service,  │         │ anything odd
//!              ▼                                            or a consumer ◀───┘         ▼
//!         read the log service                              of its own         follow again, after a pause
//! ```
//!
//! The models of a process share one reader, the feed. To fill up, the log service is several times faster than
//! the stream: records by the thousand, where the stream brings them one by one, each with a score of headers.

mod feed;
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

use crate::arrived::{Arrived, Checked};
use crate::fold::{End, Folded, Folder};
use crate::lineage::Halt;
use crate::status::Status;
use crate::store::Checkpoint;
pub(crate) use feed::Feed;
use feed::{Heard, Portion};
use log_service::{LogService, Reply};
use pause::{Backoff, Pause};
use stream::Extent;

/// Bytes folded in one batch, beside the number of events that the settings allow.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// After this long without a message the stream is asked whether there should have been one.
const WATCHDOG: Duration = Duration::from_secs(3);

pub(crate) struct Worker {
    folder: Arc<Mutex<Folder>>,
    status: Arc<Status>,
    checkpoint: Checkpoint,
    feed: Feed,
    jetstream: jetstream::Context,
    log: LogService,
    /// Whether an engine answered when it was last asked.
    log_answers: bool,
    partition: Partition,
    batch_events_max: usize,
    stop: watch::Receiver<bool>,
}

/// What is folded at a time.
#[derive(Clone)]
enum Input {
    Own(Arc<Vec<Arrived>>),
    Shared(Vec<Arc<Portion>>),
}

impl Worker {
    pub(crate) fn new(
        folder: Folder,
        status: Arc<Status>,
        feed: Feed,
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
            feed,
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
        let model = self.status.model().name;
        let mut backoff = Backoff::default();
        loop {
            let before = self.checkpoint;
            let pause = self.follow().await;
            if self.checkpoint != before {
                backoff = Backoff::default();
            }
            match pause {
                Pause::Stopped => return,
                Pause::Halted(halt) => {
                    tracing::error!(model, %halt, "the projection halts");
                    return self.status.halt(&halt);
                }
                Pause::Interrupted(why) => {
                    if self.status.waits(&why) {
                        let position = self.checkpoint.position_or_zero();
                        tracing::warn!(model, %why, position, "the projection waits");
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
        match extent {
            Some(extent) => {
                self.status.newest(extent.last);
                if self.position() + 1 < extent.first {
                    self.read_log_until(extent.first - 1).await?;
                }
                self.hear().await
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

    /// Listens to the feed, as long as it lasts.
    async fn hear(&mut self) -> Result<std::convert::Infallible, Pause> {
        let mut feed = self.unless_stopped(self.feed.listen()).await??;
        self.fill(feed.reaches()).await?;
        self.status.connected();
        loop {
            let mut portions = match self.unless_stopped(feed.hear()).await? {
                Some(Heard::Portion(portion)) => vec![portion],
                Some(Heard::Broken(why)) => return Err(Pause::Interrupted(why)),
                // Dropped because we were slow, or because nobody knows: what we should have is known.
                Some(Heard::Missed) | None => {
                    self.fill(feed.reaches()).await?;
                    continue;
                }
            };
            while portions.iter().map(|portion| portion.messages.len()).sum::<usize>() < self.batch_events_max
                && let Some(more) = feed.more()
            {
                portions.push(more);
            }
            self.take(portions).await?;
        }
    }

    /// Folds portions of the feed, with what is missing between them.
    async fn take(&mut self, portions: Vec<Arc<Portion>>) -> Result<(), Pause> {
        if let Some(last) = portions.last() {
            self.status.newest(last.newest);
        }
        let input = Input::Shared(portions);
        loop {
            match self.fold(input.clone()).await? {
                End::All => return Ok(()),
                End::Gap { got, .. } => self.fill(got - 1).await?,
                End::Damaged { position } => self.read_damaged(position).await?,
                End::Halt(halt) => return Err(Pause::Halted(halt)),
            }
        }
    }

    /// Folds by itself up to a position: from the log as long as it answers, else from the stream.
    async fn fill(&mut self, until: u64) -> Result<(), Pause> {
        if self.position() < until && self.log_answers {
            match self.read_log_until(until).await {
                Err(Pause::Interrupted(_)) => self.log_answers = false,
                done => return done,
            }
        }
        if self.position() < until { self.consume_until(until).await } else { Ok(()) }
    }

    /// Reads the stream with a consumer of its own.
    async fn consume_until(&mut self, until: u64) -> Result<(), Pause> {
        let extent = self.unless_stopped(stream::extent(&self.jetstream, self.partition)).await??;
        let extent = extent.ok_or_else(|| Pause::Interrupted("the stream is gone".to_owned()))?;
        let start = self.position() + 1;
        let mut messages = self.unless_stopped(stream::messages(&extent, start)).await??;
        while self.position() < until {
            let Ok(next) = self.unless_stopped(tokio::time::timeout(WATCHDOG, messages.next())).await? else {
                return Err(Pause::Interrupted(format!(
                    "the stream should have position {until}, the consumer delivers nothing"
                )));
            };
            // Unconstrained: tokio's budget would end every batch after 128 messages.
            let more = || unconstrained(messages.next()).now_or_never();
            let (arrived, newest, ended) = stream::drain(next, self.batch_events_max, BATCH_BYTES_MAX, more)?;
            self.status.newest(newest);
            match self.fold(Input::Own(Arc::new(arrived))).await? {
                End::All => {}
                // The consumer that was told to begin here did not: the message is not in the stream.
                End::Gap { wanted, got } if wanted == start => self.read_log_until(got - 1).await?,
                End::Gap { wanted, got } => {
                    return Err(Pause::Interrupted(format!("expected position {wanted}, got {got}")));
                }
                End::Damaged { position } => self.read_damaged(position).await?,
                End::Halt(halt) => return Err(Pause::Halted(halt)),
            }
            if let Some(why) = ended {
                return Err(why);
            }
        }
        Ok(())
    }

    async fn read_damaged(&mut self, position: u64) -> Result<(), Pause> {
        tracing::error!(position, "the stream's message is not what was published; reading the log instead");
        self.read_log_until(position).await
    }

    fn position(&self) -> u64 {
        self.checkpoint.position_or_zero()
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
            match self.fold(Input::Own(Arc::new(log_service::arrived(from, batch.records)))).await? {
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
    async fn fold(&mut self, input: Input) -> Result<End, Pause> {
        let (folder, status, size) =
            (Arc::clone(&self.folder), Arc::clone(&self.status), self.batch_events_max);
        let folded = tokio::task::spawn_blocking(move || {
            let mut folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
            match input {
                Input::Own(arrived) => {
                    let checked: Vec<_> = arrived.iter().cloned().map(Checked::of).collect();
                    in_batches(&mut folder, &status, size, checked.iter())
                }
                Input::Shared(portions) => {
                    let messages = portions.iter().flat_map(|portion| &portion.messages);
                    in_batches(&mut folder, &status, size, messages)
                }
            }
        });
        let folded = folded.await.map_err(|_| Pause::Halted(Halt::Broken("a batch ended in a panic")))?;
        self.checkpoint = folded.checkpoint;
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

fn in_batches<'a>(
    folder: &mut Folder,
    status: &Status,
    size: usize,
    messages: impl Iterator<Item = &'a Checked>,
) -> Folded {
    let messages: Vec<&Checked> = messages.collect();
    let mut folded = folder.state(End::All);
    for batch in messages.chunks(size) {
        folded = folder.fold(batch);
        status.folded(&folded);
        if folded.end != End::All {
            break;
        }
    }
    folded
}
