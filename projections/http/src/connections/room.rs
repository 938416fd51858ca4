//! The seats: who has one, and whose is taken when there are no more.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::seat::Seat;
use crate::bounds::Bounds;
use crate::meters::{self, Closed};
use crate::source::Source;

/// All connections.
#[derive(Debug)]
pub(crate) struct Room {
    bounds: Bounds,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    seats: BTreeMap<u64, Arc<Seat>>,
    /// Seats of each source, those apart that were asked to go.
    of_source: BTreeMap<Source, usize>,
    /// Seats, those apart that were asked to go.
    staying: usize,
    next: u64,
}

/// A seat as long as its connection lives.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Room>,
    id: u64,
    pub(super) seat: Arc<Seat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Too many in all, and each at work.
    Total,
    /// Too many of this source, and each at work.
    Source,
}

impl Full {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Source => "source",
        }
    }
}

impl Room {
    pub(crate) fn new(bounds: Bounds) -> Arc<Self> {
        meters::bounds(&bounds);
        Arc::new(Self { bounds, taken: Mutex::default() })
    }

    pub(super) const fn connections_max(&self) -> usize {
        self.bounds.connections
    }

    pub(super) fn proxies(&self) -> &[IpAddr] {
        &self.bounds.proxies
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for a newcomer, if need be that of the connection that has been of no use for longest: of the same
    /// source where that has its share, else of the source that has the most.
    ///
    /// # Errors
    /// All that count against the same bound are at work.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        let seat = Arc::new(Seat::new(peer));
        let source = seat.source;
        let mut taken = self.taken();
        let is_proxy = self.bounds.proxies.contains(&peer.to_canonical());
        let share = taken.of_source.get(&source).copied().unwrap_or(0);
        if !is_proxy && share >= self.bounds.connections_per_source && !taken.make_room(Some(source)) {
            return Err(Full::Source);
        }
        if taken.staying >= self.bounds.connections {
            let largest = taken.of_source.iter().max_by_key(|(_, n)| **n).map(|(source, _)| *source);
            if !taken.make_room(largest) && !taken.make_room(None) {
                return Err(Full::Total);
            }
        }
        let id = taken.next;
        taken.next += 1;
        taken.staying += 1;
        *taken.of_source.entry(source).or_default() += 1;
        taken.seats.insert(id, Arc::clone(&seat));
        meters::connections(taken.seats.len());
        Ok(Place { room: Arc::clone(self), id, seat })
    }

    /// Asks those to go that broke a deadline.
    pub(super) fn sweep(&self) {
        let mut taken = self.taken();
        let broken: Vec<_> =
            taken.seats.values().filter_map(|seat| Some((Arc::clone(seat), seat.broke()?))).collect();
        for (seat, why) in broken {
            taken.send_away(&seat, why);
        }
    }

    /// Asks the one to go that has been of no use for longest: the process has no descriptor left.
    pub(super) fn give_one_up(&self) {
        self.taken().make_room(None);
    }
}

impl Taken {
    /// `false`: there is none that is of no use.
    fn make_room(&mut self, of: Option<Source>) -> bool {
        let staying = self.seats.values().filter(|seat| !seat.is_leaving.load(Relaxed));
        let those = staying.filter(|seat| of.is_none_or(|source| seat.source == source));
        let unused = those.filter_map(|seat| Some((seat.unused_since()?, seat)));
        let longest = unused.min_by_key(|(since, _)| *since).map(|(_, seat)| Arc::clone(seat));
        longest.is_some_and(|seat| self.send_away(&seat, Closed::Evicted))
    }

    fn send_away(&mut self, seat: &Seat, why: Closed) -> bool {
        let first = seat.send_away();
        if first {
            meters::closed(why);
            self.leave(seat.source);
        }
        first
    }

    /// One less that stays.
    fn leave(&mut self, source: Source) {
        self.staying = self.staying.saturating_sub(1);
        if let Some(n) = self.of_source.get_mut(&source) {
            *n = n.saturating_sub(1);
            if *n == 0 {
                self.of_source.remove(&source);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.seats.remove(&self.id);
        if !self.seat.is_leaving.load(Relaxed) {
            taken.leave(self.seat.source);
        }
        meters::connections(taken.seats.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(connections: usize, per_source: usize) -> Arc<Room> {
        let proxies = vec![IpAddr::from([10, 0, 0, 9])];
        let bounds = Bounds { connections_per_source: per_source, proxies, ..Bounds::within(connections) };
        Room::new(bounds)
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn whoever_waits_longest_makes_room_and_whoever_works_stays() {
        let room = room(8, 2);
        let works = room.take(address(1)).unwrap();
        let _request = works.seat.begin();
        let waits = room.take(address(1)).unwrap();
        let newcomer = room.take(address(1)).unwrap();
        assert!(waits.seat.is_leaving.load(Relaxed) && !works.seat.is_leaving.load(Relaxed));
        let _second = newcomer.seat.begin();
        assert_eq!(room.take(address(1)).unwrap_err(), Full::Source);
        assert!(room.take(address(2)).is_ok(), "others are not concerned");
        drop(works);
        assert!(room.take(address(1)).is_ok(), "a connection that ended gave its seat back");
    }

    #[test]
    fn in_a_full_room_the_largest_source_gives_way() {
        let room = room(4, 3);
        let polite = room.take(address(1)).unwrap();
        let many: Vec<_> = (0..3).map(|_| room.take(address(2)).unwrap()).collect();
        let newcomer = room.take(address(3)).unwrap();
        assert!(!polite.seat.is_leaving.load(Relaxed), "the one that waited longer, but alone");
        assert_eq!(many.iter().filter(|place| place.seat.is_leaving.load(Relaxed)).count(), 1);
        let everybody = many.iter().chain([&polite, &newcomer]).map(|place| place.seat.begin());
        let _at_work: Vec<_> = everybody.collect();
        assert_eq!(room.take(address(4)).unwrap_err(), Full::Total);
    }

    #[test]
    fn a_proxy_has_no_share_of_its_own() {
        let room = room(8, 2);
        let places: Vec<_> = (0..6).map(|_| room.take(address(9)).unwrap()).collect();
        assert!(places.iter().all(|place| !place.seat.is_leaving.load(Relaxed)));
    }
}
