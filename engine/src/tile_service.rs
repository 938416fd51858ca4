//! The tree over NATS: the newest checkpoint and the tiles that proofs are made of, so that nobody reads the whole log
//! to check one record.

use async_nats::HeaderMap;
use bytes::Bytes;
use guichet_proof::tile::TILE_WIDTH;
use guichet_proof::{TileId, TileSource as _};
use guichet_schemas::position::Partition;
use guichet_schemas::subject;
use guichet_schemas::wire::{TileBatch, TileRequest};
use guichet_service::{Metadata, Request, Service};
use prost::Message as _;
use tokio::task::JoinHandle;

use crate::log::{StoreFault, TreeReader};

/// Tiles in one answer: 8 KiB each, NATS carries 1 MiB. A proof needs fewer than ten.
const TILES_MAX: usize = 64;

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
    let mut endpoint = service.endpoint("tile", subject::tile(partition), metadata).await?;
    Ok(tokio::spawn(async move {
        while let Some(request) = endpoint.next().await {
            let tree = tree.clone();
            tokio::spawn(async move { answer(request, tree).await });
        }
    }))
}

async fn answer(request: Request, tree: TreeReader) {
    let Ok(asked) = TileRequest::decode(request.message.payload.clone()) else {
        return refuse(&request, 400, "malformed").await;
    };
    if asked.tiles.len() > TILES_MAX {
        return refuse(&request, 413, "payload_too_large").await;
    }
    match tokio::task::spawn_blocking(move || batch(&asked, &tree)).await {
        Ok(Ok(batch)) => {
            if let Err(error) = request.answer(batch.encode_to_vec().into(), HeaderMap::new()).await {
                tracing::warn!(%error, "could not answer a tile request");
            }
        }
        Ok(Err(fault)) => {
            tracing::error!(%fault, "could not read the tree for a tile request");
            refuse(&request, 503, "unavailable").await;
        }
        Err(_) => refuse(&request, 503, "unavailable").await,
    }
}

async fn refuse(request: &Request, number: u16, word: &'static str) {
    if let Err(error) = request.refuse(number, word, Bytes::new(), HeaderMap::new()).await {
        tracing::warn!(%error, "could not refuse a tile request");
    }
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
