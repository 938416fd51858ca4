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
//! A stream that takes nothing from the engine holds nobody up: the engine says so, and the log service has the rest.
//!
//! The models of a process share one reader, the feed. To fill up, the log service is several times faster than
//! the stream: records by the thousand, where the stream brings them one by one, each with a score of headers.

pub(crate) mod feed;
mod flood;
pub(crate) mod nats;
mod pause;
pub mod source;

use std::sync::Arc;

use bytes::Bytes;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;

use crate::arrived::{Arrived, Checked};
use crate::fold::{End, Folded, ModelWriter};
use crate::ground::Ground;
use crate::lineage::Halt;
use crate::live::Model;
use crate::rebuild;
use crate::store::{Checkpoint, Store};
pub(crate) use feed::Feed;
use feed::{Heard, Portion};
pub use nats::Nats;
use pause::{Backoff, Pause};
use source::{Extent, Messages as _, Reply, Source, contradiction, drain, within};

/// Bytes folded in one batch, beside the number of events that the settings allow.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

pub(crate) struct Worker<S: Source> {
    model: Model,
    checkpoint: Checkpoint,
    ground: Ground<S>,
    /// Whether an engine answered when it was last asked.
    log_answers: bool,
    /// The log has confirmed our history once: from then on another is no reason to begins again.
    confirmed: bool,
    /// Nothing beyond is folded.
    limit: u64,
    /// Something may be left to do that no record asks for.
    steps: bool,
}

/// The input of one fold.
#[derive(Clone)]
enum Input {
    Own(Arc<Vec<Arrived>>),
    Shared(Vec<Arc<Portion>>),
}

impl<S: Source> Worker<S> {
    pub(crate) fn new(model: Model, ground: &Ground<S>) -> Self {
        Self {
            checkpoint: model.checkpoint(),
            model,
            ground: ground.clone(),
            log_answers: false,
            confirmed: false,
            limit: u64::MAX,
            steps: true,
        }
    }

