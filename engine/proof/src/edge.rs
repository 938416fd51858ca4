//! The right edge of the tree: the tiles that are not full yet. It takes leaves, and hands out every full tile once.

use guichet_schemas::hash::Hash;
use tlog_tiles::{HashReader, Tile};

use crate::tile::{HASH_BYTES, TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, TileId, hash_in};

/// A tile of 256 hashes: it never changes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullTile {
    /// Height in tiles; 0: its hashes are leaves.
    pub level: u8,
    /// Number within the level, from 0.
    pub index: u64,
    /// 256 hashes of 32 bytes.
    pub hashes: Vec<u8>,
}

/// The tiles of a tree that are not full, one for each level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    /// Of each level the hashes of its last tile; never as many as make it full.
    partial: Vec<Vec<u8>>,
}

impl Edge {
    /// The edge of the empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The edge of a tree of `leaves` leaves, of which the hashes of every level's last tile are asked for; `None`
    /// where an answer has not the length that such a tree has there.
    ///
    /// # Errors
    /// Those of the answers.
    pub fn resume<E>(
        leaves: u64,
        mut last_tile: impl FnMut(TileId) -> Result<Vec<u8>, E>,
    ) -> Result<Option<Self>, E> {
        let mut partial = Vec::new();
        let mut hashes = leaves;
        while hashes > 0 {
            let level = u8::try_from(partial.len()).expect("a tree of 2^64 leaves has eight levels of tiles");
            let width = hashes % TILE_WIDTH;
            let tile = TileId { level, index: hashes / TILE_WIDTH, width: width_of(width) };
            let bytes = if width == 0 { Vec::new() } else { last_tile(tile)? };
            if bytes.len() as u64 != width * HASH_BYTES as u64 {
                return Ok(None);
            }
            partial.push(bytes);
            hashes /= TILE_WIDTH;
        }
        Ok(Some(Self { size: leaves, partial }))
    }

    /// Leaves in the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds the leaf of the next record. Tiles that this fills are pushed to `full`, lower levels first.
    pub fn append(&mut self, leaf: Hash, full: &mut Vec<FullTile>) {
        let (mut hash, mut index) = (leaf.0, self.size / TILE_WIDTH);
        for level in 0.. {
            if self.partial.len() == level {
                self.partial.push(Vec::with_capacity(TILE_BYTES));
            }
            let tile = &mut self.partial[level];
            tile.extend_from_slice(&hash);
            if tile.len() < TILE_BYTES {
                break;
            }
            let hashes = std::mem::replace(tile, Vec::with_capacity(TILE_BYTES));
            hash = Tile::subtree_hash(&hashes).0;
            full.push(FullTile { level: u8::try_from(level).expect("at most eight levels"), index, hashes });
            index /= TILE_WIDTH;
        }
        self.size += 1;
    }

    /// Root of the tree as it is: RFC 6962 §2.1.
    #[must_use]
    pub fn root(&self) -> Hash {
        let root = tlog_tiles::tree_hash(self.size, self);
        Hash(root.expect("the hashes that a root is made of stand in the last tile of their level").0)
    }

    /// The first hashes of a level's last tile; `None` where that tile has fewer, or another is asked for.
    #[must_use]
    pub fn tile(&self, tile: TileId) -> Option<&[u8]> {
        let last = (self.size >> (u32::from(TILE_HEIGHT) * u32::from(tile.level))) / TILE_WIDTH;
        let hashes = self.partial.get(usize::from(tile.level)).filter(|_| tile.index == last)?;
        hashes.get(..tile.bytes())
    }
}

impl HashReader for Edge {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let one = |index: &u64| {
            let tile = TileId::holding(*index);
            let hashes = self.tile(tile).ok_or(tlog_tiles::Error::IndexesNotInTree)?;
            hash_in(tile, hashes, *index)
        };
        indexes.iter().map(one).collect()
    }
}

/// A width that the type of tiles can say; an empty tile is never asked for.
fn width_of(hashes: u64) -> u32 {
    u32::try_from(hashes).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn leaf(n: u64) -> Hash {
        Hash::of_record(&n.to_be_bytes())
    }

    /// RFC 6962 §2.1, word for word.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash(tlog_tiles::EMPTY_HASH.0),
            [one] => *one,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                let (left, right) = (by_definition(&leaves[..k]), by_definition(&leaves[k..]));
                Hash(tlog_tiles::node_hash(tlog_tiles::Hash(left.0), tlog_tiles::Hash(right.0)).0)
            }
        }
    }

    #[test]
    fn the_root_is_the_one_of_rfc_6962() {
        let leaves: Vec<Hash> = (0..1100).map(leaf).collect();
        let (mut edge, mut full) = (Edge::new(), Vec::new());
        assert_eq!(edge.root(), by_definition(&[]));
        for n in 0..leaves.len() {
            edge.append(leaves[n], &mut full);
            if n < 20 || n % 61 == 0 || n % 256 < 2 || n % 256 == 255 {
                assert_eq!(edge.root(), by_definition(&leaves[..=n]), "of {} leaves", n + 1);
            }
        }
        assert_eq!(full.len(), 4);
    }

    #[test]
    fn full_tiles_come_once_and_in_order() {
        let (mut edge, mut full) = (Edge::new(), Vec::new());
        for n in 0..65_536 + 300 {
            edge.append(leaf(n), &mut full);
        }
        let level = |level| full.iter().filter(|t| t.level == level).map(|t| t.index).collect::<Vec<_>>();
        assert_eq!(level(0), (0..257).collect::<Vec<_>>());
        assert_eq!(level(1), vec![0]);
        assert!(full.iter().all(|t| t.hashes.len() == TILE_BYTES));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn an_edge_that_is_resumed_grows_like_one_that_never_stopped(stop in 0u64..70_000, more in 0u64..600) {
            let (mut edge, mut full) = (Edge::new(), Vec::new());
            for n in 0..stop {
                edge.append(leaf(n), &mut full);
            }
            let tiles: HashMap<_, _> = full.iter().map(|t| ((t.level, t.index), t.hashes.clone())).collect();
            let last_tile = |tile: TileId| {
                if tile.level == 0 {
                    return Ok((stop - u64::from(tile.width)..stop).flat_map(|n| leaf(n).0).collect());
                }
                let below = (tile.index * TILE_WIDTH..).take(tile.width as usize);
                Ok::<_, ()>(below.flat_map(|i| Tile::subtree_hash(&tiles[&(tile.level - 1, i)]).0).collect())
            };
            let mut resumed = Edge::resume(stop, last_tile).unwrap().unwrap();
            prop_assert_eq!(resumed.root(), edge.root());
            for n in stop..stop + more {
                edge.append(leaf(n), &mut full);
                resumed.append(leaf(n), &mut Vec::new());
            }
            prop_assert_eq!(resumed.root(), edge.root());
        }
    }
}
