//! The Merkle tree in the database: full tiles only. What is behind the last full one is folded from the records at
//! every start, and all of it can be made again from the log.

use std::sync::Arc;

use guichet_crash::{CrashPoint, crash_point};
use guichet_proof::prove::{self, ProveError};
use guichet_proof::tile::{TILE_BYTES, TILE_WIDTH, subtree};
use guichet_proof::{Edge, FullTile, TileId, TileSource};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;
use tokio::sync::watch;

use super::disk::Disk;
use super::store::Db;
use super::{Store, StoreFault, keys};
use crate::notary::Notarised;

/// Tiles written at once while the tree is made again.
const BATCH_TILES: usize = 512;

/// Folds the tree up to the newest record: from the stored tiles and the records behind them. Tiles that a crash took
/// are written again; where one is missing among others, all are.
///
/// # Errors
/// The disk, damage, or tiles that reach further than the log.
pub fn open<D: Disk>(store: &Store<D>, last: Option<LogPosition>) -> Result<Edge, StoreFault> {
    let stored = full_tiles(store, 0)? * TILE_WIDTH;
    if stored > LogPosition::or_zero(last) {
        return Err(StoreFault::found(
            "open the tree",
            format!(
                "the log ends at {}, but its tree reaches {stored}: records that were on disk are missing",
                LogPosition::or_zero(last)
            ),
        ));
    }
    let missing =
        |tile: TileId| StoreFault::found("open the tree", format!("a tile below {} is missing", tile.path()));
    let edge = Edge::resume(stored, |tile| {
        let below = (tile.index * TILE_WIDTH..).take(tile.width as usize);
        let mut hashes = Vec::with_capacity(TILE_BYTES);
        for index in below {
            let full = full_tile(store, tile.level - 1, index)?.ok_or_else(|| missing(tile))?;
            hashes.extend_from_slice(&subtree(&full).ok_or_else(|| missing(tile))?.0);
        }
        Ok::<_, StoreFault>(hashes)
    });
    match edge {
        Ok(Some(edge)) => extend(store, edge, last),
        Ok(None) => rebuild(store, last),
        Err(fault) => {
            tracing::warn!(%fault, "the tree is made again from the log");
            rebuild(store, last)
        }
    }
}

/// Makes the whole tree again from the log, over whatever is stored.
///
/// # Errors
/// The disk, damage, or a missing position.
pub fn rebuild<D: Disk>(store: &Store<D>, last: Option<LogPosition>) -> Result<Edge, StoreFault> {
    extend(store, Edge::new(), last)
}

/// Root of the first `size` records, from the stored tiles and the edge of a tree that is at least so large.
///
/// # Errors
/// The disk, damage, or a missing tile.
pub fn root_at<D: Disk>(store: &Store<D>, edge: &Edge, size: u64) -> Result<Hash, StoreFault> {
    if size == edge.size() {
        return Ok(edge.root());
    }
    prove::root_at(size, &Stored { store, edge }).map_err(|error| match error {
        ProveError::Source(fault) => fault,
        other @ (ProveError::Missing(_) | ProveError::NotInTree { .. } | ProveError::OtherRoot) => {
            StoreFault::found("read the tree", other)
        }
    })
}

/// Stores tiles that are full. Without a WAL: a crash takes only tiles that the next start writes again, and the
/// records that they stand on are on disk before them.
pub(crate) fn write<D: Disk>(store: &Store<D>, full: &mut Vec<FullTile>) -> Result<(), StoreFault> {
    if full.is_empty() {
        return Ok(());
    }
    let (mut batch, tree) = (D::Rows::default(), store.cf(keys::TREE));
    for tile in full.drain(..) {
        D::put(&mut batch, &tree, keys::tile(tile.level, tile.index), tile.hashes);
    }
    crash_point(CrashPoint::TilesBefore);
    store.write_derived(batch)?;
    crash_point(CrashPoint::TilesAfter);
    Ok(())
}

fn extend<D: Disk>(store: &Store<D>, mut edge: Edge, last: Option<LogPosition>) -> Result<Edge, StoreFault> {
    let Some(last) = last.filter(|last| last.get() > edge.size()) else { return Ok(edge) };
    let (mut full, mut fault) = (Vec::new(), None);
    let from = LogPosition::after(LogPosition::new(edge.size()));
    store.scan(from, |position, record| {
        edge.append(Hash::of_record(record), &mut full);
        if full.len() >= BATCH_TILES {
            fault = write(store, &mut full).err();
        }
        fault.is_none() && position < last
    })?;
    fault.map_or_else(|| write(store, &mut full), Err)?;
    Ok(edge)
}

/// How many tiles of a level are stored. They are written in order, so the last one tells.
fn full_tiles<D: Disk>(store: &Store<D>, level: u8) -> Result<u64, StoreFault> {
    let last = store.last_key_through(keys::TREE, &keys::tile(level, u64::MAX))?;
    let index = last.filter(|key| key[0] == level).and_then(|key| keys::number(&key[1..]));
    Ok(index.map_or(0, |index| index + 1))
}

fn full_tile<D: Disk>(store: &Store<D>, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreFault> {
    store.get(keys::TREE, &keys::tile(level, index))
}

/// Tiles of a tree: the full ones in the database, the others in its edge.
struct Stored<'a, D> {
    store: &'a Store<D>,
    edge: &'a Edge,
}

impl<D: Disk> TileSource for Stored<'_, D> {
    type Error = StoreFault;

    fn read(&self, tile: TileId) -> Result<Option<Vec<u8>>, StoreFault> {
        // The edge first: it is in memory. What it has not is full, and was stored before the edge moved on.
        if let Some(hashes) = self.edge.tile(tile) {
            return Ok(Some(hashes.to_vec()));
        }
        let full = full_tile(self.store, tile.level, tile.index)?;
        Ok(full.and_then(|hashes| hashes.get(..tile.bytes()).map(<[u8]>::to_vec)))
    }
}

/// Reads the tree beside its notary: the newest signed checkpoint, and the tiles below it.
#[derive(Debug, Clone)]
pub struct TreeReader {
    store: Arc<Store<Db>>,
    newest: watch::Receiver<Option<Arc<Notarised>>>,
}

impl TreeReader {
    pub(super) const fn new(store: Arc<Store<Db>>, newest: watch::Receiver<Option<Arc<Notarised>>>) -> Self {
        Self { store, newest }
    }

    /// The newest checkpoint whose anchor is on disk; none where nobody keeps the tree.
    #[must_use]
    pub fn newest(&self) -> Option<Arc<Notarised>> {
        self.newest.borrow().clone()
    }

    /// Changes with every checkpoint; ends with the notary.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Option<Arc<Notarised>>> {
        self.newest.clone()
    }
}

impl TileSource for TreeReader {
    type Error = StoreFault;

    fn read(&self, tile: TileId) -> Result<Option<Vec<u8>>, StoreFault> {
        match self.newest() {
            Some(newest) => Stored { store: &self.store, edge: newest.edge() }.read(tile),
            None => Ok(None),
        }
    }
}
