//! The thread that decides. It drains the queue, sees what earlier commands of the batches under way did, and
//! hands a batch over as soon as the committer is free: no timer, the disk sets the pace.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, select};
use guichet_rules::{Context, Draft, decide, evolve};
use guichet_schemas::codec::{Outcome, Request, encode_record, event_ref_to_wire};
use guichet_schemas::command::{Command, Entity, Order, limits};
use guichet_schemas::event::ExternalRef;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{EventId, TenantId, TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::{Epoch, LogPosition, Partition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::rejection::{EventRef, Rejection};
use guichet_schemas::wire;
use guichet_schemas::words::StreamKind;
use lru::LruCache;

use super::batch::{Batch, EVENTS_MAX, Overlay};
use super::committer::Committed;
use super::derived::Derived;
use super::tickets::{self, Entry, SNAPSHOT_EVERY};
use super::{Store, StoreFault, keys, outcome};
use crate::clock::{EngineClock, IdSource};
use crate::halt::{Halt, HaltReason};

/// Takes the answer of a command, once it may be told.
pub type Responder = Box<dyn FnOnce(Outcome) + Send>;

/// Commands that wait for the decider; more are told `busy`.
const QUEUE: usize = 8192;
/// Tickets kept folded in memory. Never fewer than two batches can touch: what is under way must not be evicted.
const TICKETS_CACHED: usize = 16 * EVENTS_MAX;
/// How soon to come back when the queue is full.
const BUSY_RETRY_MS: u64 = 50;
/// Missed events named in a version conflict.
const MISSED_MAX: u64 = 20;

/// Where commands are handed in.
#[derive(Clone)]
pub struct Desk {
    queue: Sender<(Request, Responder)>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Desk({} waiting)", self.queue.len())
    }
}

impl Desk {
    pub(super) fn new() -> (Self, Receiver<(Request, Responder)>) {
        let (queue, commands) = crossbeam_channel::bounded(QUEUE);
        (Self { queue }, commands)
    }

    /// Queues a command. The responder is called exactly once, here when there is no room.
    pub fn submit(&self, request: Request, responder: Responder) {
        match self.queue.try_send((request, responder)) {
            Ok(()) => {}
            Err(TrySendError::Full((_, responder))) => {
                responder(Err(Rejection::Busy {
                    reason: "the command queue is full",
                    retry_after_ms: BUSY_RETRY_MS,
                }));
            }
            Err(TrySendError::Disconnected((_, responder))) => responder(Err(stopped())),
        }
    }
}

fn stopped() -> Rejection {
    Rejection::Unavailable {
        reason: "the engine is stopping or halted; ask again when it runs".to_owned(),
        as_of_position: None,
    }
}

type TicketKey = (TenantId, TicketId);

pub(super) struct Decider {
    pub(super) store: Arc<Store>,
    pub(super) halt: Halt,
    pub(super) epoch: Epoch,
    pub(super) partition: Partition,
    pub(super) last: Option<LogPosition>,
    pub(super) clock: EngineClock,
    pub(super) ids: IdSource,
    tickets: LruCache<TicketKey, Entry>,
    numbers: HashMap<TenantId, u64>,
    /// What the batches under way did, oldest first; the last one is being filled.
    overlays: VecDeque<Overlay>,
    batch: Batch,
}

impl Decider {
    pub(super) fn new(
        store: Arc<Store>,
        halt: Halt,
        epoch: Epoch,
        partition: Partition,
        last: Option<LogPosition>,
        clock: EngineClock,
    ) -> Self {
        Self {
            store,
            halt,
            epoch,
            partition,
            last,
            clock,
            ids: IdSource::new(),
            tickets: LruCache::new(NonZeroUsize::new(TICKETS_CACHED).expect("the constant is not zero")),
            numbers: HashMap::new(),
            overlays: VecDeque::from([Overlay::default()]),
            batch: Batch::default(),
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
            for (responder, outcome) in std::mem::take(&mut self.batch).replies {
                responder(outcome.and(Err(Rejection::OutcomeUnknown)));
            }
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
                batches.send(std::mem::take(&mut self.batch)).map_err(|_| Stop::CommitterGone)?;
                self.overlays.push_back(Overlay::default());
                committing = true;
            } else if !open || self.batch.is_full() {
                done.recv().map_err(|_| Stop::CommitterGone)?;
                committing = self.committed();
            } else {
                select! {
                    recv(commands) -> command => match command {
                        Ok((request, responder)) => self.take(request, responder)?,
                        Err(_) => open = false,
                    },
                    recv(done) -> committed => {
                        committed.map_err(|_| Stop::CommitterGone)?;
                        committing = self.committed();
                    }
                }
            }
        }
        Ok(())
    }

    fn committed(&mut self) -> bool {
        self.overlays.pop_front();
        false
    }

    fn take(&mut self, request: Request, responder: Responder) -> Result<(), StoreFault> {
        let outcome = self.decide(&request)?;
        self.batch.replies.push((responder, outcome));
        Ok(())
    }

    fn decide(&mut self, request: &Request) -> Result<Outcome, StoreFault> {
        let command = &request.command;
        if let Some((hash, mut accepted)) = self.outcome(command)? {
            if hash != request.request_hash {
                return Ok(Err(Rejection::CommandIdReused));
            }
            accepted.replayed = true;
            return Ok(Ok(accepted));
        }
        let now = self.clock.now();
        let external_ref = external_ref_of(command);
        let external_ref_of = match &external_ref {
            Some(reference) => self.external_ref(&command.tenant, reference)?,
            None => None,
        };
        let id = match (command.entity, &command.order, external_ref_of) {
            (Entity::Ticket(id), _, _) | (Entity::New, Order::Import(_), Some(id)) => id,
            (Entity::New, _, _) => TicketId(self.ids.next(now)),
        };
        let key = (command.tenant.clone(), id);
        let entry = self.entry(&key)?;
        let version = entry.as_ref().map(|e| e.version);
        if (entry.is_some() && !command.expects(version))
            || (entry.is_none() && command.expected_version.is_some_and(|v| v > 0) && creates(command))
        {
            return Ok(Err(self.conflict(&key, command.expected_version.unwrap_or(0), version)?));
        }
        let context =
            Context { now, next_number: TicketNumber(self.next_number(&command.tenant)?), external_ref_of };
        let drafts = match decide(entry.as_ref().map(|e| &e.ticket), command, &context) {
            Ok(drafts) => drafts,
            Err(Rejection::VersionConflict { expected, .. }) => {
                return Ok(Err(self.conflict(&key, expected, version)?));
            }
            Err(rejection) => return Ok(Err(rejection)),
        };
        if drafts.is_empty() {
            return self.nothing_to_do(request, &key, entry);
        }
        Ok(self.append(request, key, entry, drafts, context))
    }

    /// The effect already holds: nothing to record but the answer.
    fn nothing_to_do(
        &mut self,
        request: &Request,
        key: &TicketKey,
        entry: Option<Entry>,
    ) -> Result<Outcome, StoreFault> {
        let Some(entry) = entry else {
            return Ok(Err(Rejection::NotFound { what: "the ticket".to_owned() }));
        };
        let accepted = wire::Accepted {
            ticket_id: key.1.to_wire(),
            number: tickets::number_of(&entry),
            version: entry.version.get(),
            partition: self.partition.0,
            position: LogPosition::or_zero(self.last),
            ..wire::Accepted::default()
        };
        if !request.command.dry_run {
            let row = outcome::row_without_events(request.request_hash, &accepted);
            let at = keys::command(key.0.as_str(), request.command.command_id);
            self.batch.bytes += row.len();
            self.batch.synced.put_cf(&self.store.cf(keys::COMMANDS), at, row);
            self.remember(request, accepted.clone());
        }
        Ok(Ok(accepted))
    }

    fn append(
        &mut self,
        request: &Request,
        key: TicketKey,
        entry: Option<Entry>,
        drafts: Vec<Draft>,
        context: Context,
    ) -> Outcome {
        let command = &request.command;
        let mut stage = Stage { entry, records: Vec::with_capacity(drafts.len()), last: self.last };
        let count = u32::try_from(drafts.len()).unwrap_or(u32::MAX);
        for (index, draft) in (0..).zip(drafts) {
            let event_id = EventId(self.ids.next(context.now));
            stage.push(self.record(request, key.1, &stage, draft, context, event_id, (index, count)))?;
        }
        let refs: Vec<EventRef> = stage.records.iter().map(|s| s.event_ref.clone()).collect();
        let entry = stage.entry.ok_or_else(|| Rejection::NotFound { what: "the ticket".to_owned() })?;
        let accepted = wire::Accepted {
            ticket_id: key.1.to_wire(),
            number: tickets::number_of(&entry),
            version: entry.version.get(),
            partition: self.partition.0,
            position: entry.position.get(),
            events: refs.iter().map(event_ref_to_wire).collect(),
            warnings: Vec::new(),
            replayed: false,
        };
        if command.dry_run {
            return Ok(accepted);
        }
        let before = entry.version.get() - stage.records.len() as u64;
        if before / SNAPSHOT_EVERY != entry.version.get() / SNAPSHOT_EVERY {
            self.batch.snapshots.push((keys::ticket(key.0.as_str(), key.1), tickets::to_snapshot(&entry)));
        }
        let events = self.store.cf(keys::EVENTS);
        for staged in stage.records {
            if let Some(number) = staged.derived.number {
                self.numbers.insert(key.0.clone(), number);
            }
            self.batch.bytes += staged.bytes.len();
            self.batch.synced.put_cf(&events, keys::event(staged.derived.position), &staged.bytes);
            self.batch.derived.push(staged.derived);
        }
        drop(events);
        self.last = stage.last;
        self.batch.head = stage.last;
        let overlay = self.overlays.back_mut().expect("one overlay is always being filled");
        overlay.events.extend(refs.into_iter().map(|r| (key.1, r)));
        if let Some(reference) = external_ref_of(command) {
            overlay.external_refs.insert((key.0.clone(), reference), key.1);
        }
        self.tickets.put(key, entry);
        self.remember(request, accepted.clone());
        Ok(accepted)
    }

    #[expect(clippy::too_many_arguments, reason = "a record is where all of these meet")]
    fn record(
        &self,
        request: &Request,
        id: TicketId,
        stage: &Stage,
        draft: Draft,
        context: Context,
        event_id: EventId,
        (index, count): (u32, u32),
    ) -> Record {
        let command = &request.command;
        Record {
            position: LogPosition::after(stage.last),
            partition: self.partition,
            epoch: self.epoch,
            tenant: command.tenant.as_str().to_owned(),
            stream_kind: StreamKind::Ticket,
            stream_id: id.to_string(),
            version: StreamVersion::after(stage.entry.as_ref().map(|e| e.version)),
            event_id,
            recorded_at: context.now,
            occurred_at: draft.occurred_at.unwrap_or(context.now),
            caller: command.caller.as_str().to_owned(),
            actor: draft.actor.unwrap_or_else(|| command.actor.clone()),
            command_id: command.command_id,
            request_hash: request.request_hash,
            channel: command.channel,
            causation_id: command.causation_id,
            correlation_id: command.correlation_id,
            traceparent: command.traceparent.clone(),
            config_version: 0,
            prev_hash: stage.entry.as_ref().map_or(Hash::ZERO, |e| e.last_hash),
            source_time: draft.source_time,
            command_index: index,
            command_count: count,
            event: draft.event,
        }
    }

    fn remember(&mut self, request: &Request, accepted: wire::Accepted) {
        let key = (request.command.tenant.clone(), request.command.command_id);
        let overlay = self.overlays.back_mut().expect("one overlay is always being filled");
        overlay.outcomes.insert(key, (request.request_hash, accepted));
    }

    fn outcome(&self, command: &Command) -> Result<Option<(Hash, wire::Accepted)>, StoreFault> {
        let key = (command.tenant.clone(), command.command_id);
        match self.overlays.iter().find_map(|o| o.outcomes.get(&key)) {
            Some(found) => Ok(Some(found.clone())),
            None => outcome::load(&self.store, &command.tenant, command.command_id),
        }
    }

    fn external_ref(
        &self,
        tenant: &TenantId,
        reference: &ExternalRef,
    ) -> Result<Option<TicketId>, StoreFault> {
        let key = (tenant.clone(), reference.clone());
        if let Some(id) = self.overlays.iter().find_map(|o| o.external_refs.get(&key)) {
            return Ok(Some(*id));
        }
        let row = self.store.get(keys::EXTERNAL_REFS, &keys::external_ref(tenant.as_str(), reference))?;
        row.map(|bytes| {
            TicketId::from_wire(bytes)
                .map_err(|e| StoreFault::found("read an external reference", e.to_string()))
        })
        .transpose()
    }

    fn entry(&mut self, key: &TicketKey) -> Result<Option<Entry>, StoreFault> {
        if let Some(entry) = self.tickets.get(key) {
            return Ok(Some(entry.clone()));
        }
        let loaded = tickets::load(&self.store, key.0.as_str(), key.1)?;
        if let Some(entry) = &loaded {
            self.tickets.put(key.clone(), entry.clone());
        }
        Ok(loaded)
    }

    fn next_number(&mut self, tenant: &TenantId) -> Result<u64, StoreFault> {
        if let Some(last) = self.numbers.get(tenant) {
            return Ok(last + 1);
        }
        let last = self.store.number(keys::NUMBERS, tenant.as_str().as_bytes())?.unwrap_or(0);
        self.numbers.insert(tenant.clone(), last);
        Ok(last + 1)
    }

    fn conflict(
        &self,
        key: &TicketKey,
        expected: u64,
        actual: Option<StreamVersion>,
    ) -> Result<Rejection, StoreFault> {
        let actual = StreamVersion::or_zero(actual);
        let missed_count = actual.saturating_sub(expected);
        let from = (expected + 1).max(actual.saturating_sub(MISSED_MAX - 1));
        let mut missed = Vec::new();
        if missed_count > 0 {
            let prefix = keys::ticket(key.0.as_str(), key.1);
            let mut positions = Vec::new();
            self.store.scan_prefix(keys::TICKETS_INDEX, &prefix, &from.to_be_bytes(), |_, value| {
                positions.extend(keys::number(value).and_then(LogPosition::new));
                Ok(())
            })?;
            for position in positions {
                missed.extend(self.store.record(position)?.and_then(|bytes| event_ref(&bytes)));
            }
            let under_way = self
                .overlays
                .iter()
                .flat_map(|o| &o.events)
                .filter(|(id, r)| *id == key.1 && r.version.get() >= from);
            missed.extend(under_way.map(|(_, r)| r.clone()));
            // A batch that is just being indexed stands in both.
            missed.sort_by_key(|r| r.version);
            missed.dedup_by_key(|r| r.version);
        }
        Ok(Rejection::VersionConflict { expected, actual, missed, missed_count })
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

/// The events of one command, on top of the ticket.
struct Stage {
    entry: Option<Entry>,
    records: Vec<Staged>,
    last: Option<LogPosition>,
}

struct Staged {
    bytes: Vec<u8>,
    derived: Derived,
    event_ref: EventRef,
}

impl Stage {
    fn push(&mut self, record: Record) -> Result<(), Rejection> {
        let derived = Derived::of(&record);
        let (version, position) = (record.version, record.position);
        let event_ref = EventRef {
            event_id: record.event_id,
            type_name: record.event.type_name().to_owned(),
            version,
            position,
        };
        let ticket = evolve(self.entry.take().map(|e| e.ticket), &record.event, record.occurred_at);
        let bytes = encode_record(record);
        if bytes.len() > limits::RECORD_BYTES {
            return Err(Rejection::PayloadTooLarge { what: "the record", max: limits::RECORD_BYTES as u64 });
        }
        self.entry = Some(Entry { ticket, version, position, last_hash: Hash::of_record(&bytes) });
        self.last = Some(position);
        self.records.push(Staged { bytes, derived, event_ref });
        Ok(())
    }
}

fn event_ref(bytes: &[u8]) -> Option<EventRef> {
    let record = guichet_schemas::codec::decode_record(bytes).ok()?;
    Some(EventRef {
        event_id: record.event_id,
        type_name: record.event.type_name().to_owned(),
        version: record.version,
        position: record.position,
    })
}

fn creates(command: &Command) -> bool {
    matches!(command.order, Order::Create(_) | Order::Import(_))
}

/// The identity elsewhere that a command claims.
fn external_ref_of(command: &Command) -> Option<ExternalRef> {
    if let Order::Import(order) = &command.order {
        Some(ExternalRef {
            source: order.source.as_str().to_owned(),
            id: order.external_id.as_str().to_owned(),
        })
    } else if let Order::Create(order) = &command.order {
        order.external_ref.clone()
    } else {
        None
    }
}
