//! A bounded number of places for those who wait, by count and by bytes, of which nobody has all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{counter, gauge};

#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Their name in the metrics.
    pub of: &'static str,
    /// All of them.
    pub all: usize,
    /// Those that one asker may have.
    pub each: usize,
    /// Those beyond `all` that are kept for askers who have fewer than [`FEW`]; these may hold twice the bytes, too.
    pub kept: usize,
    /// Bytes that all together hold.
    pub bytes: usize,
}

/// An asker with fewer places than this finds one although all are taken.
pub const FEW: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// That of all together.
    All,
    /// That of one asker.
    Each,
    Bytes,
}

impl Full {
    /// As metrics and messages name it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Each => "each",
            Self::Bytes => "bytes",
        }
    }
}

/// Places. Clones share them.
#[derive(Debug, Clone)]
pub struct Places {
    room: Room,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    bytes: usize,
    each: BTreeMap<Arc<str>, usize>,
}

/// A place, until it is dropped.
#[derive(Debug)]
#[must_use = "the place is free again as soon as this is dropped"]
pub struct Place {
    places: Places,
    who: Arc<str>,
    bytes: usize,
}

impl Places {
    /// All places free.
    #[must_use]
    pub fn new(room: Room) -> Self {
        let places = Self { room, state: Arc::default() };
        places.show(&places.state());
        places
    }

    /// Takes a place, for a request of so many bytes.
    ///
    /// # Errors
    /// There is none, and what is full. It is counted.
    pub fn take(&self, who: &str, bytes: usize) -> Result<Place, Full> {
        let mut state = self.state();
        let mine = state.each.get(who).copied().unwrap_or(0);
        // Who has few is let in although others have filled the room.
        let (kept, most) = match mine < FEW {
            true => (self.room.all.saturating_add(self.room.kept), self.room.bytes.saturating_mul(2)),
            false => (self.room.all, self.room.bytes),
        };
        let full = if mine >= self.room.each {
            Some(Full::Each)
        } else if state.taken >= kept {
            Some(Full::All)
        } else if state.taken > 0 && state.bytes.saturating_add(bytes) > most {
            Some(Full::Bytes)
        } else {
            None
        };
        if let Some(full) = full {
            counter!("guichet_requests_refused_total", "of" => self.room.of, "bound" => full.word())
                .increment(1);
            return Err(full);
        }
        let who = Arc::<str>::from(who);
        state.taken = state.taken.saturating_add(1);
        state.bytes = state.bytes.saturating_add(bytes);
        state.each.insert(Arc::clone(&who), mine.saturating_add(1));
        self.show(&state);
        Ok(Place { places: self.clone(), who, bytes })
    }

    fn show(&self, state: &State) {
        gauge!("guichet_requests_held", "of" => self.room.of).set(state.taken as f64);
        gauge!("guichet_requests_held_bytes", "of" => self.room.of).set(state.bytes as f64);
        gauge!("guichet_requests_limit", "of" => self.room.of).set(self.room.all as f64);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.state();
        state.taken = state.taken.saturating_sub(1);
        state.bytes = state.bytes.saturating_sub(self.bytes);
        match state.each.get_mut(&self.who) {
            Some(mine) if *mine > 1 => *mine = mine.saturating_sub(1),
            Some(_) | None => {
                state.each.remove(&self.who);
            }
        }
        self.places.show(&state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(all: usize, each: usize, kept: usize, bytes: usize) -> Places {
        Places::new(Room { of: "test", all, each, kept, bytes })
    }

    #[test]
    fn who_has_few_finds_a_place_although_all_are_taken() {
        let places = places(6, 5, 3, 1_000);
        let greedy: Vec<_> = (0..5).map(|_| places.take("greedy", 1).unwrap()).collect();
        assert_eq!(places.take("greedy", 1).unwrap_err(), Full::Each);
        let others: Vec<_> = (0..4).map(|_| places.take("other", 1).unwrap()).collect();
        assert_eq!(others.len(), FEW);
        assert_eq!(places.take("other", 1).unwrap_err(), Full::All, "it has as many as are few");
        drop((greedy, others));
        assert!(places.state().each.is_empty() && places.state().taken == 0 && places.state().bytes == 0);
    }

    #[test]
    fn bytes_are_bounded_and_a_large_one_is_taken_alone() {
        let places = places(10, 10, 0, 100);
        let large = places.take("a", 500).unwrap();
        assert_eq!(places.take("b", 1).unwrap_err(), Full::Bytes);
        drop(large);
        let _greedy: Vec<_> = (0..FEW).map(|_| places.take("a", 25).unwrap()).collect();
        assert_eq!(places.take("a", 1).unwrap_err(), Full::Bytes);
        let _polite = places.take("b", 50).expect("who has few is let in");
    }
}
