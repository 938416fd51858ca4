//! What happens, as it happens: `/live`, server-sent events. The stream of events is only the trigger: what is sent
//! is the position that the read models have reached, so whoever asks after it sees what happened.
//!
//! A reader that is slow gets the newest position and not those between; nothing is kept for it.

mod follower;
mod hub;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use guichet_schemas::rejection::Rejection;

use crate::api;
use crate::meters::LiveConnection;
use crate::refusal::Refusal;
use crate::server::Shared;
use follower::Follower;

pub(crate) use hub::Hub;

/// Streams that are open at the same time; each costs a connection.
pub(crate) const CONNECTIONS_MAX: usize = 512;
const RETRY_AFTER_MS: u64 = 5_000;

/// `GET /api/v1/{tenant}/live`.
pub(crate) async fn follow(State(shared): State<Shared>, Path(tenant): Path<String>) -> Response {
    open(shared, &tenant).await.unwrap_or_else(Refusal::into_response)
}

async fn open(shared: Shared, tenant: &str) -> Result<Response, Refusal> {
    let tenant = api::tenant(tenant)?;
    let busy = || {
        Refusal::from(Rejection::Busy { reason: "too many streams are open", retry_after_ms: RETRY_AFTER_MS })
    };
    let place = Arc::clone(&shared.live_places).try_acquire_owned().map_err(|_| busy())?;
    let shown = shared.hub.follow(&shared.questions, &tenant).await?;
    let follower = Follower::new(shown, shared.stopping.clone(), (place, LiveConnection::new()));
    let events = follower.into_stream().map(Ok::<_, Infallible>);
    let mut response = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
    // A proxy that collects before it passes on would make a stream of seconds into one of minutes.
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}
