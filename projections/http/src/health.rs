//! `/healthz`: the process lives. `/readyz`: questions are answered, and no read model stands still.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use guichet_schemas::wire::{ProjectionState, ProjectionsView};
use serde_json::{Value, json};

use crate::refusal;
use crate::server::Shared;

/// `GET /healthz`.
pub(crate) async fn alive() -> Response {
    refusal::json(StatusCode::OK, r#"{"alive":true}"#.into())
}

/// `GET /readyz`.
pub(crate) async fn ready(State(shared): State<Shared>) -> Response {
    let (ready, reason, models) = match shared.looks.look().await {
        Err(why) => (false, json!(why), Vec::new()),
        Ok(view) => judge(&view),
    };
    let body = json!({"ready": ready, "reason": reason, "read_models": models});
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    refusal::json(status, body.to_string().into())
}

fn judge(view: &ProjectionsView) -> (bool, Value, Vec<Value>) {
    let halted = view.projections.iter().find(|p| p.state() == ProjectionState::Halted);
    let reason = halted.map(|p| format!("the read model {} stands still: {}", p.name, p.reason()));
    let models = view.projections.iter().map(
        |p| json!({"name": p.name, "state": state(p.state()), "checkpoint": p.checkpoint, "lag": p.lag}),
    );
    (halted.is_none(), json!(reason), models.collect())
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
