//! A run of records, audited by one thread: everything that can be judged without the records before it.

use std::collections::BTreeMap;

use guichet_proof::tile::{TILE_BYTES, TILE_WIDTH, subtree};
use guichet_schemas::codec::Head;
use guichet_schemas::hash::Hash;

use crate::findings::{Check, Findings};
use crate::links::Links;

/// More missing records at one place than this are not bridged: the rest of the run cannot be judged.
const GAP_MAX: u64 = 1 << 20;

/// The knowledge about a run so far.
#[derive(Debug)]
pub struct Section {
    pub(crate) first: u64,
    pub(crate) next: u64,
    /// Roots of the full tiles of leaves.
    pub(crate) tiles: Vec<Hash>,
    /// Leaves of the tiles within which a root is asked for, by number of the tile; the last tile is among them.
    pub(crate) leaves: BTreeMap<u64, Vec<u8>>,
    pub(crate) links: Links,
    pub(crate) findings: Findings,
    /// Epoch and time of the first and of the newest record.
    pub(crate) clock: Option<[(u64, i64); 2]>,
    open: Vec<u8>,
    wanted: Vec<u64>,
}

/// A tile of leaves that is full now.
pub struct Filled<'a> {
    /// Its number.
    pub index: u64,
    /// 256 hashes.
    pub hashes: &'a [u8],
}

impl Section {
    /// A run that begins with the first record of a tile: position 1, 257 and so on. The root is asked for at the
    /// `wanted` sizes.
    #[must_use]
    pub fn starting_at(first: u64, wanted: &[u64]) -> Self {
        debug_assert_eq!((first - 1) % TILE_WIDTH, 0, "a run begins with a tile");
        Self {
            first,
            next: first,
            tiles: Vec::new(),
            leaves: BTreeMap::new(),
            links: Links::default(),
            findings: Findings::default(),
            clock: None,
            open: Vec::with_capacity(TILE_BYTES),
            wanted: wanted.iter().map(|size| size.saturating_sub(1) / TILE_WIDTH).collect(),
        }
    }

    /// Judges the next record. False where no more of the run can be judged.
    pub fn take(
        &mut self,
        position: u64,
        record: &[u8],
        filled: &mut dyn FnMut(Filled<'_>, &mut Findings),
    ) -> bool {
        if position < self.next {
            return true;
        }
        if position > self.next {
            let what = format!("positions {} to {} are missing", self.next, position - 1);
            self.findings.at(Check::Gaps, self.next, what);
            if position - self.next > GAP_MAX {
                return false;
            }
            // A place holder, so that the records behind it keep their places in the tree.
            (self.next..position).for_each(|_| self.leaf(Hash::ZERO, filled));
        }
        let hash = Hash::of_record(record);
        match Head::read(record) {
            Some(head) => self.judge(position, &head, hash),
            None => self.findings.at(Check::Form, position, "the bytes are no record of ours".to_owned()),
        }
        self.leaf(hash, filled);
        true
    }

    /// The source could not be read any further.
    pub fn unreadable(&mut self, problem: &str) {
        self.findings.at(Check::Gaps, self.next, format!("cannot be read: {problem}"));
    }

    /// Where the next record belongs.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// The run is over: nothing is added to it any more.
    #[must_use]
    pub fn ended(mut self) -> Self {
        if !self.open.is_empty() {
            let index = (self.next - 1) / TILE_WIDTH;
            self.leaves.insert(index, std::mem::take(&mut self.open));
        }
        self
    }

    fn judge(&mut self, position: u64, head: &Head<'_>, hash: Hash) {
        if head.position != position {
            return self.findings.at(
                Check::Form,
                position,
                format!("the record says position {}", head.position),
            );
        }
        let now = (head.epoch, head.recorded_at);
        if let Some([_, before]) = self.clock {
            check_clock(position, before, now, &mut self.findings);
        }
        self.clock = Some([self.clock.map_or(now, |[first, _]| first), now]);
        self.links.add(head, hash, &mut self.findings);
    }

    fn leaf(&mut self, hash: Hash, filled: &mut dyn FnMut(Filled<'_>, &mut Findings)) {
        self.open.extend_from_slice(&hash.0);
        self.next += 1;
        let Some(root) = subtree(&self.open) else { return };
        let index = (self.next - 2) / TILE_WIDTH;
        filled(Filled { index, hashes: &self.open }, &mut self.findings);
        self.tiles.push(root);
        if self.wanted.contains(&index) {
            self.leaves.insert(index, self.open.clone());
        }
        self.open.clear();
    }
}

/// Neither epoch nor time of the records ever goes back.
pub(crate) fn check_clock(position: u64, before: (u64, i64), now: (u64, i64), findings: &mut Findings) {
    if now.0 < before.0 {
        let what = format!("epoch {} after epoch {}: an engine that was replaced wrote on", now.0, before.0);
        findings.at(Check::Clock, position, what);
    }
    if now.1 < before.1 {
        findings.at(
            Check::Clock,
            position,
            format!("recorded {} ms before the record before it", before.1 - now.1),
        );
    }
}
