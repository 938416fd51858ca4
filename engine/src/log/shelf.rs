//! What the decider has folded, in memory: as much as a number of bytes holds, the least used goes first.
//!
//! What is under way stays, whatever it takes: its last events stand nowhere else yet, so nobody could fold it again.

use std::hash::Hash as Hashed;

use guichet_schemas::position::LogPosition;
use lru::LruCache;

/// Something that was folded from the log and can be folded from it again.
pub(super) trait Folded {
    /// About how many bytes it takes.
    fn weight(&self) -> usize;
    /// Its last event; `None`: it has none.
    fn position(&self) -> Option<LogPosition>;
}

pub(super) struct Shelf<K: Hashed + Eq, V> {
    kept: LruCache<K, (V, usize)>,
    bytes: usize,
    most: usize,
    /// So far the log can be read from the database.
    on_disk: LogPosition,
}

impl<K: Hashed + Eq, V: Folded> Shelf<K, V> {
    /// An empty one for so many bytes; the log can be read up to here.
    pub(super) fn new(most: usize, on_disk: LogPosition) -> Self {
        Self { kept: LruCache::unbounded(), bytes: 0, most, on_disk }
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.kept.contains(key)
    }

    /// The value, marked as just used. Whoever changes its weight puts it in again.
    pub(super) fn get(&mut self, key: &K) -> Option<&V> {
        self.kept.get(key).map(|(value, _)| value)
    }

    /// Takes something out; whoever takes it puts it back.
    pub(super) fn take(&mut self, key: &K) -> Option<V> {
        let (value, weight) = self.kept.pop(key)?;
        self.bytes = self.bytes.saturating_sub(weight);
        Some(value)
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        let weight = value.weight();
        self.bytes = self.bytes.saturating_add(weight);
        if let Some((_, before)) = self.kept.put(key, (value, weight)) {
            self.bytes = self.bytes.saturating_sub(before);
        }
        self.fit();
    }

    /// The log can be read up to here now.
    pub(super) fn reached(&mut self, on_disk: LogPosition) {
        self.on_disk = self.on_disk.max(on_disk);
        self.fit();
    }

    /// The newest entry stays, however large it is: it is about to be looked at.
    fn fit(&mut self) {
        while self.bytes > self.most && self.kept.len() > 1 {
            // What was used longest ago is under way: then everything else is.
            let Some((_, (oldest, _))) = self.kept.peek_lru() else { break };
            if oldest.position().is_some_and(|last| last > self.on_disk) {
                break;
            }
            if let Some((_, (_, weight))) = self.kept.pop_lru() {
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
    use crate::log::tickets::Entry;

    type TicketKey = (TenantId, TicketId);

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
        let mut shelf = Shelf::new(1 << 20, LogPosition::FIRST);
        shelf.put(key(0), entry(100, 1));
        for n in 1..200 {
            let used = shelf.take(&key(0)).expect("what is used stays");
            shelf.put(key(0), used);
            shelf.put(key(n), entry(100, 1));
            assert!(shelf.bytes <= 1 << 20, "{} bytes", shelf.bytes);
        }
        assert!(shelf.take(&key(1)).is_none() && shelf.take(&key(199)).is_some());
        assert!(shelf.kept.len() < 11);
    }

    #[test]
    fn what_is_under_way_stays_until_it_is_on_disk() {
        let mut shelf = Shelf::new(1 << 20, LogPosition::FIRST);
        for n in 1..30 {
            shelf.put(key(n), entry(100, 5));
        }
        assert_eq!(shelf.kept.len(), 29, "nobody could fold one of these again");
        shelf.reached(LogPosition::new(5).unwrap());
        assert!(shelf.bytes <= 1 << 20 && shelf.kept.len() < 11);
        while let Some((key, _)) = shelf.kept.peek_lru().map(|(key, _)| (key.clone(), ())) {
            shelf.take(&key);
        }
        assert_eq!(shelf.bytes, 0);
    }
}
