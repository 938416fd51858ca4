//! The thread that decides. It drains the queue, sees what earlier commands of the batches under way did, and
//! hands a batch over as soon as the committer is free: no timer, the disk sets the pace.

mod command;
mod lookup;

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, select};
use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::codec::Request;
use guichet_schemas::ids::{TenantId, TicketId};
use guichet_schemas::position::{Epoch, LogPosition, Partition};
use lru::LruCache;

use super::batch::{Batch, EVENTS_MAX, Overlay};
use super::committer::Committed;
use super::desk::{Responder, stopped};
use super::sealer::Sealer;
use super::tickets::Entry;
use super::{Store, StoreFault};
use crate::clock::{EngineClock, IdSource};
use crate::halt::{Halt, HaltReason};

/// Tickets kept folded in memory. Never fewer than two batches can touch: what is under way must not be evicted.
const TICKETS_CACHED: usize = 16 * EVENTS_MAX;

type TicketKey = (TenantId, TicketId);

pub(super) struct Decider {
    store: Arc<Store>,
    halt: Halt,
    epoch: Epoch,
    partition: Partition,
    last: Option<LogPosition>,
    clock: EngineClock,
    sealer: Sealer,
    ids: IdSource,
    tickets: LruCache<TicketKey, Entry>,
    numbers: HashMap<TenantId, u64>,
    /// What the batches under way did, oldest first; the last one is being filled.
    overlays: VecDeque<Overlay>,
    batch: Batch,
    /// Emptied ones: their memory is used again.
    spare_overlay: Overlay,
    spare_batch: Batch,
}

impl Decider {
    pub(super) fn new(
        store: Arc<Store>,
        halt: Halt,
        epoch: Epoch,
        partition: Partition,
        last: Option<LogPosition>,
        clock: EngineClock,
        sealer: Sealer,
    ) -> Self {
        Self {
            store,
            halt,
            epoch,
            partition,
            last,
            clock,
            sealer,
            ids: IdSource::new(),
            tickets: LruCache::new(NonZeroUsize::new(TICKETS_CACHED).expect("the constant is not zero")),
            numbers: HashMap::new(),
            overlays: VecDeque::from([Overlay::default()]),
            batch: Batch::default(),
            spare_overlay: Overlay::default(),
            spare_batch: Batch::default(),
        }
    }

    /// Runs until every desk is dropped and the queue is empty, or until a storage error.
    pub(super) fn run(
        mut self,
        commands: &Receiver<(Request, Responder)>,
        batches: &Sender<Batch>,
        done: &Receiver<Committed>,
    ) {
        if let Err(stop) = self.work(commands, batches, done) {
            if let Stop::Fault(fault) = stop {
                self.halt.stop(HaltReason::Storage(fault.to_string()));
            }
            self.batch.answer_unknown();
            while let Ok((_, responder)) = commands.try_recv() {
                responder(Err(stopped()));
            }
        }
    }

    fn work(
        &mut self,
        commands: &Receiver<(Request, Responder)>,
        batches: &Sender<Batch>,
        done: &Receiver<Committed>,
    ) -> Result<(), Stop> {
        let mut committing = false;
        let mut open = true;
        while open || committing || !self.batch.is_empty() {
            if !committing && !self.batch.is_empty() {
                // The committer is free: take what is queued now, and go.
                while !self.batch.is_full() {
                    let Ok((request, responder)) = commands.try_recv() else { break };
                    self.take(request, responder)?;
                }
                self.sealer.hand_over()?;
                batches.send(self.next_batch()).map_err(|_| Stop::CommitterGone)?;
                committing = true;
            } else if !open || self.batch.is_full() {
                self.committed(done.recv().map_err(|_| Stop::CommitterGone)?);
                committing = false;
            } else {
                // Nothing more to decide just now: the keys so far are written while the disk is busy anyway.
                if commands.is_empty() {
                    self.sealer.hand_over()?;
                }
                select! {
                    recv(commands) -> command => match command {
                        Ok((request, responder)) => self.take(request, responder)?,
                        Err(_) => open = false,
                    },
                    recv(done) -> committed => {
                        self.committed(committed.map_err(|_| Stop::CommitterGone)?);
                        committing = false;
                    }
                }
            }
        }
        Ok(())
    }

    /// The batch that was filled, ready to go; another one is begun.
    fn next_batch(&mut self) -> Batch {
        let mut full = std::mem::replace(&mut self.batch, std::mem::take(&mut self.spare_batch));
        full.recorded.extend_from_slice(&self.overlay().recorded);
        self.overlays.push_back(std::mem::take(&mut self.spare_overlay));
        full
    }

    /// What a batch did can be read from the database now.
    fn committed(&mut self, Committed(emptied): Committed) {
        if let Some(mut overlay) = self.overlays.pop_front() {
            overlay.clear();
            self.spare_overlay = overlay;
        }
        self.spare_batch = emptied;
    }

    fn take(&mut self, request: Request, responder: Responder) -> Result<(), StoreFault> {
        let answer = self.decide(&request)?;
        crash_point(CrashPoint::CommandDecided);
        self.batch.waiting.push((responder, answer));
        Ok(())
    }

    fn overlay(&mut self) -> &mut Overlay {
        self.overlays.back_mut().expect("one overlay is always being filled")
    }
}

enum Stop {
    Fault(StoreFault),
    CommitterGone,
}

impl From<StoreFault> for Stop {
    fn from(fault: StoreFault) -> Self {
        Self::Fault(fault)
    }
}
