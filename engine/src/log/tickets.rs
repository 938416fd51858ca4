//! Folded tickets: from the cache, else from a snapshot and the events after it.

use guichet_rules::{FOLD_VERSION, ImportProgress, LastResolution, Phase, Ticket, evolve};
use guichet_schemas::codec::decode_record;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::store::TicketSnapshot;
use guichet_schemas::words::{HoldReason, TicketState};
use prost::Message as _;

use super::disk::Disk;
use super::{Store, StoreFault, keys};

/// A ticket and where its stream ends.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) ticket: Ticket,
    pub(super) version: StreamVersion,
    pub(super) position: LogPosition,
    pub(super) last_hash: Hash,
}

impl Entry {
    /// Bytes that it takes in memory, roughly and never much less.
    pub(super) fn weight(&self) -> usize {
        /// Of a text beside its letters: three words, and what the allocator keeps.
        const TEXT: usize = 40;
        /// The entry, its key and its node in the cache.
        const FRAME: usize = size_of::<Entry>() + 256;
        /// The name of a fact, with its node.
        const FACT: usize = 96;
        let t = &self.ticket;
        let texts = [&t.custom_status, &t.group, &t.assignee, &t.category].into_iter().flatten();
        let resolver = t.last_resolution.as_ref().map(|resolution| &resolution.by);
        let texts = texts.chain(&t.tags).chain(resolver).chain([&t.requester]);
        let texts = texts.chain(t.fields.keys());
        texts.map(|text| text.len() + TEXT).sum::<usize>() + t.facts.len() * FACT + FRAME
    }
}

/// Versions between two snapshots of a ticket.
pub(super) const SNAPSHOT_EVERY: u64 = 100;

/// Loads a ticket from disk. `None`: there is none.
pub(super) fn load<D: Disk>(
    store: &Store<D>,
    tenant: &str,
    id: TicketId,
) -> Result<Option<Entry>, StoreFault> {
    // Most tickets that are not in memory are not there at all: a filter says so much sooner than a search. Rows are
    // written in the order of the log, so without a first version there is no other.
    if store.get(keys::TICKETS_INDEX, &keys::ticket_version(tenant, id, StreamVersion::FIRST))?.is_none() {
        return Ok(None);
    }
    let prefix = keys::ticket(tenant, id);
    let snapshot = store.get(keys::SNAPSHOTS, &prefix)?.and_then(|bytes| from_snapshot(&bytes));
    let from = StreamVersion::after(snapshot.as_ref().map(|e| e.version));
    let mut positions = Vec::new();
    store.scan_prefix(keys::TICKETS_INDEX, &prefix, &from.get().to_be_bytes(), |_, value| {
        let position = keys::number(value).and_then(LogPosition::new);
        positions
            .push(position.ok_or_else(|| StoreFault::found("load a ticket", "its index holds no position"))?);
        Ok::<_, StoreFault>(())
    })?;
    let mut entry = snapshot;
    for position in positions {
        let bytes = store.record(position)?.ok_or_else(|| {
            StoreFault::found("load a ticket", format!("position {position} is in the index, not in the log"))
        })?;
        let record = decode_record(&bytes).map_err(|e| {
            StoreFault::found("load a ticket", format!("position {position} does not read: {e}"))
        })?;
        let expected = StreamVersion::after(entry.as_ref().map(|e| e.version));
        let last_hash = entry.as_ref().map_or(Hash::ZERO, |e| e.last_hash);
        if record.version != expected || record.prev_hash != last_hash {
            return Err(StoreFault::found(
                "load a ticket",
                format!(
                    "position {position} holds version {} of ticket {id}, not {expected}, or its prev_hash is another",
                    record.version
                ),
            ));
        }
        entry = Some(Entry {
            ticket: evolve(entry.map(|e| e.ticket), &record.event, record.occurred_at),
            version: record.version,
            position,
            last_hash: Hash::of_record(&bytes),
        });
    }
    Ok(entry)
}

/// The stored form of a folded ticket.
pub(super) fn to_snapshot(entry: &Entry) -> Vec<u8> {
    let t = entry.ticket.clone();
    let last = t.last_resolution.as_ref();
    TicketSnapshot {
        fold_version: FOLD_VERSION,
        last_hash: entry.last_hash.to_wire(),
        position: entry.position.get(),
        version: entry.version.get(),
        number: t.number.0,
        state: t.state().to_wire(),
        hold_reason: t.hold_reason().to_wire(),
        tier: t.tier,
        urgency: t.urgency.to_wire(),
        impact: t.impact.to_wire(),
        priority: t.priority.to_wire(),
        stations: t.stations,
        resolution_no: last.map_or(0, |r| r.number),
        resolver: last.map(|r| r.by.clone()),
        resolved_at: last.map_or(0, |r| r.at.0),
        last_occurred_at: t.last_occurred_at.0,
        imported: t.import.is_some(),
        import_parts_done: t.import.map_or(0, |i| i.done),
        import_parts: t.import.map_or(0, |i| i.parts),
        custom_status: t.custom_status,
        group: t.group,
        assignee: t.assignee,
        category: t.category,
        tags: t.tags,
        fields: t.fields,
        requester: t.requester,
        state_since: t.state_since.0,
        answered: t.answered,
        facts: t.facts.into_iter().collect(),
    }
    .encode_to_vec()
}

/// Reads a snapshot; one of another fold, or one that we cannot read, counts as absent: the events are there.
fn from_snapshot(bytes: &[u8]) -> Option<Entry> {
    let s = TicketSnapshot::decode(bytes).ok().filter(|s| s.fold_version == FOLD_VERSION)?;
    let phase = match TicketState::from_wire(s.state).ok()? {
        TicketState::New => Phase::New,
        TicketState::Open => Phase::Open,
        TicketState::Pending => Phase::Pending,
        TicketState::Hold => Phase::Hold(Option::<HoldReason>::from_wire(s.hold_reason).ok()??),
        TicketState::Resolved => Phase::Resolved,
        TicketState::Closed => Phase::Closed,
        TicketState::Cancelled => Phase::Cancelled,
    };
    Some(Entry {
        ticket: Ticket {
            number: TicketNumber(s.number),
            phase,
            custom_status: s.custom_status,
            group: s.group,
            assignee: s.assignee,
            tier: s.tier,
            category: s.category,
            urgency: Option::from_wire(s.urgency).ok()?,
            impact: Option::from_wire(s.impact).ok()?,
            priority: guichet_schemas::words::Priority::from_wire(s.priority).ok()?,
            tags: s.tags,
            fields: s.fields,
            stations: s.stations,
            last_resolution: s.resolver.map(|by| LastResolution {
                number: s.resolution_no,
                by,
                at: Timestamp(s.resolved_at),
            }),
            last_occurred_at: Timestamp(s.last_occurred_at),
            requester: s.requester,
            state_since: Timestamp(s.state_since),
            answered: s.answered,
            facts: s.facts.into_iter().collect(),
            import: s.imported.then_some(ImportProgress { done: s.import_parts_done, parts: s.import_parts }),
        },
        version: StreamVersion::new(s.version)?,
        position: LogPosition::new(s.position)?,
        last_hash: Hash::from_slice(&s.last_hash)?,
    })
}
