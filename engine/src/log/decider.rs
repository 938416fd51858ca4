//! The thread that decides. It takes from the queue, sees what earlier commands of the batches under way did, and hands
//! a batch over once the committer is free: no timer, the disk sets the pace.

mod access;
mod articles;
mod attachment;
mod beside;
mod command;
mod configure;
mod lookup;
mod meeting;
mod recall;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, select};
use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{TenantId, TicketId};
use guichet_schemas::position::{Epoch, LogPosition, Partition, StreamVersion};

use super::batch::{Batch, Overlay};
use super::committer::Committed;
use super::disk::Disk;
use super::head::Head;
use super::inlet::{Queued, stopped};
use super::sealer::Sealer;
use super::shelf::Shelf;
use super::tickets::Entry;
use super::{Store, StoreFault};
use crate::attachments::AttachmentStore;
use crate::clock::{EngineClock, IdSource};
use crate::halt::Halt;
use articles::{ArticleKey, Written};
use configure::Configured;

/// Bytes of tickets in memory that are on disk.
const TICKETS_BYTES: usize = 64 << 20;
/// The same for what tenants have configured: each desk configures about 100 KiB, and every command looks at it.
const CONFIGURED_BYTES: usize = if cfg!(test) { 64 << 10 } else { 64 << 20 };
/// The same for articles: where each stands, not what it says.
const ARTICLES_BYTES: usize = 4 << 20;

type TicketKey = (TenantId, TicketId);

pub(super) struct Decider<D: Disk> {
    store: Arc<Store<D>>,
    halt: Halt,
    epoch: Epoch,
    partition: Partition,
    last: Option<LogPosition>,
    /// So many answers of commands that wrote no event are kept.
    answers: u64,
    clock: EngineClock,
    sealer: Sealer,
    ids: IdSource,
    tickets: Shelf<TicketKey, Entry>,
    numbers: HashMap<TenantId, u64>,
    configured: Shelf<TenantId, Configured>,
    /// The bytes of attachments; none: nothing can be attached.
    attachments: Option<Arc<AttachmentStore>>,
    /// Where the streams of accesses end, of tenants that had one.
    accesses: HashMap<TenantId, (StreamVersion, Hash)>,
    articles: Shelf<ArticleKey, Written>,
    /// Tenants that have published an article.
    has_articles: HashSet<TenantId>,
    /// Overlays of the batches under way, oldest first; the last one is being filled.
    overlays: VecDeque<Overlay>,
    batch: Batch<D::Rows>,
    /// A batch is with the committer.
    committing: bool,
    /// How long the last one took to be written.
    write_took: Duration,
    /// Commands may still come.
    open: bool,
    /// Emptied ones: their memory is used again.
    spare_overlay: Overlay,
    spare_batch: Batch<D::Rows>,
}

/// The next step of a decider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The committer is free: hand the batch over, now or after a few commands more.
    HandOver,
    /// Nothing before the committer is done.
    Learn,
    /// Whatever comes first: a command, or that the committer is done.
    Either,
    /// Nothing more.
    End,
}

pub(super) type Commands = Receiver<Queued>;

impl<D: Disk> Decider<D> {
    pub(super) fn new(
        store: Arc<Store<D>>,
        halt: Halt,
        head: &Head,
        partition: Partition,
        clock: EngineClock,
        ids: IdSource,
        sealer: Sealer,
    ) -> Self {
        Self {
            store,
            halt,
            epoch: head.epoch,
            partition,
            last: Some(head.position),
            answers: 0,
            clock,
            sealer,
            ids,
            tickets: Shelf::new(TICKETS_BYTES, head.position),
            numbers: HashMap::new(),
            configured: Shelf::new(CONFIGURED_BYTES, head.position),
            attachments: None,
            accesses: HashMap::new(),
            articles: Shelf::new(ARTICLES_BYTES, head.position),
            has_articles: HashSet::new(),
            overlays: VecDeque::from([Overlay::default()]),
            batch: Batch::default(),
            committing: false,
            write_took: Duration::ZERO,
            open: true,
            spare_overlay: Overlay::default(),
            spare_batch: Batch::default(),
        }
    }

    /// The same, where so many answers of commands that wrote no event were given before.
    pub(super) fn counting_from(self, answers: u64) -> Self {
        Self { answers, ..self }
    }

    /// The same, where bytes can be attached.
    pub(super) fn with_attachments(self, attachments: Option<Arc<AttachmentStore>>) -> Self {
        Self { attachments, ..self }
    }

