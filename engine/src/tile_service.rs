//! The tree over NATS: the newest checkpoint and the tiles that proofs are made of, so that nobody reads the whole log
//! to check one record.

use guichet_proof::tile::TILE_WIDTH;
use guichet_proof::{TileId, TileSource as _};
use guichet_schemas::position::Partition;
use guichet_schemas::subject;
use guichet_schemas::wire::{TileBatch, TileRequest};
use guichet_service::{Bounds, Metadata, No, Service};
use prost::Message as _;
use tokio::task::JoinHandle;

use crate::log::{StoreFault, TreeReader};

/// Tiles in one answer: 8 KiB each, NATS carries 1 MiB. A proof needs fewer than ten.
const TILES_MAX: usize = 64;
/// An answer has half a MiB at most.
const BOUNDS: Bounds = Bounds { of: "tiles", under_way: 4, held: 64, held_each: 16, request_bytes: 8 * 1024 };

/// Begins to answer on `guichet.v1.tile.<partition>`.
///
/// # Errors
/// NATS.
pub async fn start(
    service: &Service,
    partition: Partition,
    tree: TreeReader,
) -> Result<JoinHandle<()>, async_nats::Error> {
    let metadata = Metadata::from([
        ("format".to_owned(), "application/protobuf".to_owned()),
        ("schema.request".to_owned(), "guichet.v1.TileRequest".to_owned()),
        ("schema.response".to_owned(), "guichet.v1.TileBatch".to_owned()),
    ]);
    let endpoint = service.endpoint("tile", subject::tile(partition), metadata).await?;
    Ok(tokio::spawn(guichet_service::serve(endpoint, BOUNDS, move |body| {
        let asked = TileRequest::decode(body).map_err(|_| No::MALFORMED)?;
        if asked.tiles.len() > TILES_MAX {
            return Err(No::TOO_LARGE);
        }
        match batch(&asked, &tree) {
            Ok(batch) => Ok(batch.encode_to_vec().into()),
            Err(fault) => {
                tracing::error!(%fault, "could not read the tree for a tile request");
                Err(No::UNAVAILABLE)
            }
        }
    })))
}

fn batch(asked: &TileRequest, tree: &TreeReader) -> Result<TileBatch, StoreFault> {
    let checkpoint = tree.newest().map(|newest| newest.checkpoint().note().as_bytes().to_vec());
    let one = |tile: &guichet_schemas::wire::Tile| {
        // What no tree has is answered like what this one has not yet.
        let level = u8::try_from(tile.level).ok().filter(|level| *level < 8);
        let width = Some(tile.width).filter(|w| (1..=TILE_WIDTH).contains(&u64::from(*w)));
        match (level, width) {
            (Some(level), Some(width)) => tree.read(TileId { level, index: tile.index, width }),
            _ => Ok(None),
        }
    };
    let tiles: Result<Vec<_>, _> = asked.tiles.iter().map(one).collect();
    let tiles = tiles?.into_iter().map(Option::unwrap_or_default).collect();
    Ok(TileBatch { checkpoint: checkpoint.unwrap_or_default(), tiles })
}
