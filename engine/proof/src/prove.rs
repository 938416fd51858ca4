//! Roots and proofs, made of tiles and checked against roots.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use guichet_schemas::hash::Hash;
use tlog_tiles::HashReader;

use crate::tile::{TileId, TileSource, hash_in};

/// The hashes beside the way from a leaf to the root, lowest first.
pub type Inclusion = Vec<Hash>;
/// The hashes that show that a tree begins with all leaves of an older one.
pub type Consistency = Vec<Hash>;

/// Why no root or proof could be made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError<E> {
    /// The tiles could not be read.
    #[error(transparent)]
    Source(E),
    /// A tile that the tree must have is not there.
    #[error("tile {} of the tree is missing", .0.path())]
    Missing(TileId),
    /// The leaf or the older tree that was asked for is not in the tree.
    #[error("leaf {index} is not in a tree of {size}")]
    NotInTree {
        /// The leaf, or the older size.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The tiles give another root.
    #[error("the tiles do not belong to this root: they were changed, or are those of another log")]
    OtherRoot,
}

/// Root of the first `size` leaves. The tiles are taken at their word.
///
/// # Errors
/// The tiles cannot be read, or one is missing.
pub fn root_at<S: TileSource>(size: u64, source: &S) -> Result<Hash, ProveError<S::Error>> {
    let reader = Reader::new(size, source);
    let root = tlog_tiles::tree_hash(size, &reader);
    reader.outcome(root).map(|root| Hash(root.0))
}

/// Proves that the tree of `size` leaves with this root has `leaf` at `index`.
///
/// # Errors
/// See [`ProveError`]; never a proof that does not hold.
pub fn inclusion<S: TileSource>(
    size: u64,
    root: Hash,
    index: u64,
    leaf: Hash,
    source: &S,
) -> Result<Inclusion, ProveError<S::Error>> {
    if index >= size {
        return Err(ProveError::NotInTree { index, size });
    }
    let reader = Reader::new(size, source);
    let proof: Inclusion = ours(reader.outcome(tlog_tiles::prove_record(size, index, &reader))?);
    if check_inclusion(&proof, size, root, index, leaf) { Ok(proof) } else { Err(ProveError::OtherRoot) }
}

/// Proves that the tree of `size` leaves with this root begins with the `older` leaves under `older_root`.
///
/// # Errors
/// See [`ProveError`]; never a proof that does not hold.
pub fn consistency<S: TileSource>(
    size: u64,
    root: Hash,
    older: u64,
    older_root: Hash,
    source: &S,
) -> Result<Consistency, ProveError<S::Error>> {
    if !(1..=size).contains(&older) {
        return Err(ProveError::NotInTree { index: older, size });
    }
    let reader = Reader::new(size, source);
    let proof: Consistency = ours(reader.outcome(tlog_tiles::prove_tree(size, older, &reader))?);
    if check_consistency(&proof, size, root, older, older_root) {
        Ok(proof)
    } else {
        Err(ProveError::OtherRoot)
    }
}

/// True where the proof shows `leaf` at `index` of the tree.
#[must_use]
pub fn check_inclusion(proof: &[Hash], size: u64, root: Hash, index: u64, leaf: Hash) -> bool {
    index < size && tlog_tiles::check_record(&theirs(proof), size, their(root), index, their(leaf)).is_ok()
}

/// True where the proof shows that the tree begins with the older one.
#[must_use]
pub fn check_consistency(proof: &[Hash], size: u64, root: Hash, older: u64, older_root: Hash) -> bool {
    (1..=size).contains(&older)
        && tlog_tiles::check_tree(&theirs(proof), size, their(root), older, their(older_root)).is_ok()
}

/// The tiles that [`inclusion`] will read, so that they can be fetched at once.
#[must_use]
pub fn tiles_for_inclusion(size: u64, index: u64) -> Vec<TileId> {
    let plan = Plan::default();
    if index < size {
        drop(tlog_tiles::prove_record(size, index, &Reader::new(size, &plan)));
    }
    plan.0.into_inner().into_iter().collect()
}

/// The tiles that [`consistency`] will read.
#[must_use]
pub fn tiles_for_consistency(size: u64, older: u64) -> Vec<TileId> {
    let plan = Plan::default();
    if (1..=size).contains(&older) {
        drop(tlog_tiles::prove_tree(size, older, &Reader::new(size, &plan)));
    }
    plan.0.into_inner().into_iter().collect()
}

/// A source that gives zeros and remembers what it was asked for.
#[derive(Default)]
struct Plan(RefCell<BTreeSet<TileId>>);

impl TileSource for Plan {
    type Error = std::convert::Infallible;

    fn read(&self, tile: TileId) -> Result<Option<Vec<u8>>, Self::Error> {
        self.0.borrow_mut().insert(tile);
        Ok(Some(vec![0; tile.bytes()]))
    }
}

