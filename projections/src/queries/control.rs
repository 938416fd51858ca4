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

use futures_util::StreamExt as _;
use guichet_schemas::ids::TicketId;
use guichet_schemas::subject::{self, is_reply};
use prost::Message as _;
use tokio::task::JoinHandle;

use super::Queries;
use crate::keys;
use crate::live::Model;
use crate::rebuild::{self, Healing, Order, Progress};

/// Answers what other processes ask about the models of this one, and does what they order.
pub(super) async fn serve(queries: Arc<Queries>) -> Result<JoinHandle<()>, async_nats::SubscribeError> {
    let mut requests = Vec::new();
    for model in &queries.models {
        let subject = subject::projection(queries.ground.settings.partition, model.model().name, "*");
        requests.push(queries.ground.source.client.subscribe(subject).await?);
    }
    let mut requests = futures_util::stream::select_all(requests);
    Ok(tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            answer(&queries, request).await;
        }
    }))
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
    let own = tokio::task::spawn_blocking(move || owner.own(&tenant)).await.ok()?.ok()?;
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
        let order = Order { swap: true, at: (queries.ground.clock)().0 };
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