    /// Runs until it is stopped. The batch at hand is finished. Who must halt stands still until another
    /// generation takes over.
    pub(crate) async fn run(mut self) {
        let model = self.model.model().name;
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
                    if self.begins_again(&halt).await {
                        continue;
                    }
                    tracing::error!(model, %halt, "the projection halts");
                    self.model.status.halt(&halt);
                    let mut halted = self.model.halted();
                    let revived = halted.wait_for(Option::is_none);
                    if self.unless_stopped(revived).await.is_err() {
                        return;
                    }
                    self.checkpoint = self.model.checkpoint();
                }
                Pause::Interrupted(why) => {
                    if self.model.status.waits(&why) {
                        let position = self.checkpoint.position_or_zero();
                        tracing::warn!(model, %why, position, "the projection waits");
                    }
                    if self.unless_stopped(self.ground.source.sleep(backoff.next())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// At the start, a model of another history than the log's is rebuilt: the log is the truth, the stream
    /// is not. Later, a person must look.
    async fn begins_again(&mut self, halt: &Halt) -> bool {
        let other = match halt {
            Halt::OtherLineage { .. } | Halt::AheadOfLog { .. } => self.log_answers && !self.confirmed,
            Halt::Foreign { .. } | Halt::Unreadable { .. } | Halt::Storage(_) | Halt::Broken(_) => false,
        };
        if !other {
            return false;
        }
        self.confirmed = true;
        let model = self.model.model().name;
        tracing::warn!(model, %halt, "the read model is rebuilt and answers from there; the folder of the old one stays until that is done");
        match rebuild::begin_again(&self.model, &self.ground).await {
            Ok(()) => {
                self.checkpoint = self.model.checkpoint();
                self.ground.spawn(rebuild::finish(self.model.clone(), self.ground.clone()));
                true
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(model, error, "a new generation could not be begun");
                false
            }
        }
    }

    /// Folds up to a position and not beyond. For a generation that nobody asks yet.
    pub(crate) async fn build_to(&mut self, until: u64) -> Result<(), String> {
        self.limit = until;
        let mut backoff = Backoff::default();
        while self.position() < until {
            let before = self.position();
            let pause = self.try_build(until).await;
            if self.position() > before {
                backoff = Backoff::default();
            }
            match pause {
                Ok(()) => {}
                Err(Pause::Stopped) => return Err("the process stops".to_owned()),
                Err(Pause::Halted(halt)) => return Err(halt.to_string()),
                Err(Pause::Interrupted(why)) => {
                    tracing::debug!(%why, "the rebuild waits");
                    let wait = self.ground.source.sleep(backoff.next());
                    self.unless_stopped(wait).await.map_err(|_| "the process stops".to_owned())?;
                }
            }
        }
        Ok(())
    }

    async fn try_build(&mut self, until: u64) -> Result<(), Pause> {
        let extent = self.unless_stopped(self.extent()).await??;
        self.verify(extent.as_ref()).await?;
        match extent {
            Some(extent) if self.position() + 1 >= extent.first => self.fill(until).await,
            Some(extent) => {
                self.read_log_until(until.min(extent.first - 1)).await?;
                self.fill(until).await
            }
            None => self.read_log_until(until).await,
        }
    }

    /// The end of the log, if somebody serves it.
    pub(crate) async fn head(&self) -> Option<u64> {
        match self.ground.source.log(0, 1).await {
            Reply::Batch(batch) => Some(batch.head),
            Reply::Nobody | Reply::Unclear(_) => None,
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.checkpoint.position_or_zero()
    }

    pub(crate) const fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    pub(crate) fn store(&self) -> Arc<Store> {
        self.model.store()
    }

    /// The folder that was folded into, when it is done.
    pub(crate) fn into_folder(self) -> Option<ModelWriter> {
        self.model.into_folder()
    }

    async fn extent(&self) -> Result<Option<Extent>, Pause> {
        self.ground.source.extent().await.map_err(Pause::Interrupted)
    }

    async fn follow(&mut self) -> Pause {
        match self.try_follow().await {
            Ok(never) => match never {},
            Err(pause) => pause,
        }
    }

    async fn try_follow(&mut self) -> Result<std::convert::Infallible, Pause> {
        let extent = match self.unless_stopped(self.extent()).await? {
            Err(Pause::Interrupted(why)) if self.model.status.log().stands() => {
                self.verify(None).await?;
                self.read_log_until(u64::MAX).await?;
                return Err(Pause::Interrupted(why));
            }
            extent => extent?,
        };
        self.verify(extent.as_ref()).await?;
        match extent {
            Some(extent) => {
                self.model.status.newest(extent.last);
                if self.position() + 1 < extent.first {
                    self.read_log_until(extent.first - 1).await?;
                }
                self.hear().await
            }
            None => {
                self.read_log_until(u64::MAX).await?;
                Err(Pause::Interrupted(format!(
                    "stream {} does not exist",
                    guichet_schemas::subject::stream(self.ground.settings.partition)
                )))
            }
        }
    }

    async fn hash_in_stream(
        &self,
        extent: Option<&Extent>,
        position: LogPosition,
    ) -> Result<Option<Hash>, Pause> {
        match extent {
            Some(extent) if (extent.first..=extent.last).contains(&position.get()) => {
                let hashes = self.unless_stopped(self.ground.source.hashes_at(position.get())).await?;
                // A damaged message is no other history: the log will tell, or the record behind it.
                Ok(hashes.and_then(|hashes| hashes.whole()))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// A second engine that has lost, and does not know it yet, answers for the log too. Where the stream holds what
    /// was folded, whoever says otherwise is asked again, until one of the two has ended.
    async fn unless_the_stream_vouches(&self, halt: Halt) -> Result<Pause, Pause> {
        let contradicts = matches!(halt, Halt::OtherLineage { .. } | Halt::AheadOfLog { .. });
        let Some(position) = self.checkpoint.position.filter(|_| contradicts) else {
            return Ok(Pause::Halted(halt));
        };
        let extent = self.unless_stopped(self.extent()).await??;
        let in_stream = self.hash_in_stream(extent.as_ref(), position).await?;
        Ok(if in_stream == Some(self.checkpoint.hash) {
            Pause::Interrupted(format!("the stream is of this history, but {halt}"))
        } else {
            Pause::Halted(halt)
        })
    }

    /// Refuses records of the log, from a position on, that contradict the stream.
    async fn unless_the_stream_has_others(&self, from: u64, records: &[Vec<u8>]) -> Result<(), Pause> {
        // Who does not answer for the stream cannot be asked: each question would wait for nothing.
        if self.model.status.log().is_unreachable() {
            return Ok(());
        }
        match self.unless_stopped(contradiction(&self.ground.source, from, records)).await? {
            None => Ok(()),
            Some(at) => Err(Pause::Interrupted(format!(
                "the log service has another record at position {at} than the stream"
            ))),
        }
    }

    /// Compares the record at the checkpoint with the log's, or where nobody serves the log, with the stream's.
    async fn verify(&mut self, extent: Option<&Extent>) -> Result<(), Pause> {
        // Position 0 asks for the head only.
        let reply =
            self.unless_stopped(self.ground.source.log(self.checkpoint.position_or_zero(), 1)).await?;
        self.log_answers = matches!(reply, Reply::Batch(_));
        let of_log = self.log_answers;
        let Some(position) = self.checkpoint.position else {
            // Whatever it will fold is the log's history.
            self.confirmed |= of_log;
            self.model.status.verify();
            return Ok(());
        };
        let theirs = match reply {
            Reply::Batch(batch) if batch.head < position.get() => {
                let halt = Halt::AheadOfLog { checkpoint: position, head: batch.head };
                return Err(self.unless_the_stream_vouches(halt).await?);
            }
            Reply::Batch(batch) => batch.records.first().map(|bytes| Hash::of_record(bytes)),
            Reply::Nobody | Reply::Unclear(_) => self.hash_in_stream(extent, position).await?,
        };
        match theirs {
            Some(theirs) if theirs != self.checkpoint.hash => {
                let halt = Halt::OtherLineage { position, ours: self.checkpoint.hash, theirs };
                Err(if of_log { self.unless_the_stream_vouches(halt).await? } else { Pause::Halted(halt) })
            }
            Some(_) => {
                self.confirmed |= of_log;
                self.model.status.verify();
                Ok(())
            }
            // Nobody can say: then the next record must, it names the hash before it.
            None => Ok(()),
        }
    }

    /// Listens to the feed, as long as it lasts.
    async fn hear(&mut self) -> Result<std::convert::Infallible, Pause> {
        let mut feed = self.unless_stopped(self.ground.feed.listen(&self.ground.source)).await??;
        self.fill(feed.reaches()).await?;
        self.model.status.connected();
        self.model.status.caught_up();
        loop {
            let heard = match self.steps.then(|| feed.more()) {
                Some(Some(portion)) => Some(Heard::Portion(portion)),
                Some(None) => {
                    self.step().await?;
                    continue;
                }
                None => self.unless_stopped(feed.hear()).await?,
            };
            let mut portions = match heard {
                Some(Heard::Portion(portion)) => vec![portion],
                Some(Heard::Broken(why)) => return Err(Pause::Interrupted(why)),
                // Dropped because we were slow, or because nobody knows: what we should have is known.
                Some(Heard::Missed) | None => {
                    // Another generation may have taken over meanwhile, with something left to do.
                    self.steps = true;
                    self.fill(feed.reaches()).await?;
                    self.pass_the_stream().await?;
                    continue;
                }
            };
            while portions.iter().map(|portion| portion.messages.len()).sum::<usize>()
                < self.ground.settings.batch_size()
                && let Some(more) = feed.more()
            {
                portions.push(more);
            }
            self.take(portions).await?;
            if self.steps {
                // Also where there is always more to hear: records wait for one step, and steps for one batch.
                self.step().await?;
            }
        }
    }

    /// Folds from the log what a stream that takes nothing does not have.
    async fn pass_the_stream(&mut self) -> Result<(), Pause> {
        let log = self.model.status.log();
        if log.stands() && log.head > self.position() {
            self.read_log_until(log.head).await?;
        }
        Ok(())
    }

    /// Folds portions of the feed, with what is missing between them.
    async fn take(&mut self, portions: Vec<Arc<Portion>>) -> Result<(), Pause> {
        if let Some(last) = portions.last() {
            self.model.status.newest(last.newest);
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
        let start = self.position() + 1;
        let messages = self.unless_stopped(self.ground.source.messages(start)).await?;
        let mut messages = messages.map_err(Pause::Interrupted)?;
        while self.position() < until {
            let next = within(&self.ground.source, source::WATCHDOG, messages.next());
            let Some(next) = self.unless_stopped(next).await? else {
                return Err(Pause::Interrupted(format!(
                    "the stream should have position {until}, the consumer delivers nothing"
                )));
            };
            let (arrived, newest, ended) =
                drain(next, &mut messages, self.ground.settings.batch_size(), BATCH_BYTES_MAX)?;
            self.model.status.newest(newest);
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

    /// Folds from the log service what the stream does not have, up to `until`; `u64::MAX` is the head of the log.
    async fn read_log_until(&mut self, until: u64) -> Result<(), Pause> {
        // One more than is folded at a time: the first record is the one at the checkpoint.
        let most = self.ground.settings.batch_size().saturating_add(1);
        let mut ahead = None;
        loop {
            let have = self.checkpoint.position_or_zero();
            if have >= until {
                return Ok(());
            }
            // From the checkpoint itself, so that the answer proves that it continues our history.
            let from = have.max(1);
            let reply = match ahead.take() {
                Some((asked, reply)) if asked == from => reply,
                Some(_) | None => self.unless_stopped(self.ground.source.log(from, most)).await?,
            };
            let batch = match reply {
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
                let halt = Halt::AheadOfLog { checkpoint: position, head: batch.head };
                return Err(self.unless_the_stream_vouches(halt).await?);
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
            self.model.status.newest(batch.head);
            // Whoever answers may have more than the stream, or other records than it: a second engine that has lost.
            let mut records = batch.records;
            records.truncate(usize::try_from(until - from).map_or(usize::MAX, |more| more.saturating_add(1)));
            self.unless_the_stream_has_others(from, &records).await?;
            // The next answer is on its way while this one is folded.
            let last = have + records.len() as u64 - u64::from(have > 0);
            let wanted = last < until.min(batch.head);
            let (source, mut stop) = (self.ground.source.clone(), self.ground.stopped.clone());
            let next = async {
                if !wanted {
                    return None;
                }
                tokio::select! {
                    biased;
                    _ = stop.wait_for(|stop| *stop) => None,
                    reply = source.log(last, most) => Some((last, reply)),
                }
            };
            let input = Input::Own(Arc::new(of_log(from, records)));
            let (end, next) = tokio::join!(self.fold(input), next);
            ahead = next;
            match end? {
                End::Halt(halt) => return Err(self.unless_the_stream_vouches(halt).await?),
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

    /// Does a portion of what is left to do.
    async fn step(&mut self) -> Result<(), Pause> {
        let _gate = self.model.gate.lock().await;
        let model = self.model.clone();
        let stepped = self.ground.source.blocking(move || {
            let mut folder = model.folder();
            folder.step().map(|more| (more, folder.steps()))
        });
        let stepped = stepped.await.ok_or(Pause::Halted(Halt::Broken("a step ended in a panic")))?;
        let (more, steps) = stepped.map_err(Pause::Halted)?;
        self.steps = more;
        self.model.status.steps(steps);
        // Who wants us to stop is heard between two portions.
        self.unless_stopped(std::future::ready(())).await
    }

    /// Folds on a thread that may block.
    async fn fold(&mut self, input: Input) -> Result<End, Pause> {
        // Who wants the model to stand still holds the gate.
        let _gate = self.model.gate.lock().await;
        let (model, limit, size) = (self.model.clone(), self.limit, self.ground.settings.batch_size());
        let folded = self.ground.source.blocking(move || {
            let folded = match input {
                Input::Own(arrived) => {
                    let wanted = arrived.iter().filter(|message| message.sequence <= limit);
                    let checked: Vec<_> = wanted.cloned().map(Checked::of).collect();
                    in_batches(&model, size, checked.iter())
                }
                Input::Shared(portions) => {
                    let messages = portions.iter().flat_map(|portion| &portion.messages);
                    in_batches(&model, size, messages)
                }
            };
            (folded, model.folder().steps())
        });
        let (folded, steps) = folded.await.ok_or(Pause::Halted(Halt::Broken("a batch ended in a panic")))?;
        self.checkpoint = folded.checkpoint;
        self.steps = steps.is_some();
        self.model.status.steps(steps);
        Ok(folded.end)
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Pause> {
        let mut stop = self.ground.stopped.clone();
        tokio::select! {
            biased;
            // An error means that whoever could stop us is gone, which is the same.
            _ = stop.wait_for(|stop| *stop) => Err(Pause::Stopped),
            done = work => Ok(done),
        }
    }
}

/// Records of the log from `from` on, each with the hash of the one before it. The first must be the one at the
/// checkpoint, or position 1.
fn of_log(from: u64, records: Vec<Vec<u8>>) -> Vec<Arrived> {
    let mut before = Hash::ZERO;
    let one = |(bytes, sequence): (Vec<u8>, u64)| {
        let hash = Hash::of_record(&bytes);
        let prev_hash = Some(std::mem::replace(&mut before, hash));
        Arrived { sequence, prev_hash, hash: Some(hash), bytes: Bytes::from(bytes), proof: None }
    };
    records.into_iter().zip(from..).map(one).collect()
}

fn in_batches<'a>(model: &Model, size: usize, messages: impl Iterator<Item = &'a Checked>) -> Folded {
    let mut folder = model.folder();
    let messages: Vec<&Checked> = messages.collect();
    let mut folded = folder.state(End::All);
    for batch in messages.chunks(size) {
        folded = folder.fold(batch);
        model.status.folded(&folded);
        if folded.end != End::All {
            break;
        }
    }
    folded
}
