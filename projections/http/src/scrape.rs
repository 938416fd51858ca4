//! `GET /metrics`: what was counted, and how the read models and publishing are at this moment.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use guichet_schemas::wire::{self, PublishingReason, PublishingState};
use metrics::gauge;
use nix::sys::resource::{Resource, getrlimit};

use crate::looks::Looks;
use crate::meters::{
    CHECKPOINT, DESCRIPTORS, DESCRIPTORS_MAX, HALTED, HEAD, LAG, PUBLISHED, PUBLISHING, PUBLISHING_STANDS,
    QUARANTINED, READ_MODELS_UP, VERIFIED,
};
use crate::shared::Shared;
use crate::{health, meters};

/// `GET /metrics`.
pub(crate) async fn show(State(shared): State<Shared>) -> Response {
    let Some(recorder) = meters::recorder() else {
        return axum::http::StatusCode::NOT_FOUND.into_response();
    };
    read_models(&shared.looks).await;
    descriptors();
    recorder.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder.render()).into_response()
}

/// How the stream keeps up; nothing where nothing is published.
fn publishing(view: Option<&wire::PublishingView>) {
    let Some(view) = view else { return };
    for state in [
        PublishingState::Live,
        PublishingState::CatchingUp,
        PublishingState::Standing,
        PublishingState::Unknown,
    ] {
        let is = f64::from(u8::from(view.state() == state));
        gauge!(PUBLISHING, "state" => health::publishing_state(state)).set(is);
    }
    for reason in [
        PublishingReason::StreamFull,
        PublishingReason::StreamGone,
        PublishingReason::StreamReadOnly,
        PublishingReason::StreamSilent,
        PublishingReason::Unreachable,
        PublishingReason::Refused,
    ] {
        let is = view.state() == PublishingState::Standing && view.reason() == reason;
        gauge!(PUBLISHING_STANDS, "reason" => health::publishing_reason(reason)).set(f64::from(u8::from(is)));
    }
    gauge!(PUBLISHED).set(view.published as f64);
    gauge!(HEAD).set(view.head as f64);
}

/// Counts the open descriptors of the process, where the system tells them.
fn descriptors() {
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        // The folder itself is open while it is read.
        gauge!(DESCRIPTORS).set(open.count().saturating_sub(1) as f64);
    }
    if let Ok((most, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
        gauge!(DESCRIPTORS_MAX).set(most as f64);
    }
}

/// Reads the health of the read models into gauges. They answer at once or count as down.
async fn read_models(looks: &Looks) {
    let seen = looks.look().await;
    gauge!(READ_MODELS_UP).set(if seen.is_ok() { 1.0 } else { 0.0 });
    let Ok(view) = seen else { return };
    publishing(view.publishing.as_ref());
    for model in &view.projections {
        let set = |name, value: u64| gauge!(name, "projection" => model.name.clone()).set(value as f64);
        set(LAG, model.lag);
        set(CHECKPOINT, model.checkpoint);
        set(VERIFIED, model.verified_position);
        set(QUARANTINED, (model.quarantined.len() as u64).saturating_add(model.quarantined_left_out));
        set(HALTED, u64::from(model.state() == wire::ProjectionState::Halted));
    }
}
