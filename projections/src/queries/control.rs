//! What processes of one desk tell each other about their models, on subjects of our own:
//! `guichet.v1.projection.<partition>.<model>.<verb>`. No part of the contract with other teams.

use std::sync::Arc;

use futures_util::StreamExt as _;
use guichet_schemas::subject::{self, is_reply};
use prost::Message as _;
use tokio::task::JoinHandle;

use super::Queries;

/// Answers what other processes ask about the models of this one.
pub(super) async fn serve(queries: Arc<Queries>) -> Result<JoinHandle<()>, async_nats::SubscribeError> {
    let mut requests = Vec::new();
    for model in &queries.models {
        let subject = subject::projection(queries.partition, model.model().name, "*");
        requests.push(queries.client.subscribe(subject).await?);
    }
    let mut requests = futures_util::stream::select_all(requests);
    Ok(tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            answer(&queries, request).await;
        }
    }))
}

async fn answer(queries: &Arc<Queries>, request: async_nats::Message) {
    let Some(reply) = request.reply.filter(|reply| is_reply(reply)) else { return };
    let mut tokens = request.subject.rsplit('.');
    let (verb, name) = (tokens.next().unwrap_or_default(), tokens.next().unwrap_or_default().to_owned());
    if verb != "status" {
        return;
    }
    let (owner, tenant) = (Arc::clone(queries), String::from_utf8_lossy(&request.payload).into_owned());
    let own = tokio::task::spawn_blocking(move || owner.own(&tenant)).await;
    let Ok(Ok(own)) = own else { return };
    if let Some(one) = own.into_iter().find(|one| one.name == name) {
        // Who asked waits a second and goes on without.
        if let Err(error) = queries.client.publish(reply, one.encode_to_vec().into()).await {
            tracing::warn!(%error, "an answer could not be sent");
        }
    }
}
