//! Tiles: 256 hashes of one level of the tree, the unit in which it is stored and asked for.

use guichet_schemas::hash::Hash;
use tlog_tiles::Tile;

/// Levels of the tree that one tile spans.
pub const TILE_HEIGHT: u8 = 8;
/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;
pub const HASH_BYTES: usize = 32;
/// Bytes of a full tile.
pub const TILE_BYTES: usize = TILE_WIDTH as usize * HASH_BYTES;

/// Which tile, and how many of its hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// Height in tiles; 0: its hashes are leaves.
    pub level: u8,
    /// Number within the level, from 0.
    pub index: u64,
    /// Hashes, 1 to 256.
    pub width: u32,
}

impl TileId {
    /// The tile that holds a stored hash of the tree, as wide as it must be for that.
    pub(crate) fn holding(stored_hash: u64) -> Self {
        Self::of(Tile::from_index(TILE_HEIGHT, stored_hash))
    }

    /// The tile that holds a stored hash, as wide as it is in a tree of `size` leaves: the form in which static
    /// folders keep it.
    pub(crate) fn in_tree(stored_hash: u64, size: u64) -> Self {
        let least = Tile::from_index(TILE_HEIGHT, stored_hash);
        Self::of(least.parent(0, size).unwrap_or(least))
    }

    fn of(tile: Tile) -> Self {
        Self { level: tile.level(), index: tile.level_index(), width: tile.width() }
    }

    /// Bytes of its hashes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.width as usize * HASH_BYTES
    }

    /// Position of the first record below it, less one.
    #[must_use]
    pub const fn first_leaf(self) -> u64 {
        self.index << (TILE_HEIGHT as u32 * (self.level as u32 + 1))
    }

    /// The tiles that a tree of `size` leaves has and one of `before` leaves has not, partial ones included.
    #[must_use]
    pub fn new_in(before: u64, size: u64) -> Vec<Self> {
        Tile::new_tiles(TILE_HEIGHT, before, size).into_iter().map(Self::of).collect()
    }

    /// Its path below `tile/` in a static folder: `<level>/<number>`, `.p/<width>` when it is not full.
    #[must_use]
    pub fn path(self) -> String {
        path(&self.level.to_string(), self.index, self.width)
    }

    /// The path below `tile/` of the bundle with the records of a level-0 tile.
    #[must_use]
    pub fn entries_path(self) -> String {
        path("entries", self.index, self.width)
    }
}

/// C2SP tlog-tiles: three digits a folder, all but the last behind an `x`.
fn path(level: &str, index: u64, width: u32) -> String {
    let mut number = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        number = format!("x{:03}/{number}", rest % 1000);
        rest /= 1000;
    }
    let partial = if u64::from(width) == TILE_WIDTH { String::new() } else { format!(".p/{width}") };
    format!("{level}/{number}{partial}")
}

/// Where tiles come from: a database, a folder, what somebody sent. Nothing that comes from it is believed before a
/// proof made of it was checked against a root.
pub trait TileSource {
    type Error;

    /// The first `width` hashes of a tile; none where it is not there so wide.
    ///
    /// # Errors
    /// Those of the source.
    fn read(&self, tile: TileId) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// Root of the hashes of one full tile.
#[must_use]
pub fn subtree(hashes: &[u8]) -> Option<Hash> {
    (hashes.len() == TILE_BYTES).then(|| Hash(Tile::subtree_hash(hashes).0))
}

/// A stored hash of the tree, made of the tile that holds it.
pub(crate) fn hash_in(
    tile: TileId,
    hashes: &[u8],
    stored_hash: u64,
) -> Result<tlog_tiles::Hash, tlog_tiles::Error> {
    if !(1..=TILE_WIDTH).contains(&u64::from(tile.width)) || tile.level >= 64 {
        return Err(tlog_tiles::Error::InvalidTile);
    }
    Tile::new(TILE_HEIGHT, tile.level, tile.index, tile.width, false).hash_at_index(hashes, stored_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_c2sp() {
        let tile = |level, index, width| TileId { level, index, width };
        assert_eq!(tile(0, 0, 256).path(), "0/000");
        assert_eq!(tile(1, 1_234_067, 256).path(), "1/x001/x234/067");
        assert_eq!(tile(0, 5, 12).path(), "0/005.p/12");
        assert_eq!(tile(0, 1000, 256).entries_path(), "entries/x001/000");
    }
}
