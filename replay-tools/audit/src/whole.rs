//! The log as a whole: its sections joined in order, the root of its tree, and what was claimed about it.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use guichet_proof::tile::{HASH_BYTES, TILE_WIDTH};
use guichet_proof::{Checkpoint, Edge, FullTile};
use guichet_schemas::hash::Hash;

use crate::findings::{Check, Findings};
use crate::links::Links;
use crate::section::{Filled, Section, check_clock};

/// Why a part of a log was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It is damaged: a finding like any other.
    #[error("{0}")]
    Damaged(Box<dyn Error + Send + Sync>),
    /// The system refused. That is no finding: nothing is known about what was not read.
    #[error("{0}; that says nothing about the records: remove the cause, and verify again")]
    Refused(Box<dyn Error + Send + Sync>),
}

/// A log that can be read from several places at once.
pub trait Source: Sync {
    /// Newest position; 0: none.
    fn head(&self) -> u64;

    /// Visits the records from `first` to `last` in order, gaps and all, until the visitor says stop.
    ///
    /// # Errors
    /// What the disk said.
    fn scan(&self, first: u64, last: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), Unread>;

    /// A full tile, as it is stored; none where the source keeps no tiles or has not this one.
    ///
    /// # Errors
    /// What the disk said.
    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, Unread>;
}

/// A claim about what the log was.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The claimant, for a sentence: "the anchor".
    pub who: String,
    pub checkpoint: Checkpoint,
}

/// A log that was read from end to end.
#[derive(Debug, Default)]
pub struct Whole {
    edge: Edge,
    links: Links,
    findings: Findings,
    clock: Option<(u64, i64)>,
    /// Roots at the sizes that claims are about.
    roots: BTreeMap<u64, Hash>,
}

/// Reads a whole log with `threads` threads, and compares it with what is claimed. `read` counts records.
///
/// # Errors
/// The system refused to read a part of it.
pub fn audit(source: &dyn Source, threads: u64, claims: &[Claim], read: &AtomicU64) -> Result<Whole, Unread> {
    let sizes: Vec<u64> = claims.iter().map(|claim| claim.checkpoint.size).collect();
    let runs = runs(source.head(), threads);
    let sections = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for (first, last) in runs {
            let (sections, sizes) = (&sections, &sizes);
            scope.spawn(move || {
                let section = audit_run(source, first, last, sizes, read);
                sections.lock().unwrap_or_else(PoisonError::into_inner).insert(first, section);
            });
        }
    });
    let mut whole = Whole::default();
    for section in sections.into_inner().unwrap_or_else(PoisonError::into_inner).into_values() {
        for tile in whole.join(section?, &sizes) {
            compare_tile(source, tile.level, tile.index, &tile.hashes, &mut whole.findings)?;
        }
    }
    claims.iter().for_each(|claim| whole.compare(claim));
    Ok(whole)
}

/// Runs of about the same length that begin with a tile.
fn runs(head: u64, threads: u64) -> Vec<(u64, u64)> {
    let tiles = head.div_ceil(TILE_WIDTH);
    let each = tiles.div_ceil(threads.max(1)).max(1) * TILE_WIDTH;
    (0..head.div_ceil(each)).map(|n| (n * each + 1, ((n + 1) * each).min(head))).collect()
}

fn audit_run(
    source: &dyn Source,
    first: u64,
    last: u64,
    sizes: &[u64],
    read: &AtomicU64,
) -> Result<Section, Unread> {
    let mut section = Section::starting_at(first, sizes);
    let mut refused = None;
    let mut compare = |tile: Filled<'_>, findings: &mut Findings| {
        read.fetch_add(TILE_WIDTH, Ordering::Relaxed);
        if let Err(why) = compare_tile(source, 0, tile.index, tile.hashes, findings) {
            refused.get_or_insert(why);
        }
    };
    let scanned =
        source.scan(first, last, &mut |position, record| section.take(position, record, &mut compare));
    if let Some(why) = refused {
        return Err(why);
    }
    match scanned {
        Ok(()) => {}
        Err(Unread::Damaged(why)) => section.unreadable(&why.to_string()),
        Err(why @ Unread::Refused(_)) => return Err(why),
    }
    Ok(section.ended())
}

