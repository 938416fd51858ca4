//! Folded tickets in memory: as many as a number of bytes holds, the least used go first.
//!
//! What is under way stays, whatever it takes: its last events stand nowhere else yet, so nobody could fold it again.

use guichet_schemas::position::LogPosition;
use lru::LruCache;

use super::TicketKey;
use crate::log::tickets::Entry;

/// Bytes of tickets that are on disk.
const BYTES_MAX: usize = 64 << 20;

pub(super) struct Shelf {
    tickets: LruCache<TicketKey, (Entry, usize)>,
    bytes: usize,
    most: usize,
    /// So far the log can be read from the database.
    on_disk: LogPosition,
}

impl Shelf {
    /// An empty one; the log can be read up to here.
    pub(super) fn new(on_disk: LogPosition) -> Self {
        Self { tickets: LruCache::unbounded(), bytes: 0, most: BYTES_MAX, on_disk }
    }

    /// Takes a ticket out; whoever takes it puts it back.
    pub(super) fn take(&mut self, key: &TicketKey) -> Option<Entry> {
        let (entry, weight) = self.tickets.pop(key)?;
        self.bytes = self.bytes.saturating_sub(weight);
        Some(entry)
    }

    /// Keeps a ticket.
    pub(super) fn put(&mut self, key: TicketKey, entry: Entry) {
        let weight = entry.weight();
        self.bytes = self.bytes.saturating_add(weight);
        if let Some((_, before)) = self.tickets.put(key, (entry, weight)) {
            self.bytes = self.bytes.saturating_sub(before);
        }
        self.fit();
    }

    /// The log can be read up to here now.
    pub(super) fn reached(&mut self, on_disk: LogPosition) {
        self.on_disk = self.on_disk.max(on_disk);
        self.fit();
    }

    fn fit(&mut self) {
        while self.bytes > self.most {
            // What was used longest ago is under way: then everything else is.
            let Some((_, (oldest, _))) = self.tickets.peek_lru() else { break };
            if oldest.position > self.on_disk {
                break;
            }
            if let Some((_, (_, weight))) = self.tickets.pop_lru() {
                self.bytes = self.bytes.saturating_sub(weight);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use guichet_rules::evolve;
    use guichet_schemas::event::{Event, TagsChanged};
    use guichet_schemas::hash::Hash;
    use guichet_schemas::ids::{TenantId, TicketId};
    use guichet_schemas::position::StreamVersion;
    use guichet_schemas::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn key(n: u128) -> TicketKey {
        (TenantId::default_tenant(), TicketId(Uuid::from_u128(n)))
    }

    /// A ticket with so many tags of a kilobyte, whose last event stands at a position.
    fn entry(tags: usize, position: u64) -> Entry {
        let added = (0..tags).map(|n| format!("{n}{}", "x".repeat(1024))).collect();
        let event = Event::from(TagsChanged { added, removed: Vec::new() });
        Entry {
            ticket: evolve(None, &event, Timestamp(0)),
            version: StreamVersion::FIRST,
            position: LogPosition::new(position).unwrap(),
            last_hash: Hash::ZERO,
        }
    }

    #[test]
    fn as_many_tickets_stay_as_there_is_room_for_and_the_least_used_go() {
        let mut shelf = Shelf { most: 1 << 20, ..Shelf::new(LogPosition::FIRST) };
        shelf.put(key(0), entry(100, 1));
        for n in 1..200 {
            let used = shelf.take(&key(0)).expect("what is used stays");
            shelf.put(key(0), used);
            shelf.put(key(n), entry(100, 1));
            assert!(shelf.bytes <= 1 << 20, "{} bytes", shelf.bytes);
        }
        assert!(shelf.take(&key(1)).is_none() && shelf.take(&key(199)).is_some());
        assert!(shelf.tickets.len() < 11);
    }

    #[test]
    fn what_is_under_way_stays_until_it_is_on_disk() {
        let mut shelf = Shelf { most: 1 << 20, ..Shelf::new(LogPosition::FIRST) };
        for n in 1..30 {
            shelf.put(key(n), entry(100, 5));
        }
        assert_eq!(shelf.tickets.len(), 29, "nobody could fold one of these again");
        shelf.reached(LogPosition::new(5).unwrap());
        assert!(shelf.bytes <= 1 << 20 && shelf.tickets.len() < 11);
        while let Some((key, _)) = shelf.tickets.peek_lru().map(|(key, _)| (key.clone(), ())) {
            shelf.take(&key);
        }
        assert_eq!(shelf.bytes, 0);
    }
}
