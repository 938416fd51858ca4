//! Folded tickets: from the cache, else from a snapshot and the events after it.

use guichet_rules::{FOLD_VERSION, Ticket, evolve};
use guichet_schemas::codec::decode_record;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TicketId;
use guichet_schemas::position::{LogPosition, StreamVersion};
use serde::{Deserialize, Serialize};

use super::disk::Disk;
use super::{Store, StoreFault, keys};

/// A ticket and where its stream ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use guichet_rules::{ImportProgress, LastResolution, Phase};
    use guichet_schemas::ids::TicketNumber;
    use guichet_schemas::time::Timestamp;
    use guichet_schemas::words::{HoldReason, Impact, Priority, Urgency};

    use super::*;

    fn entry() -> Entry {
        let text = |text: &str| Some(text.to_owned());
        Entry {
            ticket: Ticket {
                number: TicketNumber(7),
                phase: Phase::Hold(HoldReason::Vendor),
                custom_status: text("parts"),
                group: text("network"),
                assignee: text("a1"),
                tier: 2,
                category: text("hardware/router"),
                urgency: Some(Urgency::High),
                impact: Some(Impact::Low),
                priority: Priority::Normal,
                tags: vec!["fuse".to_owned(), "vip".to_owned()],
                fields: BTreeMap::from([("floor".to_owned(), 8)]),
                stations: 3,
                last_resolution: Some(LastResolution {
                    number: 1,
                    by: "a2".to_owned(),
                    at: Timestamp(1_700_000_000_000),
                }),
                last_occurred_at: Timestamp(1_700_000_001_000),
                requester: "r1".to_owned(),
                import: Some(ImportProgress { done: 1, parts: 2 }),
                state_since: Timestamp(1_700_000_001_000),
                answered: true,
                facts: BTreeSet::from(["breach/resolution/1".to_owned()]),
            },
            version: StreamVersion::new(100).unwrap(),
            position: LogPosition::new(4711).unwrap(),
            last_hash: Hash::of_record(b"a record"),
        }
    }

    #[test]
    fn a_snapshot_reads_as_it_was_written() {
        let read = from_snapshot(&to_snapshot(&entry())).unwrap();
        assert_eq!(read.ticket, entry().ticket);
        let place = |e: &Entry| (e.version, e.position, e.last_hash);
        assert_eq!(place(&read), place(&entry()));
    }

    #[test]
    fn a_snapshot_of_another_fold_or_a_damaged_one_counts_as_absent() {
        let bytes = to_snapshot(&entry());
        let mut older = bytes.clone();
        older[3] -= 1;
        assert!(from_snapshot(&older).is_none());
        assert!(from_snapshot(&[bytes.as_slice(), &[0]].concat()).is_none());
        for len in 0..bytes.len() {
            assert!(from_snapshot(&bytes[..len]).is_none(), "{len}");
        }
        // As it was once written, in protobuf.
        assert!(from_snapshot(&[0x08, 0x03, 0x12, 0x00]).is_none());
    }

    /// A row says no names of fields, so one of another form could be read as something else.
    #[test]
    fn another_form_of_the_row_is_another_fold() {
        let form = Hash::of_bytes(&to_snapshot(&entry())).to_string();
        let why = "the stored form of a ticket is another: raise FOLD_VERSION, and write both here";
        assert_eq!(
            (FOLD_VERSION, form.as_str()),
            (4, "6f10f7e8768b9a1abb81f4c63780ffa943cf151695ddae0b4e6ab9e6973905ab"),
            "{why}"
        );
    }
}
