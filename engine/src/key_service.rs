//! The keys of data subjects over NATS, for workers that answer with opened texts. Who may ask here may read every
//! personal text: NATS permissions must give the subject to workers alone.

use std::sync::Arc;

use guichet_keys::{KeyFault, KeyStore};
use guichet_schemas::ids::KeyId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::Partition;
use guichet_schemas::subject;
use guichet_schemas::wire::{Key, KeyBatch, KeyRequest};
use guichet_service::{Bounds, Metadata, No, Service};
use prost::Message as _;
use tokio::task::JoinHandle;

/// Keys in one request: one page of answers never needs more.
const KEYS_MAX: usize = 1000;
/// A thousand ids take 18 KiB.
const BOUNDS: Bounds =
    Bounds { of: "keys", under_way: 4, held: 128, held_each: 64, request_bytes: 64 * 1024 };

/// Begins to answer on `guichet.v1.key.<partition>`.
///
/// # Errors
/// NATS.
pub async fn start(
    service: &Service,
    partition: Partition,
    keys: Arc<KeyStore>,
) -> Result<JoinHandle<()>, async_nats::Error> {
    let metadata = Metadata::from([
        ("format".to_owned(), "application/protobuf".to_owned()),
        ("schema.request".to_owned(), "guichet.v1.KeyRequest".to_owned()),
        ("schema.response".to_owned(), "guichet.v1.KeyBatch".to_owned()),
    ]);
    let endpoint = service.endpoint("keys", subject::keys(partition), metadata).await?;
    Ok(tokio::spawn(guichet_service::serve(endpoint, BOUNDS, move |body| {
        let asked = KeyRequest::decode(body).map_err(|_| No::MALFORMED)?;
        if asked.key_ids.len() > KEYS_MAX {
            return Err(No::TOO_LARGE);
        }
        match batch(&asked, &keys) {
            Ok(batch) => Ok(batch.encode_to_vec().into()),
            Err(fault) => {
                tracing::error!(%fault, "could not read the key store for a key request");
                Err(No::UNAVAILABLE)
            }
        }
    })))
}

/// An id that is malformed, or names no key of the tenant, is absent like a key that was destroyed.
fn batch(asked: &KeyRequest, keys: &KeyStore) -> Result<KeyBatch, KeyFault> {
    let mut found = Vec::with_capacity(asked.key_ids.len());
    for id in asked.key_ids.iter().filter_map(|id| KeyId::from_slice(id)) {
        if let Some((key, commitment)) = keys.get(&asked.tenant, id)? {
            found.push(Key {
                key_id: id.to_wire(),
                key: key.reveal().to_vec(),
                commitment: commitment.to_wire(),
            });
        }
    }
    Ok(KeyBatch { keys: found })
}
