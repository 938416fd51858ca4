//! What happens, as it happens: `/live`, server-sent events. The stream of events is only the trigger: what is sent
//! is the position that the read models have reached, so whoever asks after it sees what happened.
//!
//! A reader that is slow gets the newest position and not those between; nothing is kept for it.

mod follower;
pub(crate) mod hub;

use std::convert::Infallible;

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use guichet_schemas::rejection::Rejection;

use crate::api;
use crate::meters::{self, LiveConnection};
use crate::refusal::Refusal;
use crate::shared::Shared;
use crate::shares::Reached;
use crate::source::Source;
use follower::Follower;

const RETRY_AFTER_MS: u64 = 5_000;

/// `GET /api/v1/{tenant}/live`.
pub(crate) async fn follow(
    State(shared): State<Shared>,
    Extension(source): Extension<Source>,
    Path(tenant): Path<String>,
) -> Response {
    open(shared, source, &tenant).await.unwrap_or_else(Refusal::into_response)
}

async fn open(shared: Shared, source: Source, tenant: &str) -> Result<Response, Refusal> {
    let tenant = api::tenant(tenant)?;
    let busy = |reached: Reached| {
        meters::live_refused(reached.word());
        let reason = match reached {
            Reached::Source => "too many streams of this address are open",
            Reached::Total => "too many streams are open",
        };
        Refusal::from(Rejection::Busy { reason, retry_after_ms: RETRY_AFTER_MS })
    };
    let place = shared.live_places.try_take(source).map_err(busy)?;
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
