//! A batch of messages becomes one write: rows and checkpoint together, for any read model.
//!
//! The content after position p is the same whatever the batches were. A fold that panics costs one ticket its
//! row, not the worker its life: the ticket is quarantined where it stands, the others go on.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::event::{Event, LogEvent};
use guichet_schemas::ids::{TicketId, is_token};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::record::Record;
use guichet_schemas::wire::{QuarantinedTicket, StepsView};
use prost::Message as _;

use crate::arrived::Checked;
use crate::keys;
use crate::lineage::{Halt, Verdict, examine};
use crate::projection::{Accepted, Opened, Projection, ReadModel, TicketKey};
use crate::sight;
use crate::slot::{Live, Slot};
use crate::store::{Batch, Checkpoint, Store, StoreError};

/// Folds what arrives into a store.
pub(crate) struct ModelWriter {
    model: &'static ReadModel,
    store: Arc<Store>,
    fold: Box<dyn Projection>,
    /// Where the answers of this generation are found.
    slot: Arc<Slot>,
    partition: Partition,
    checkpoint: Checkpoint,
    quarantined: BTreeSet<TicketKey>,
    /// Those that `meta` knows.
    tenants: BTreeSet<String>,
}

#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) end: End,
}

/// Why a batch ended where it did. What stood before is folded in every case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing is left.
    All,
    /// A message came too early.
    Gap { wanted: u64, got: u64 },
    /// The bytes of this position are not what was published.
    Damaged { position: u64 },
    /// Nothing more may be folded.
    Halt(Halt),
}

enum StageError {
    /// The fold panicked at this place of the batch.
    Panicked(usize),
    Store(StoreError),
}

impl From<StoreError> for StageError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl ModelWriter {
    pub(crate) fn open(
        model: &'static ReadModel,
        store: Arc<Store>,
        partition: Partition,
    ) -> Result<Self, StoreError> {
        let view = store.view();
        let checkpoint = view.checkpoint()?;
        let mut quarantined = BTreeSet::new();
        for row in view.quarantined(None)? {
            let id = TicketId::from_wire(row.ticket_id)
                .map_err(|_| StoreError::Damaged { what: "a quarantined ticket" })?;
            quarantined.insert(keys::ticket(&row.tenant, id));
        }
        let tenants = view.tenants()?.iter().map(ToString::to_string).collect();
        drop(view);
        let Opened { fold, answers } = (model.open)(&store)?;
        let slot = Slot::new(Live::new(model, Arc::clone(&store), answers));
        Ok(Self { model, store, fold, slot, partition, checkpoint, quarantined, tenants })
    }

    /// Where the answers of what is folded here are found.
    pub(crate) fn slot(&self) -> Arc<Slot> {
        Arc::clone(&self.slot)
    }

    /// Answers are found there from now on.
    pub(crate) fn answer_at(&mut self, slot: Arc<Slot>) {
        self.slot = slot;
    }

