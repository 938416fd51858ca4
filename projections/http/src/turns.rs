//! What every request goes through before it becomes a question: its turn, and what is done with one that makes us
//! stumble.

use std::future::poll_fn;
use std::task::Poll;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use guichet_schemas::rejection::Rejection;
use guichet_service::caught;

use crate::bounds::{BODY_BYTES, TURN_WITHIN};
use crate::meters;
use crate::refusal::Refusal;
use crate::shared::Shared;
use crate::shares::{Reached, Share};
use crate::source::Source;

const RETRY_AFTER_MS: u64 = 1_000;

/// A turn for a request; to be kept until the answer is made.
///
/// # Errors
/// Others have been at work for too long.
pub(crate) async fn take(shared: &Shared, source: Source) -> Result<Share, Refusal> {
    shared.turns.take(source, TURN_WITHIN).await.map_err(|reached| {
        meters::turn_refused(reached.word());
        let reason = match reached {
            Reached::Source => "too many requests of this address are being answered",
            Reached::Total => "too many requests are being answered",
        };
        Rejection::Busy { reason, retry_after_ms: RETRY_AFTER_MS }.into()
    })
}

/// Lets a request of the API wait for its turn.
pub(crate) async fn wait(
    State(shared): State<Shared>,
    Extension(source): Extension<Source>,
    request: Request,
    next: Next,
) -> Response {
    match take(&shared, source).await {
        Ok(_turn) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Nothing here reads a body, so none is waited for: one that is small is passed over, a large one ends the
/// connection with the answer.
pub(crate) async fn refuse_large_body(request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    if length.is_none_or(|length| length <= BODY_BYTES as u64) {
        return next.run(request).await;
    }
    meters::turn_refused("body");
    let too_large = Rejection::PayloadTooLarge { what: "the body", max: BODY_BYTES as u64 };
    let mut response = Refusal::from(too_large).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A handler that panics is an answer.
pub(crate) async fn catch(request: Request, next: Next) -> Response {
    let mut answering = Box::pin(next.run(request));
    let answered = poll_fn(|cx| match caught("http", || answering.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(response)) => Poll::Ready(Ok(response)),
        Err(fault) => Poll::Ready(Err(fault)),
    });
    answered.await.unwrap_or_else(|fault| {
        let mut response = Refusal::from(fault).into_response();
        debug_assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        // What the handler left behind on this connection is not known.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    })
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_is_an_answer_with_an_id() {
        let fails = async || -> &'static str {
            tokio::task::yield_now().await;
            panic!("not today")
        };
        let router = Router::new().route("/", get(fails)).layer(from_fn(catch));
        let service = TowerToHyperService::new(router);
        let response = service.call(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"], "internal");
        assert_eq!(body["error"]["details"]["id"].as_str().map(str::len), Some(16));
        assert!(!body.to_string().contains("not today"));
    }
}
