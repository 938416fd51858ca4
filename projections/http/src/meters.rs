//! What this process counts about itself, and `/metrics`. Names of metrics stand here and nowhere else; routes are
//! counted by their pattern, never by a path, so that their number is bounded.

use std::sync::OnceLock;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use guichet_schemas::ids::TenantId;
use guichet_schemas::wire::{self, query, query_reply};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::Instant;

use crate::ask::Questions;
use crate::server::Shared;

const REQUESTS: &str = "guichet_http_requests_total";
const SECONDS: &str = "guichet_http_request_seconds";
const REFUSALS: &str = "guichet_query_refusals_total";
const LIVE: &str = "guichet_live_connections";
const READ_MODELS_UP: &str = "guichet_read_models_up";
const LAG: &str = "guichet_projection_lag";
const CHECKPOINT: &str = "guichet_projection_checkpoint_position";
const VERIFIED: &str = "guichet_projection_verified_position";
const QUARANTINED: &str = "guichet_projection_quarantined_tickets";
const HALTED: &str = "guichet_projection_halted";
/// Counted by `guichet-service`, wherever something of an outsider is worked on.
const INTERNAL_ERRORS: &str = "guichet_internal_errors_total";
/// Where that is, so that an alarm sees the first one as a step from 0.
const INTERNAL_PLACES: [&str; 5] = ["decode", "decide", "configure", "query", "fold"];

const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// One recorder per process: the facade has one, whoever counts.
fn recorder() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE.get_or_init(install).as_ref()
}

fn install() -> Option<PrometheusHandle> {
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(SECONDS.to_owned()), BUCKETS).ok()?;
    // Somebody else's recorder is not an error: then that one shows what is counted here.
    let handle = builder.install_recorder().ok()?;
    describe_counter!(REQUESTS, "HTTP requests answered, by route, method and status.");
    describe_histogram!(SECONDS, "Time to the first byte of an answer in seconds, by route.");
    describe_counter!(REFUSALS, "Questions to the read models that were refused, by query and code.");
    describe_gauge!(LIVE, "Open streams of live positions.");
    describe_gauge!(READ_MODELS_UP, "1 where the read models answered this scrape, else 0.");
    describe_gauge!(LAG, "Positions between the newest event known and the read model's checkpoint.");
    describe_gauge!(CHECKPOINT, "Last position that the read model has folded.");
    describe_gauge!(VERIFIED, "Last position whose hash the read model compared with the log.");
    describe_gauge!(QUARANTINED, "Tickets of the default tenant that the read model could not fold.");
    describe_gauge!(HALTED, "1 where the read model stands still to protect data, else 0.");
    gauge!(LIVE).set(0.0);
    describe_counter!(
        INTERNAL_ERRORS,
        "Faults of ours that were answered with internal or set aside, by where; each has an id in the log."
    );
    for place in INTERNAL_PLACES {
        counter!(INTERNAL_ERRORS, "where" => place).absolute(0);
    }
    Some(handle)
}

/// Makes ready before the first request.
pub(crate) fn prepare() {
    recorder();
}

/// A question was refused.
pub(crate) fn refused(query: &str, code: &str) {
    counter!(REFUSALS, "query" => query.to_owned(), "code" => code.to_owned()).increment(1);
}

/// An open stream, counted as long as it lives.
#[derive(Debug)]
pub(crate) struct LiveConnection(());

impl LiveConnection {
    pub(crate) fn new() -> Self {
        gauge!(LIVE).increment(1.0);
        Self(())
    }
}

impl Drop for LiveConnection {
    fn drop(&mut self) {
        gauge!(LIVE).decrement(1.0);
    }
}

/// Counts every request by its route.
pub(crate) async fn count(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = request.method().as_str();
    // Any word may stand there; only what HTTP names becomes a label.
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let method = known.iter().find(|m| **m == method).copied().unwrap_or("other");
    let begun = Instant::now();
    let response = next.run(request).await;
    histogram!(SECONDS, "route" => route.clone()).record(begun.elapsed().as_secs_f64());
    let status = response.status().as_str().to_owned();
    counter!(REQUESTS, "route" => route, "method" => method, "status" => status).increment(1);
    response
}

/// `GET /metrics`.
pub(crate) async fn show(State(shared): State<Shared>) -> Response {
    let Some(recorder) = recorder() else {
        return axum::http::StatusCode::NOT_FOUND.into_response();
    };
    read_models(&shared.questions).await;
    recorder.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder.render()).into_response()
}

/// Reads the health of the read models into gauges. They answer at once or count as down.
async fn read_models(questions: &Questions) {
    const WITHIN: Duration = Duration::from_secs(2);
    let query =
        wire::Query { data: Some(query::Data::Projections(wire::ProjectionsQuery {})), ..Default::default() };
    let tenant = TenantId::default_tenant();
    let asked = questions.ask(&tenant, query);
    let reply = tokio::time::timeout(WITHIN, asked).await.ok().and_then(Result::ok);
    gauge!(READ_MODELS_UP).set(if reply.is_some() { 1.0 } else { 0.0 });
    let Some(query_reply::Data::Projections(view)) = reply.and_then(|r| r.data) else { return };
    for model in view.projections {
        let set = |name, value: u64| gauge!(name, "projection" => model.name.clone()).set(value as f64);
        set(LAG, model.lag);
        set(CHECKPOINT, model.checkpoint);
        set(VERIFIED, model.verified_position);
        set(QUARANTINED, model.quarantined.len() as u64);
        set(HALTED, u64::from(model.state() == wire::ProjectionState::Halted));
    }
}
