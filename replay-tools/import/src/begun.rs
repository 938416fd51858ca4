//! Which tickets of a grouped export have begun, and where: one that comes back was torn. Memory stays the same whatever the
//! number of tickets: what does not fit goes to unnamed temporary files, sorted by the ticket, and a filter in memory spares
//! nearly every look at them.
//!
//! A ticket is known by 128 bits of a SHA-256: one that began is never missed, and nobody has two ids that share these bits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;

use guichet_schemas::hash::Hash;

use super::row::Place;

/// Tickets in memory; some 2 MiB.
const FRESH_MAX: usize = 32 * 1024;
/// Runs merged at once: their number grows with the logarithm of that of the tickets.
const FAN_IN: usize = 8;
/// Words of the filter: 8 MiB, which lets through one in a hundred of six million tickets without need.
const FILTER_WORDS: usize = 1024 * 1024;
/// Bits that a ticket sets in the filter, each found by as many bits of its own.
const FILTER_MARKS: u32 = 4;
const MARK_BITS: u32 = 26;
const ENTRY_BYTES: usize = 28;

/// A ticket, and where it begins.
type Entry = (u128, Place);

pub(super) struct Begun {
    fresh: BTreeMap<u128, Place>,
    fresh_max: usize,
    filter: Vec<u64>,
    runs: Vec<Run>,
}

/// Tickets on disk, sorted.
struct Run {
    /// How often it was merged.
    level: u32,
    file: File,
    entries: u64,
}

impl Begun {
    pub(super) const fn new() -> Self {
        Self::with(FRESH_MAX)
    }

    const fn with(fresh_max: usize) -> Self {
        Self { fresh: BTreeMap::new(), fresh_max, filter: Vec::new(), runs: Vec::new() }
    }

    /// A ticket begins. Where it began before, answers where that was, and keeps it.
    pub(super) fn insert(&mut self, ticket: &str, place: Place) -> io::Result<Option<Place>> {
        let key = key_of(ticket);
        if let Some(begun) = self.find(key)? {
            return Ok(Some(begun));
        }
        self.fresh.insert(key, place);
        if self.fresh.len() >= self.fresh_max {
            self.spill()?;
        }
        Ok(None)
    }

    fn find(&self, key: u128) -> io::Result<Option<Place>> {
        if let Some(begun) = self.fresh.get(&key) {
            return Ok(Some(*begun));
        }
        if !marks(key).all(|(word, bit)| self.filter.get(word).is_some_and(|bits| bits & bit > 0)) {
            return Ok(None);
        }
        for run in &self.runs {
            if let Some(begun) = run.find(key)? {
                return Ok(Some(begun));
            }
        }
        Ok(None)
    }

    fn spill(&mut self) -> io::Result<()> {
        self.filter.resize(FILTER_WORDS, 0);
        for key in self.fresh.keys() {
            for (word, bit) in marks(*key) {
                self.filter[word] |= bit;
            }
        }
        self.runs.push(Run::write(0, std::mem::take(&mut self.fresh).into_iter().map(Ok))?);
        while let Some(from) = self.runs.len().checked_sub(FAN_IN).filter(|from| self.is_level(*from)) {
            let runs = self.runs.split_off(from);
            let level = runs[0].level.saturating_add(1);
            self.runs.push(Run::write(level, Merge::new(runs)?)?);
        }
        Ok(())
    }

    /// Whether the runs from here on are of one size.
    fn is_level(&self, from: usize) -> bool {
        let mut levels = self.runs[from..].iter().map(|run| run.level);
        levels.next().is_none_or(|first| levels.all(|level| level == first))
    }
}

fn key_of(ticket: &str) -> u128 {
    let Hash(bytes) = Hash::of_record(ticket.as_bytes());
    bytes.iter().take(size_of::<u128>()).fold(0, |key, byte| key << 8 | u128::from(*byte))
}

/// The bits of the filter that a ticket sets: a word, and a bit in it.
fn marks(key: u128) -> impl Iterator<Item = (usize, u64)> {
    (0..FILTER_MARKS).map(move |n| {
        let mark = (key >> n.saturating_mul(MARK_BITS)) & ((1 << MARK_BITS) - 1);
        let word = usize::try_from(mark >> 6).unwrap_or(0);
        (word, 1 << (mark & 63))
    })
}

