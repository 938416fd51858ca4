//! `/healthz`: the process lives. `/readyz`: questions are answered, and neither a read model nor publishing stands still.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use guichet_schemas::wire::{
    ProjectionState, ProjectionView, ProjectionsView, PublishingReason, PublishingState, PublishingView,
};
use serde_json::{Value, json};

use crate::refusal;
use crate::shared::Shared;

/// `GET /healthz`.
pub(crate) async fn alive() -> Response {
    refusal::json(StatusCode::OK, r#"{"alive":true}"#.into())
}

/// `GET /readyz`.
pub(crate) async fn ready(State(shared): State<Shared>) -> Response {
    let seen = shared.looks.look().await;
    let (reason, models, publishing) = match &seen {
        Err(why) => (Some(why.clone()), Vec::new(), None),
        Ok(view) => (unready(view), view.projections.iter().map(model).collect(), view.publishing.as_ref()),
    };
    // The same JSON as in the answer of the query.
    let publishing = publishing.map(|publishing| json!(publishing));
    let ready = reason.is_none();
    let body = json!({"ready": ready, "reason": reason, "read_models": models, "publishing": publishing});
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    refusal::json(status, body.to_string().into())
}

fn model(p: &ProjectionView) -> Value {
    json!({
        "name": p.name, "state": state(p.state()), "checkpoint": p.checkpoint, "lag": p.lag, "head": p.head,
    })
}

/// Why questions should be asked elsewhere: a read model stands still, or the stream does, and whoever follows it
/// with it. That nobody knows how the stream is, because no engine answers, is no reason: then nothing new is
/// acknowledged either.
fn unready(view: &ProjectionsView) -> Option<String> {
    let halted = view.projections.iter().find(|p| p.state() == ProjectionState::Halted);
    let halted = halted.map(|p| format!("the read model {} stands still: {}", p.name, p.reason()));
    halted.or_else(|| view.publishing.as_ref().and_then(stands))
}

fn stands(publishing: &PublishingView) -> Option<String> {
    (publishing.state() == PublishingState::Standing).then(|| {
        let reason = publishing_reason(publishing.reason());
        format!("publishing stands: {reason}: {}", publishing.detail())
    })
}

/// The word of how publishing goes, as in the contract's JSON.
pub(crate) const fn publishing_state(state: PublishingState) -> &'static str {
    match state {
        PublishingState::Unspecified | PublishingState::Unknown => "unknown",
        PublishingState::Live => "live",
        PublishingState::CatchingUp => "catching_up",
        PublishingState::Standing => "standing",
    }
}

/// The word of why it stands.
pub(crate) const fn publishing_reason(reason: PublishingReason) -> &'static str {
    match reason {
        PublishingReason::Unspecified => "unknown",
        PublishingReason::StreamFull => "stream_full",
        PublishingReason::StreamGone => "stream_gone",
        PublishingReason::StreamReadOnly => "stream_read_only",
        PublishingReason::StreamSilent => "stream_silent",
        PublishingReason::Unreachable => "unreachable",
        PublishingReason::Refused => "refused",
        PublishingReason::NoEngine => "no_engine",
    }
}

/// The word of a state, as in the contract's JSON.
pub(crate) const fn state(state: ProjectionState) -> &'static str {
    match state {
        ProjectionState::Unspecified => "unknown",
        ProjectionState::Live => "live",
        ProjectionState::CatchingUp => "catching_up",
        ProjectionState::Rebuilding => "rebuilding",
        ProjectionState::Degraded => "degraded",
        ProjectionState::Halted => "halted",
    }
}
