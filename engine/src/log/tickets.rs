//! Folded tickets: from the cache, else from a snapshot and the events after it.

use guichet_rules::{FOLD_VERSION, Ticket, evolve};
use guichet_schemas::codec::decode_record;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TicketId;
use guichet_schemas::position::{LogPosition, StreamVersion};
use serde::{Deserialize, Serialize};

use super::disk::Disk;
use super::shelf::Folded;
use super::{Store, StoreFault, keys};

/// A ticket and where its stream ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) ticket: Ticket,
    pub(super) version: StreamVersion,
    pub(super) position: LogPosition,
    pub(super) last_hash: Hash,
}

impl Folded for Entry {
    fn position(&self) -> Option<LogPosition> {
        Some(self.position)
    }

    // Roughly, and never much less.
    fn weight(&self) -> usize {
        /// Of a text beside its letters: three words, and what the allocator keeps.
        const TEXT: usize = 40;
        /// The entry, its key and its node in the cache.
        const FRAME: usize = size_of::<Entry>() + 256;
        /// The name of a fact, with its node.
        const FACT: usize = 96;
        /// A tie to another ticket, with its share of a node.
        const LINK: usize = 48;
        let t = &self.ticket;
        let texts = [&t.custom_status, &t.group, &t.assignee, &t.category].into_iter().flatten();
        let resolver = t.last_resolution.as_ref().map(|resolution| &resolution.by);
        let texts = texts.chain(&t.tags).chain(resolver).chain([&t.requester]);
        let texts = texts.chain(t.fields.keys()).chain(&t.restricted_to);
        let texts = texts.chain(t.proposal.as_ref().map(|proposal| &proposal.by));
        let values: usize = t.fields.values().map(|value| value.weight() + TEXT).sum();
        values
            + texts.map(|text| text.len() + TEXT).sum::<usize>()
            + t.facts.len() * FACT
            + t.links.len() * LINK
            + t.said.versions.len() * size_of::<u64>()
            + t.elsewhere.bytes()
            + (t.elsewhere.externals.len() + t.elsewhere.assets.len()) * 4 * TEXT
            + FRAME
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

/// The stored form of a folded ticket: the version of the fold, and the entry.
pub(super) fn to_snapshot(entry: &Entry) -> Vec<u8> {
    postcard::to_extend(entry, FOLD_VERSION.to_be_bytes().to_vec()).expect("a vector grows")
}

/// Reads a snapshot; one of another fold, or one that we cannot read, counts as absent: the events are there.
fn from_snapshot(bytes: &[u8]) -> Option<Entry> {
    let (fold_version, entry) = bytes.split_first_chunk()?;
    if u32::from_be_bytes(*fold_version) != FOLD_VERSION {
        return None;
    }
    let (entry, rest) = postcard::take_from_bytes(entry).ok()?;
    rest.is_empty().then_some(entry)
}

#[cfg(test)]
mod tests;