    /// Runs until every desk is dropped and the queue is empty, or until a storage error.
    pub(super) fn run(
        mut self,
        commands: &Commands,
        batches: &Sender<Batch<D::Rows>>,
        done: &Receiver<Committed<D::Rows>>,
    ) {
        if let Err(stop) = self.work(commands, batches, done) {
            self.give_up(&stop, commands);
        }
    }

    /// Nothing more is decided: whoever waits is told so.
    pub(super) fn give_up(&mut self, stop: &Stop, commands: &Commands) {
        match stop {
            Stop::Fault(fault) => self.halt.stop(fault.clone().into()),
            Stop::CommitterGone => {}
        }
        self.batch.answer_unknown();
        while let Ok(queued) = commands.try_recv() {
            (queued.taken().1)(Err(stopped()));
        }
    }

    fn work(
        &mut self,
        commands: &Commands,
        batches: &Sender<Batch<D::Rows>>,
        done: &Receiver<Committed<D::Rows>>,
    ) -> Result<(), Stop> {
        loop {
            match self.next() {
                Next::HandOver => {
                    self.gather(commands)?;
                    batches.send(self.hand_over()?).map_err(|_| Stop::CommitterGone)?;
                }
                Next::Learn => self.committed(done.recv().map_err(|_| Stop::CommitterGone)?),
                Next::Either => {
                    self.rest(commands)?;
                    select! {
                        recv(commands) -> command => match command {
                            Ok(command) => self.take(command)?,
                            Err(_) => self.open = false,
                        },
                        recv(done) -> batch => self.committed(batch.map_err(|_| Stop::CommitterGone)?),
                    }
                }
                Next::End => return Ok(()),
            }
        }
    }

    pub(super) fn next(&self) -> Next {
        match (self.committing, self.batch.is_empty()) {
            (false, false) => Next::HandOver,
            (true, _) if !self.open || self.batch.is_full() => Next::Learn,
            (false, true) if !self.open => Next::End,
            (true, _) | (false, true) => Next::Either,
        }
    }

    /// Takes what is queued while the committer waits, for as long as it last wrote at most. On a slow disk more comes
    /// along, which would else wait for another fsync; on a fast one both work at the same time.
    fn gather(&mut self, commands: &Commands) -> Result<(), Stop> {
        let begun = Instant::now();
        while !self.batch.is_full() && begun.elapsed() < self.write_took {
            let Ok(command) = commands.try_recv() else { break };
            self.take(command)?;
        }
        Ok(())
    }

    /// Gives the batch for the committer, which is free.
    pub(super) fn hand_over(&mut self) -> Result<Batch<D::Rows>, Stop> {
        self.sealer.hand_over()?;
        self.committing = true;
        Ok(self.next_batch())
    }

    /// Where nothing more is to be decided just now, the keys so far are written: the disk is busy anyway.
    pub(super) fn rest(&mut self, commands: &Commands) -> Result<(), Stop> {
        if commands.is_empty() {
            self.sealer.hand_over()?;
        }
        Ok(())
    }

    /// The batch that was filled, ready to go; another one is begun.
    fn next_batch(&mut self) -> Batch<D::Rows> {
        let mut full = std::mem::replace(&mut self.batch, std::mem::take(&mut self.spare_batch));
        full.recorded.extend_from_slice(&self.overlay().recorded);
        self.overlays.push_back(std::mem::take(&mut self.spare_overlay));
        full
    }

    /// The effects of a batch can be read from the database from now on.
    pub(super) fn committed(&mut self, Committed { emptied, write_took }: Committed<D::Rows>) {
        self.committing = false;
        self.write_took = write_took;
        if let Some(mut overlay) = self.overlays.pop_front() {
            if let Some(head) = overlay.head {
                self.tickets.reached(head);
                self.configured.reached(head);
                self.articles.reached(head);
            }
            overlay.clear();
            self.spare_overlay = overlay;
        }
        self.spare_batch = emptied;
    }

    /// Decides one command.
    pub(super) fn take(&mut self, queued: Queued) -> Result<(), Stop> {
        let (request, responder) = queued.taken();
        let answer = self.decide(&request)?;
        crash_point(CrashPoint::CommandDecided);
        self.batch.waiting.push((responder, answer));
        Ok(())
    }

    fn overlay(&mut self) -> &mut Overlay {
        self.overlays.back_mut().expect("one overlay is always being filled")
    }
}

pub(super) enum Stop {
    Fault(StoreFault),
    CommitterGone,
}

impl From<StoreFault> for Stop {
    fn from(fault: StoreFault) -> Self {
        Self::Fault(fault)
    }
}
