//! The keys of data subjects over NATS, for workers that answer with opened texts. Who may ask here may read every
//! personal text: NATS permissions must give the subject to workers alone.

use std::sync::Arc;

use async_nats::HeaderMap;
use bytes::Bytes;
use guichet_keys::{KeyFault, KeyStore};
use guichet_schemas::ids::KeyId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::Partition;
use guichet_schemas::subject;
use guichet_schemas::wire::{Key, KeyBatch, KeyRequest};
use guichet_service::{Metadata, Request, Service};
use prost::Message as _;
use tokio::task::JoinHandle;

/// Keys in one request: one page of answers never needs more.
const KEYS_MAX: usize = 1000;

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
    let mut endpoint = service.endpoint("keys", subject::keys(partition), metadata).await?;
    Ok(tokio::spawn(async move {
        while let Some(request) = endpoint.next().await {
            let keys = keys.clone();
            // A look-up reads the disk: not on a thread of the network.
            tokio::spawn(async move { answer(request, keys).await });
        }
    }))
}

async fn answer(request: Request, keys: Arc<KeyStore>) {
    let asked = match KeyRequest::decode(request.message.payload.clone()) {
        Ok(asked) if asked.key_ids.len() > KEYS_MAX => {
            return refuse(&request, 413, "payload_too_large").await;
        }
        Ok(asked) => asked,
        Err(_) => return refuse(&request, 400, "malformed").await,
    };
    match tokio::task::spawn_blocking(move || batch(&asked, &keys)).await {
        Ok(Ok(batch)) => {
            if let Err(error) = request.answer(batch.encode_to_vec().into(), HeaderMap::new()).await {
                tracing::warn!(%error, "could not answer a key request");
            }
        }
        Ok(Err(fault)) => {
            tracing::error!(%fault, "could not read the key store for a key request");
            refuse(&request, 503, "unavailable").await;
        }
        Err(_) => refuse(&request, 503, "unavailable").await,
    }
}

async fn refuse(request: &Request, number: u16, word: &'static str) {
    if let Err(error) = request.refuse(number, word, Bytes::new(), HeaderMap::new()).await {
        tracing::warn!(%error, "could not refuse a key request");
    }
}

/// What is no id, or names no key of the tenant, is absent like a key that was destroyed.
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