impl Run {
    fn write(level: u32, entries: impl Iterator<Item = io::Result<Entry>>) -> io::Result<Self> {
        let (mut out, mut count) = (BufWriter::new(tempfile::tempfile()?), 0_u64);
        for entry in entries {
            let (key, place) = entry?;
            out.write_all(&key.to_be_bytes())?;
            out.write_all(&place.piece.to_be_bytes())?;
            out.write_all(&place.line.to_be_bytes())?;
            count = count.saturating_add(1);
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Self { level, file, entries: count })
    }

    /// Where a ticket begins. The keys are spread evenly, so a ticket stands about where its share of what is left is.
    fn find(&self, key: u128) -> io::Result<Option<Place>> {
        let (mut low, mut high) = (0, self.entries);
        let (mut least, mut most) = (0, u128::MAX);
        while low < high {
            let share = key.saturating_sub(least) as f64 / most.saturating_sub(least).max(1) as f64;
            let left = high.saturating_sub(low);
            let place = low.saturating_add((left as f64 * share) as u64).min(high.saturating_sub(1));
            let mut entry = [0; ENTRY_BYTES];
            self.file.read_exact_at(&mut entry, place.saturating_mul(ENTRY_BYTES as u64))?;
            let (at, begun) = decode(entry);
            match at.cmp(&key) {
                std::cmp::Ordering::Equal => return Ok(Some(begun)),
                std::cmp::Ordering::Less => (low, least) = (place.saturating_add(1), at),
                std::cmp::Ordering::Greater => (high, most) = (place, at),
            }
        }
        Ok(None)
    }
}

fn decode(entry: [u8; ENTRY_BYTES]) -> Entry {
    let (mut key, mut piece, mut line) = ([0; 16], [0; 4], [0; 8]);
    key.copy_from_slice(&entry[..16]);
    piece.copy_from_slice(&entry[16..20]);
    line.copy_from_slice(&entry[20..]);
    (u128::from_be_bytes(key), Place { piece: u32::from_be_bytes(piece), line: u64::from_be_bytes(line) })
}

/// The tickets of several runs, in order.
struct Merge {
    files: Vec<BufReader<File>>,
    heads: BinaryHeap<Reverse<(Entry, usize)>>,
}

impl Merge {
    fn new(runs: Vec<Run>) -> io::Result<Self> {
        let mut merge = Self { files: Vec::with_capacity(runs.len()), heads: BinaryHeap::new() };
        for (index, mut run) in runs.into_iter().enumerate() {
            run.file.seek(SeekFrom::Start(0))?;
            merge.files.push(BufReader::with_capacity(64 * 1024, run.file));
            merge.advance(index)?;
        }
        Ok(merge)
    }

    fn advance(&mut self, index: usize) -> io::Result<()> {
        let mut entry = [0; ENTRY_BYTES];
        match self.files[index].read_exact(&mut entry) {
            Ok(()) => self.heads.push(Reverse((decode(entry), index))),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(e) => return Err(e),
        }
        Ok(())
    }
}

impl Iterator for Merge {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((entry, index)) = self.heads.pop()?;
        Some(self.advance(index).map(|()| entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_that_comes_back_is_found_wherever_it_went_and_no_other() {
        let mut begun = Begun::with(7);
        let at = |line| Place { piece: 3, line };
        for line in 1..=5_000_u64 {
            assert_eq!(begun.insert(&format!("INC{line}"), at(line)).unwrap(), None);
            assert!(begun.fresh.len() < 7);
        }
        // 714 runs of seven tickets, merged by eights: 1 · 512 + 3 · 64 + 1 · 8 + 2.
        assert_eq!(begun.runs.iter().map(|run| run.level).collect::<Vec<_>>(), [3, 2, 2, 2, 1, 0, 0]);
        for line in 1..=5_000_u64 {
            assert_eq!(begun.insert(&format!("INC{line}"), at(9)).unwrap(), Some(at(line)));
        }
        assert_eq!(begun.insert("INC0", at(9)).unwrap(), None);
    }

    #[test]
    fn the_filter_spares_looks_and_hides_nothing() {
        let mut begun = Begun::with(100);
        for line in 1..=1_000_u64 {
            begun.insert(&line.to_string(), Place { piece: 0, line }).unwrap();
        }
        // Without the runs, the filter alone would have to say that nothing is there.
        let passes = |ticket: &str| {
            marks(key_of(ticket)).all(|(word, bit)| begun.filter.get(word).is_some_and(|bits| bits & bit > 0))
        };
        assert!((1..=1_000).all(|ticket| passes(&ticket.to_string())));
        assert!((1_001..=11_000).filter(|ticket| passes(&ticket.to_string())).count() < 10);
    }
}