/// The stored tile must be the one that the records give. A tile of leaves names the record that differs.
pub(crate) fn compare_tile(
    source: &dyn Source,
    level: u8,
    index: u64,
    hashes: &[u8],
    findings: &mut Findings,
) -> Result<(), Unread> {
    let stored = match source.tile(level, index) {
        Ok(Some(stored)) => stored,
        // Tiles follow from the log: those that are not written yet are no loss.
        Ok(None) => return Ok(()),
        Err(Unread::Damaged(why)) => {
            findings.of_all(Check::Tree, format!("tile {level}/{index} of the tree cannot be read: {why}"));
            return Ok(());
        }
        Err(why @ Unread::Refused(_)) => return Err(why),
    };
    if stored == hashes {
        return Ok(());
    }
    let first = index * TILE_WIDTH + 1;
    let differs = (0..TILE_WIDTH).find(|n| {
        let at = usize::try_from(*n).unwrap_or(0) * HASH_BYTES;
        stored.get(at..at + HASH_BYTES) != hashes.get(at..at + HASH_BYTES)
    });
    match (level, differs) {
        (0, Some(n)) => {
            findings.at(
                Check::Tree,
                first + n,
                "the record is not the one whose hash stands in the tree".to_owned(),
            );
        }
        _ => findings.of_all(
            Check::Tree,
            format!("tile {level}/{index} of the tree does not follow from the records"),
        ),
    }
    Ok(())
}

impl Whole {
    /// Adds the section behind what there is. Gives the tiles above the leaves that this filled.
    pub fn join(&mut self, section: Section, sizes: &[u64]) -> Vec<FullTile> {
        let mut full = Vec::new();
        if section.first != self.edge.size() + 1 {
            // What is before could not be read, which was said; nothing behind it has its place.
            self.findings.join(section.findings);
            return full;
        }
        self.findings.join(section.findings);
        if let Some([first, last]) = section.clock {
            if let Some(before) = self.clock {
                check_clock(section.first, before, first, &mut self.findings);
            }
            self.clock = Some(last);
        }
        self.links.join(section.links, &mut self.findings);
        let first_tile = (section.first - 1) / TILE_WIDTH;
        for (index, root) in (first_tile..).zip(section.tiles) {
            match section.leaves.get(&index) {
                Some(leaves) => self.leaves(leaves, sizes, &mut full),
                None => self.edge.append_tile(root, &mut full),
            }
        }
        if let Some((index, leaves)) = section.leaves.last_key_value()
            && index * TILE_WIDTH == self.edge.size()
        {
            self.leaves(leaves, sizes, &mut full);
        }
        full.retain(|tile| tile.level > 0);
        full
    }

    fn leaves(&mut self, leaves: &[u8], sizes: &[u64], full: &mut Vec<FullTile>) {
        for hash in leaves.chunks_exact(HASH_BYTES).filter_map(Hash::from_slice) {
            self.edge.append(hash, full);
            if sizes.contains(&self.edge.size()) {
                self.roots.insert(self.edge.size(), self.edge.root());
            }
        }
    }

    /// Compares the log with what somebody says it was.
    pub fn compare(&mut self, claim: &Claim) {
        let (size, log) = (claim.checkpoint.size, self.edge.size());
        let root = if size == 0 { Some(Edge::new().root()) } else { self.roots.get(&size).copied() };
        match root {
            _ if size > log => self.findings.of_all(Check::Tree, format!(
                "the log ends at {log}, but {} covers {size} records: positions {} to {size} are gone",
                claim.who,
                log + 1
            )),
            Some(root) if root == claim.checkpoint.root => {}
            Some(root) => self.findings.of_all(Check::Tree, format!(
                "the first {size} records have the root {root}, {} says {}: records were changed after they were signed, or it is another log",
                claim.who, claim.checkpoint.root
            )),
            None => self.findings.of_all(Check::Tree, format!("the root of the first {size} records could not be computed")),
        }
    }

    /// Something that was found elsewhere.
    pub fn findings(&mut self) -> &mut Findings {
        &mut self.findings
    }

    /// Records read.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.edge.size()
    }

    /// Streams of events, tickets above all.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.links.len()
    }

    /// Root of the tree over all that was read.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.root()
    }
}

#[cfg(test)]
#[path = "whole_tests.rs"]
mod tests;
