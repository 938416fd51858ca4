//! `/healthz`: the process lives. `/readyz`: questions are answered, and no read model stands still.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use guichet_schemas::ids::TenantId;
use guichet_schemas::wire::{self, ProjectionState, query, query_reply};
use serde_json::{Value, json};

use crate::refusal;
use crate::server::Shared;

/// Who probes gives up early.
const WITHIN: Duration = Duration::from_secs(2);

/// `GET /healthz`.
pub(crate) async fn alive() -> Response {
    refusal::json(StatusCode::OK, r#"{"alive":true}"#.into())
}

/// `GET /readyz`.
pub(crate) async fn ready(State(shared): State<Shared>) -> Response {
    let query =
        wire::Query { data: Some(query::Data::Projections(wire::ProjectionsQuery {})), ..Default::default() };
    let tenant = TenantId::default_tenant();
    let asked = shared.questions.ask(&tenant, query);
    let (ready, reason, models) = match tokio::time::timeout(WITHIN, asked).await {
        Err(_) => (false, json!("the read models did not answer in time"), Vec::new()),
        Ok(Err(refusal)) => (false, json!(refusal.error.message), Vec::new()),
        Ok(Ok(reply)) => judge(reply),
    };
    let body = json!({"ready": ready, "reason": reason, "read_models": models});
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    refusal::json(status, body.to_string().into())
}

fn judge(reply: wire::QueryReply) -> (bool, Value, Vec<Value>) {
    let Some(query_reply::Data::Projections(view)) = reply.data else {
        return (false, json!("the read models gave no account of themselves"), Vec::new());
    };
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