/// Hashes of a tree of `size` leaves, out of tiles. Keeps the reason of the first failure: the library has no place
/// for it.
struct Reader<'a, S: TileSource> {
    size: u64,
    source: &'a S,
    fault: Cell<Option<ProveError<S::Error>>>,
}

impl<'a, S: TileSource> Reader<'a, S> {
    fn new(size: u64, source: &'a S) -> Self {
        Self { size, source, fault: Cell::new(None) }
    }

    fn outcome<T>(&self, made: Result<T, tlog_tiles::Error>) -> Result<T, ProveError<S::Error>> {
        made.map_err(|_| self.fault.take().unwrap_or(ProveError::OtherRoot))
    }

    fn hash(&self, index: u64) -> Result<tlog_tiles::Hash, ProveError<S::Error>> {
        let tile = TileId::in_tree(index, self.size);
        let hashes = self.source.read(tile).map_err(ProveError::Source)?.ok_or(ProveError::Missing(tile))?;
        hash_in(tile, &hashes, index).map_err(|_| ProveError::Missing(tile))
    }
}

impl<S: TileSource> HashReader for Reader<'_, S> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let read: Result<Vec<_>, _> = indexes.iter().map(|index| self.hash(*index)).collect();
        read.map_err(|fault| {
            self.fault.set(Some(fault));
            tlog_tiles::Error::IndexesNotInTree
        })
    }
}

fn ours(hashes: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|h| Hash(h.0)).collect()
}

fn theirs(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().map(|h| their(*h)).collect()
}

const fn their(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::edge::{Edge, FullTile};

    struct Tree {
        full: HashMap<(u8, u64), Vec<u8>>,
        edge: Edge,
    }

    impl Tree {
        fn of(size: u64) -> Self {
            let (mut edge, mut full) = (Edge::new(), Vec::new());
            for n in 0..size {
                edge.append(leaf(n), &mut full);
            }
            let by_place = |t: FullTile| ((t.level, t.index), t.hashes);
            Self { full: full.into_iter().map(by_place).collect(), edge }
        }
    }

    impl TileSource for Tree {
        type Error = std::convert::Infallible;

        fn read(&self, tile: TileId) -> Result<Option<Vec<u8>>, Self::Error> {
            let full = self.full.get(&(tile.level, tile.index)).map(Vec::as_slice);
            Ok(full.or_else(|| self.edge.tile(tile)).and_then(|h| h.get(..tile.bytes())).map(<[u8]>::to_vec))
        }
    }

    fn leaf(n: u64) -> Hash {
        Hash::of_record(&n.to_be_bytes())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_is_in_the_tree_can_be_proven_and_nothing_else(size in 1u64..70_000, a: u64, b: u64) {
            let (index, older) = (a % size, 1 + b % size);
            let (tree, then) = (Tree::of(size), Tree::of(older));
            let (root, older_root) = (tree.edge.root(), then.edge.root());
            prop_assert_eq!(root_at(size, &tree).unwrap(), root);
            prop_assert_eq!(root_at(older, &tree).unwrap(), older_root);

            let proof = inclusion(size, root, index, leaf(index), &tree).unwrap();
            prop_assert!(check_inclusion(&proof, size, root, index, leaf(index)));
            prop_assert!(!check_inclusion(&proof, size, root, index, leaf(size)));
            prop_assert!(!check_inclusion(&proof, size, older_root, index, leaf(index)) || older == size);
            prop_assert!(inclusion(size, root, index, leaf(size), &tree).is_err());
            prop_assert!(inclusion(size, root, size, leaf(size), &tree).is_err());

            let proof = consistency(size, root, older, older_root, &tree).unwrap();
            prop_assert!(check_consistency(&proof, size, root, older, older_root));
            prop_assert!(older == size || !check_consistency(&proof, size, root, older, root));
        }

        #[test]
        fn a_plan_names_every_tile_that_a_proof_needs(size in 1u64..70_000, a: u64, b: u64) {
            let (index, older) = (a % size, 1 + b % size);
            let tree = Tree::of(size);
            let only = |planned: Vec<TileId>| planned.into_iter().map(|t| ((t.level, t.index), tree.read(t).unwrap().unwrap()));
            let planned = Tree { full: only(tiles_for_inclusion(size, index)).collect(), edge: Edge::new() };
            prop_assert!(inclusion(size, tree.edge.root(), index, leaf(index), &planned).is_ok());
            let planned = Tree { full: only(tiles_for_consistency(size, older)).collect(), edge: Edge::new() };
            let older_root = Tree::of(older).edge.root();
            prop_assert!(consistency(size, tree.edge.root(), older, older_root, &planned).is_ok());
        }
    }
}