    pub(crate) const fn model(&self) -> &'static ReadModel {
        self.model
    }

    pub(crate) fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }

    /// Folds a quarantined ticket again, in place. False where the model cannot, or its fold still fails.
    pub(crate) fn heal(&mut self, key: &[u8]) -> Result<bool, StoreError> {
        if !self.quarantined.contains(key) {
            return Ok(true);
        }
        let store = Arc::clone(&self.store);
        let mut batch = store.batch();
        match catch_unwind(AssertUnwindSafe(|| self.fold.refold(key, &mut batch))) {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Ok(false),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                self.reopen()?;
                return Ok(false);
            }
        }
        batch.delete(keys::QUARANTINE, key);
        let live = self.slot.get();
        let _turn = live.writing();
        batch.commit(&self.checkpoint)?;
        self.fold.committed();
        self.quarantined.remove(key);
        Ok(true)
    }

    /// Where the model stands, without folding anything.
    pub(crate) fn state(&self, end: End) -> Folded {
        Folded { checkpoint: self.checkpoint, end }
    }

    /// The rest of the work of a record.
    pub(crate) fn steps(&self) -> Option<StepsView> {
        self.fold.steps()
    }

    /// Does a portion of what is left to do; false where there was nothing.
    pub(crate) fn step(&mut self) -> Result<bool, Halt> {
        let store = Arc::clone(&self.store);
        let mut batch = store.batch();
        let stepped = catch_unwind(AssertUnwindSafe(|| self.fold.step(&mut batch)));
        let stepped = stepped.map_err(|_| Halt::Broken("a step ended in a panic"))?;
        if !stepped.map_err(|error| storage(&error))? {
            return Ok(false);
        }
        batch.commit(&self.checkpoint).map_err(|error| storage(&error))?;
        self.fold.committed();
        Ok(true)
    }

    /// Folds what continues the checkpoint, up to the first message that does not.
    pub(crate) fn fold(&mut self, arrived: &[&Checked]) -> Folded {
        let (accepted, checkpoint, end) = self.accept(arrived);
        if accepted.is_empty() {
            return self.state(end);
        }
        match self.write(&accepted, &checkpoint) {
            Ok(()) => self.state(end),
            Err(error) => self.state(End::Halt(storage(&error))),
        }
    }

    fn accept<'a>(&self, arrived: &[&'a Checked]) -> (Vec<Accepted<'a>>, Checkpoint, End) {
        let mut checkpoint = self.checkpoint;
        let mut accepted = Vec::with_capacity(arrived.len());
        for message in arrived {
            let sequence = message.arrived.sequence;
            let hash = match examine(&checkpoint, message) {
                Verdict::Old => continue,
                Verdict::Next(hash) => hash,
                Verdict::Gap => {
                    let end = End::Gap { wanted: checkpoint.position_or_zero() + 1, got: sequence };
                    return (accepted, checkpoint, end);
                }
                Verdict::Damaged => return (accepted, checkpoint, End::Damaged { position: sequence }),
                Verdict::Foreign(halt) => return (accepted, checkpoint, End::Halt(halt)),
            };
            match self.read(message) {
                Ok(one) => {
                    if let Event::Log(LogEvent::EpochStarted(e)) = &one.record.event {
                        checkpoint.generation = e.generation;
                    }
                    checkpoint.position = Some(one.record.position);
                    checkpoint.hash = hash;
                    accepted.push(one);
                }
                Err(halt) => return (accepted, checkpoint, End::Halt(halt)),
            }
        }
        (accepted, checkpoint, End::All)
    }

    fn read<'a>(&self, message: &'a Checked) -> Result<Accepted<'a>, Halt> {
        let position = message.arrived.sequence;
        let record = match &message.record {
            Ok(record) => record,
            Err(fault) => return Err(Halt::Unreadable { position, fault: fault.clone() }),
        };
        let foreign = |what| Err(Halt::Foreign { position, what });
        if record.position.get() != position {
            return foreign("its record says another position");
        }
        if record.partition != self.partition {
            return foreign("its record is of another partition");
        }
        if !is_token(&record.tenant) {
            return foreign("its tenant is no token");
        }
        Ok(Accepted { record, bytes: &message.arrived.bytes, ticket: message.ticket.as_ref() })
    }

    fn write(&mut self, accepted: &[Accepted<'_>], checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let store = Arc::clone(&self.store);
        let mut poisoned = BTreeMap::new();
        let mut batch = loop {
            match self.stage(&store, accepted, &poisoned) {
                Ok(staged) => break staged,
                Err(StageError::Store(error)) => return Err(error),
                // Rare, so simply do the batch again without what made it panic.
                Err(StageError::Panicked(index)) => {
                    self.quarantine(&accepted[index], index, &mut poisoned)?;
                }
            }
        };
        for one in accepted {
            sight::note(one, &mut batch);
        }
        let appeared = self.appeared(accepted);
        for (tenant, position) in &appeared {
            batch.put(keys::META, &keys::meta_tenant(tenant), &position.get().to_be_bytes());
        }
        let live = self.slot.get();
        let _turn = live.writing();
        crash_point(CrashPoint::FoldBefore);
        batch.commit(checkpoint)?;
        crash_point(CrashPoint::FoldAfter);
        self.fold.committed();
        self.checkpoint = *checkpoint;
        self.quarantined.extend(poisoned.into_keys());
        self.tenants.extend(appeared.into_keys());
        Ok(())
    }

    /// Tenants whose first records these are, with the positions. Our own have no desk.
    fn appeared(&self, accepted: &[Accepted<'_>]) -> BTreeMap<String, LogPosition> {
        let mut appeared = BTreeMap::new();
        for Accepted { record, .. } in accepted {
            let is_known = record.tenant.starts_with('_') || self.tenants.contains(&record.tenant);
            if !is_known && !appeared.contains_key(&record.tenant) {
                appeared.insert(record.tenant.clone(), record.position);
            }
        }
        appeared
    }

    fn stage<'a>(
        &mut self,
        store: &'a Store,
        accepted: &[Accepted<'_>],
        poisoned: &BTreeMap<TicketKey, usize>,
    ) -> Result<Batch<'a>, StageError> {
        let mut batch = store.batch();
        for (index, one) in accepted.iter().enumerate() {
            let skips = |key| {
                self.quarantined.contains(key) || poisoned.get(key).is_some_and(|first| *first <= index)
            };
            if one.ticket.is_some_and(|(_, key)| skips(key)) {
                self.fold.skipped(one, &mut batch);
                continue;
            }
            let applied = catch_unwind(AssertUnwindSafe(|| self.fold.apply(one, &mut batch)));
            applied.map_err(|_| StageError::Panicked(index))??;
        }
        self.fold.seal(&mut batch);
        for (key, index) in poisoned {
            batch.put(keys::QUARANTINE, key, &quarantined(&accepted[*index]).encode_to_vec());
        }
        Ok(batch)
    }

    /// Notes what made the batch panic, and opens the model again: what it has in memory is in doubt.
    fn quarantine(
        &mut self,
        one: &Accepted<'_>,
        index: usize,
        poisoned: &mut BTreeMap<TicketKey, usize>,
    ) -> Result<(), StoreError> {
        let Record { position, event, .. } = one.record;
        let Some((id, key)) = one.ticket else {
            // Nothing to set aside: the worker halts, and says that its model failed.
            panic!("the fold of {} panicked at position {position}", self.model.name);
        };
        tracing::error!(model = self.model.name, ticket = %id, %position, event = event.type_name(), "the fold panicked; the ticket is quarantined");
        poisoned.insert(key.clone(), index);
        self.reopen()
    }

    /// The state in memory is in doubt.
    fn reopen(&mut self) -> Result<(), StoreError> {
        let Opened { fold, answers } = (self.model.open)(&self.store)?;
        self.fold = fold;
        self.slot.replace(Live::new(self.model, Arc::clone(&self.store), answers));
        Ok(())
    }
}

/// The entry for a ticket that could not be folded. It names the event, never its content.
fn quarantined(accepted: &Accepted<'_>) -> QuarantinedTicket {
    let record = accepted.record;
    QuarantinedTicket {
        tenant: record.tenant.clone(),
        ticket_id: accepted.ticket.map_or_else(Vec::new, |(id, _)| id.to_wire()),
        position: record.position.get(),
        reason: format!("the fold panicked at {} version {}", record.event.type_name(), record.version),
    }
}

/// The message with what caused it, since RocksDB says there which file it was.
fn storage(error: &StoreError) -> Halt {
    let cause = std::error::Error::source(error).map_or(String::new(), |cause| format!(": {cause}"));
    Halt::Storage(format!("{error}{cause}"))
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
