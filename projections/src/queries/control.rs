//! What processes of one desk tell each other about their models, on subjects of our own. No part of the contract
//! with other teams; who may use them is for the NATS permissions of the desk.
//!
//! | `guichet.v1.projection.<partition>.<model>.` | asks with | is answered with |
//! |---|---|---|
//! | `status` | a tenant | `ProjectionView`, protobuf |
//! | `rebuild` | `rebuild::Order`, JSON | `rebuild::Progress`, JSON: begun, or the one that goes on |
//! | `heal` | `rebuild::Healing`, JSON | the same |
//! | `progress` | nothing | `rebuild::Progress`, JSON |

use std::sync::Arc;

use async_nats::HeaderMap;
use async_nats::service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE};
use bytes::Bytes;
use futures_util::StreamExt as _;
use guichet_schemas::ids::TicketId;
use guichet_schemas::subject::{self, is_reply};
use metrics::counter;
use prost::Message as _;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::{Queries, blocking, reply};
use crate::keys;
use crate::live::Model;
use crate::rebuild::{self, Healing, Order, Progress};

/// Answers that are made at a time; beyond, `busy`.
const UNDER_WAY_MAX: usize = 8;
/// Bytes of a request: a name or two.
const BYTES_MAX: usize = 4 * 1024;

/// Answers what other processes ask about the models of this one, and does what they order.
pub(super) async fn serve(queries: Arc<Queries>) -> Result<JoinHandle<()>, async_nats::SubscribeError> {
    let mut requests = Vec::new();
    for model in &queries.models {
        let subject = subject::projection(queries.ground.settings.partition, model.model().name, "*");
        requests.push(queries.ground.source.client.subscribe(subject).await?);
    }
    let mut requests = futures_util::stream::select_all(requests);
    let under_way = Arc::new(Semaphore::new(UNDER_WAY_MAX));
    Ok(tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            match Arc::clone(&under_way).try_acquire_owned() {
                Ok(place) if request.payload.len() <= BYTES_MAX => {
                    let queries = Arc::clone(&queries);
                    tokio::spawn(async move {
                        answer(&queries, request).await;
                        drop(place);
                    });
                }
                Ok(_) => refuse(&queries, request, 413, "payload_too_large").await,
                Err(_) => {
                    counter!("guichet_requests_refused_total", "of" => "control", "bound" => "all")
                        .increment(1);
                    refuse(&queries, request, 429, "busy").await;
                }
            }
        }
    }))
}

/// Says no. Who asks for progress asks again; who begins something is told.
async fn refuse(queries: &Queries, request: async_nats::Message, number: u16, word: &'static str) {
    let Some(reply) = request.reply.filter(|reply| is_reply(reply)) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(NATS_SERVICE_ERROR, word);
    headers.insert(NATS_SERVICE_ERROR_CODE, number.to_string());
    let sent = queries.ground.source.client.publish_with_headers(reply, headers, Bytes::new());
    if tokio::time::timeout(reply::REFUSE_WITHIN, sent).await.is_err() {
        tracing::debug!("a refusal has not left in time");
    }
}

async fn answer(queries: &Arc<Queries>, request: async_nats::Message) {
    let Some(reply) = request.reply.clone().filter(|reply| is_reply(reply)) else { return };
    let mut tokens = request.subject.rsplit('.');
    let (verb, name) = (tokens.next().unwrap_or_default(), tokens.next().unwrap_or_default());
    let Some(model) = queries.models.iter().find(|model| model.model().name == name) else { return };
    let body = match verb {
        "status" => status(queries, name, &request.payload).await,
        "rebuild" => Some(order(queries, model, serde_json::from_slice(&request.payload).ok())),
        "heal" => Some(healing(queries, model, serde_json::from_slice(&request.payload).ok())),
        "progress" => Some(said(&model.progress())),
        _ => None,
    };
    // Who asked waits a second and goes on without.
    if let Some(body) = body
        && let Err(error) = queries.ground.source.client.publish(reply, body.into()).await
    {
        tracing::warn!(%error, "an answer could not be sent");
    }
}

async fn status(queries: &Arc<Queries>, name: &str, tenant: &[u8]) -> Option<Vec<u8>> {
    let (owner, tenant) = (Arc::clone(queries), String::from_utf8_lossy(tenant).into_owned());
    let own = blocking(move || owner.own(&tenant)).await.ok()?.ok()?;
    Some(own.into_iter().find(|one| one.name == name)?.encode_to_vec())
}

/// Begins a rebuild, or says how the one is that goes on.
fn order(queries: &Queries, model: &Model, order: Option<Order>) -> Vec<u8> {
    let Some(mut order) = order else { return unclear() };
    if model.may_rebuild() {
        order.at = (queries.ground.clock)().0;
        rebuild::spawn_rebuild(model, &queries.ground, order);
    }
    said(&model.progress())
}

fn healing(queries: &Queries, model: &Model, healing: Option<Healing>) -> Vec<u8> {
    let Some(healing) = healing else { return unclear() };
    let Some(id) = TicketId::parse(&healing.ticket) else { return unclear() };
    if model.may_rebuild() {
        let order = Order { swap: true, keep: false, at: (queries.ground.clock)().0 };
        let key = keys::ticket(&healing.tenant, id);
        rebuild::spawn_heal(model, &queries.ground, key, order);
    }
    said(&model.progress())
}

fn unclear() -> Vec<u8> {
    let note =
        Some("the order is not understood; is the program that gave it of another version?".to_owned());
    said(&Progress { phase: rebuild::Phase::Failed, note, ..Progress::default() })
}

fn said(progress: &Progress) -> Vec<u8> {
    serde_json::to_vec(progress).unwrap_or_default()
}
