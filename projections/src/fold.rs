//! A batch of messages becomes one write: records, rows and checkpoint together.
//!
//! A row is read and written once per batch, however many events of its ticket stand in it. The content
//! after position p is the same whatever the batches were. A fold that panics costs one ticket its row, not
//! the worker its life: the ticket is quarantined where it stands, its records are kept, the others go on.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use guichet_schemas::codec;
use guichet_schemas::event::Event;
use guichet_schemas::ids::{TicketId, TicketNumber, is_token};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::{Partition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::wire::{QuarantinedTicket, TicketView};

use crate::keys;
use crate::lineage::{Arrived, Halt, Verdict, examine};
use crate::rows::{RowCache, Rows, TicketKey};
use crate::store::{Batch, Checkpoint, Store, StoreError};

/// The fold of the model: a row and a record make a row.
pub(crate) type Apply = fn(Option<TicketView>, &Record) -> TicketView;

/// Folds what arrives into a store.
pub(crate) struct Folder {
    store: Arc<Store>,
    partition: Partition,
    apply: Apply,
    checkpoint: Checkpoint,
    quarantined: BTreeSet<TicketKey>,
    cache: RowCache,
}

/// How far a batch went.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) quarantined: usize,
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

struct Accepted {
    record: Record,
    bytes: Bytes,
    ticket: Option<(TicketId, TicketKey)>,
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

impl Folder {
    pub(crate) fn open(store: Arc<Store>, partition: Partition, apply: Apply) -> Result<Self, StoreError> {
        let view = store.view();
        let checkpoint = view.checkpoint()?;
        let mut quarantined = BTreeSet::new();
        for row in view.quarantined(None)? {
            let id = TicketId::from_wire(row.ticket_id)
                .map_err(|_| StoreError::Damaged { what: "a quarantined ticket" })?;
            quarantined.insert(keys::ticket(&row.tenant, id));
        }
        drop(view);
        Ok(Self { store, partition, apply, checkpoint, quarantined, cache: RowCache::default() })
    }

    /// Where the model stands, without folding anything.
    pub(crate) fn state(&self, end: End) -> Folded {
        Folded { checkpoint: self.checkpoint, quarantined: self.quarantined.len(), end }
    }

    /// Folds what continues the checkpoint, up to the first message that does not.
    pub(crate) fn fold(&mut self, arrived: Vec<Arrived>) -> Folded {
        let (accepted, checkpoint, end) = self.accept(arrived);
        if accepted.is_empty() {
            return self.state(end);
        }
        match self.write(&accepted, &checkpoint) {
            Ok(()) => self.state(end),
            Err(error) => self.state(End::Halt(storage(&error))),
        }
    }

    fn accept(&self, arrived: Vec<Arrived>) -> (Vec<Accepted>, Checkpoint, End) {
        let mut checkpoint = self.checkpoint;
        let mut accepted = Vec::with_capacity(arrived.len());
        for message in arrived {
            let hash = match examine(&checkpoint, &message) {
                Verdict::Old => continue,
                Verdict::Next(hash) => hash,
                Verdict::Gap => {
                    let end = End::Gap { wanted: checkpoint.position_or_zero() + 1, got: message.sequence };
                    return (accepted, checkpoint, end);
                }
                Verdict::Damaged => {
                    return (accepted, checkpoint, End::Damaged { position: message.sequence });
                }
                Verdict::Foreign(halt) => return (accepted, checkpoint, End::Halt(halt)),
            };
            match self.read(message) {
                Ok(one) => {
                    if let Event::EpochStarted(e) = &one.record.event {
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

    fn read(&self, message: Arrived) -> Result<Accepted, Halt> {
        let position = message.sequence;
        let record =
            codec::decode_record(&message.bytes).map_err(|fault| Halt::Unreadable { position, fault })?;
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
        let ticket = record.ticket_id().map(|id| (id, keys::ticket(&record.tenant, id)));
        Ok(Accepted { record, bytes: message.bytes, ticket })
    }

    fn write(&mut self, accepted: &[Accepted], checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let store = Arc::clone(&self.store);
        let mut poisoned = BTreeMap::new();
        let (batch, rows) = loop {
            match self.stage(&store, accepted, &poisoned) {
                Ok(staged) => break staged,
                Err(StageError::Store(error)) => return Err(error),
                // Rare, so simply do the batch again without what made it panic.
                Err(StageError::Panicked(index)) => {
                    let Some((id, key)) = &accepted[index].ticket else { continue };
                    let record = &accepted[index].record;
                    tracing::error!(ticket = %id, position = %record.position, event = record.event.type_name(), "the fold panicked; the ticket is quarantined");
                    poisoned.insert(key.clone(), index);
                }
            }
        };
        batch.commit(checkpoint)?;
        self.checkpoint = *checkpoint;
        self.cache.keep(rows);
        self.quarantined.extend(poisoned.into_keys());
        Ok(())
    }

    fn stage<'a>(
        &mut self,
        store: &'a Store,
        accepted: &'a [Accepted],
        poisoned: &BTreeMap<TicketKey, usize>,
    ) -> Result<(Batch<'a>, Rows<'a>), StageError> {
        let mut batch = store.batch();
        let mut rows = Rows::default();
        for (index, Accepted { record, bytes, ticket }) in accepted.iter().enumerate() {
            batch.put_record(&record.tenant, record.position, bytes);
            let Some((id, key)) = ticket else { continue };
            batch.put_ticket_event(&record.tenant, *id, record.version, record.position);
            if let Event::TicketCreated(e) = &record.event {
                batch.put_number(&record.tenant, TicketNumber(e.number), *id);
            }
            if self.quarantined.contains(key) || poisoned.get(key).is_some_and(|first| *first <= index) {
                continue;
            }
            let slot = rows.slot(key, &mut self.cache, || match record.version {
                // Nothing stands before the first event, so there is nothing to look for.
                StreamVersion::FIRST => Ok(None),
                _ => store.ticket_row(key),
            })?;
            let row = slot.take();
            let folded = catch_unwind(AssertUnwindSafe(|| (self.apply)(row, record)));
            *slot = Some(folded.map_err(|_| StageError::Panicked(index))?);
        }
        for (key, row) in rows.iter() {
            batch.put_ticket(key, row);
        }
        for (key, index) in poisoned {
            batch.put_quarantined(key, &quarantine(&accepted[*index]));
        }
        Ok((batch, rows))
    }
}

/// What is listed about a ticket that could not be folded. Names the event, never its content.
fn quarantine(accepted: &Accepted) -> QuarantinedTicket {
    let record = &accepted.record;
    QuarantinedTicket {
        tenant: record.tenant.clone(),
        ticket_id: accepted.ticket.as_ref().map_or_else(Vec::new, |(id, _)| id.to_wire()),
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
