//! What this process counts about itself. Names of metrics stand here and nowhere else; routes are counted by their
//! pattern, never by a path, so that their number is bounded.

use std::sync::OnceLock;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::Instant;

use crate::bounds::{Bounds, REQUESTS, REQUESTS_PER_SOURCE};

const ANSWERED: &str = "guichet_http_requests_total";
const SECONDS: &str = "guichet_http_request_seconds";
const REFUSALS: &str = "guichet_query_refusals_total";
const CONNECTIONS: &str = "guichet_http_connections";
const CONNECTIONS_REFUSED: &str = "guichet_http_connections_refused_total";
const CONNECTIONS_CLOSED: &str = "guichet_http_connections_closed_total";
const ACCEPT_FAILED: &str = "guichet_http_accept_failures_total";
const TURNS_REFUSED: &str = "guichet_http_requests_refused_total";
const BOUNDS: &str = "guichet_http_bound";
const LIVE: &str = "guichet_live_connections";
const LIVE_REFUSED: &str = "guichet_live_refused_total";
const LIVE_SKIPPED: &str = "guichet_live_skipped_total";
pub(crate) const READ_MODELS_UP: &str = "guichet_read_models_up";
pub(crate) const LAG: &str = "guichet_projection_lag";
pub(crate) const CHECKPOINT: &str = "guichet_projection_checkpoint_position";
pub(crate) const VERIFIED: &str = "guichet_projection_verified_position";
pub(crate) const QUARANTINED: &str = "guichet_projection_quarantined_tickets";
pub(crate) const PUBLISHING: &str = "guichet_publishing_state";
pub(crate) const PUBLISHING_STANDS: &str = "guichet_publishing_standing";
pub(crate) const PUBLISHED: &str = "guichet_publishing_position";
pub(crate) const HEAD: &str = "guichet_log_head_position";
pub(crate) const DESCRIPTORS: &str = "guichet_descriptors_open";
pub(crate) const DESCRIPTORS_MAX: &str = "guichet_descriptors_max";
pub(crate) const HALTED: &str = "guichet_projection_halted";
/// Counted by the projections.
const SET_ASIDE: &str = "guichet_sla_tickets_set_aside";
const NOT_RECORDED: &str = "guichet_sla_not_recorded_total";
/// Counted by the engine.
const DISK_UNREAD: &str = "guichet_disk_unread_total";
/// Counted by `guichet-service`, wherever something of an outsider is worked on.
const INTERNAL_ERRORS: &str = "guichet_internal_errors_total";
/// Where that is, so that an alarm sees the first one as a step from 0.
const INTERNAL_PLACES: [&str; 6] = ["decode", "decide", "configure", "query", "fold", "http"];
/// Counted by the engine and the read models, by who met them.
const FORGED: &str = "guichet_forged_messages_total";
const FORGED_FOUND: [&str; 3] = ["start", "stream", "read_model"];
/// Bounds of what answers over NATS: counted by `guichet-service` and the read models, by what is answered.
const HELD: &str = "guichet_requests_held";
const HELD_BYTES: &str = "guichet_requests_held_bytes";
const HELD_LIMIT: &str = "guichet_requests_limit";
const OUT_OF_ROOM: &str = "guichet_requests_refused_total";
const RUNNING: &str = "guichet_answers_running";
const WAITING: &str = "guichet_answers_waiting";
const SLOTS: &str = "guichet_answers_slots";
const SUMS_BYTES: &str = "guichet_queries_bytes";
const OVER_BUDGET: &str = "guichet_queries_over_budget_total";
const CANCELLED: &str = "guichet_queries_cancelled_total";

const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// One recorder per process: the facade has one, whoever counts.
pub(crate) fn recorder() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE.get_or_init(install).as_ref()
}

fn install() -> Option<PrometheusHandle> {
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(SECONDS.to_owned()), BUCKETS).ok()?;
    // Somebody else's recorder is not an error: then that one shows what is counted here.
    let handle = builder.install_recorder().ok()?;
    describe_counter!(ANSWERED, "HTTP requests answered, by route, method and status.");
    describe_histogram!(SECONDS, "Time to the first byte of an answer in seconds, by route.");
    describe_counter!(REFUSALS, "Questions to the read models that were refused, by query and code.");
    describe_gauge!(CONNECTIONS, "Open connections over HTTP.");
    describe_counter!(
        CONNECTIONS_REFUSED,
        "Connections over HTTP that found no seat, by the bound that was reached."
    );
    describe_counter!(CONNECTIONS_CLOSED, "Connections over HTTP that were closed from here, by why.");
    describe_counter!(
        ACCEPT_FAILED,
        "Connections over HTTP that the system could not give, by what it lacked."
    );
    describe_counter!(
        TURNS_REFUSED,
        "HTTP requests that were refused before they became a question, by the bound."
    );
    describe_gauge!(BOUNDS, "How much may come in over HTTP at the same time, by what is bounded.");
    describe_gauge!(LIVE, "Open streams of live positions.");
    describe_counter!(
        LIVE_REFUSED,
        "Streams of live positions that were refused, by the bound that was reached."
    );
    describe_counter!(
        LIVE_SKIPPED,
        "Announcements that a slow reader of a stream got together with a later one."
    );
    describe_gauge!(READ_MODELS_UP, "1 where the read models answered this scrape, else 0.");
    describe_gauge!(LAG, "Positions between the newest event known and the read model's checkpoint.");
    describe_gauge!(CHECKPOINT, "Last position that the read model has folded.");
    describe_gauge!(VERIFIED, "Last position whose hash the read model compared with the log.");
    describe_gauge!(QUARANTINED, "Tickets of the default tenant that the read model could not fold.");
    describe_gauge!(
        SET_ASIDE,
        "Tickets of which the engine refuses again and again what their clocks found."
    );
    describe_counter!(NOT_RECORDED, "Facts of clocks that were not recorded when they were sent, by why.");
    describe_counter!(DISK_UNREAD, "Looks at the free space of the log's disk that the system refused.");
    describe_gauge!(HALTED, "1 where the read model stands still to protect data, else 0.");
    describe_gauge!(PUBLISHING, "1 for the state that publishing to the stream is in, else 0.");
    describe_gauge!(PUBLISHING_STANDS, "1 for the reason why publishing stands, else 0.");
    describe_gauge!(PUBLISHED, "Newest position of the log that is known to be in the stream.");
    describe_gauge!(HEAD, "Newest position of the log that is known.");
    describe_gauge!(DESCRIPTORS, "Files and sockets that this process has open.");
    describe_gauge!(DESCRIPTORS_MAX, "Files and sockets that this process may have open.");
    gauge!(LIVE).set(0.0);
    describe_gauge!(HELD, "Requests taken over NATS and not yet answered, by what is asked for.");
    describe_gauge!(HELD_BYTES, "Bytes of these requests.");
    describe_gauge!(
        HELD_LIMIT,
        "Requests that are taken at most; beyond, and beyond one asker's share, busy."
    );
    describe_counter!(
        OUT_OF_ROOM,
        "Requests answered busy, by what is asked for and the bound that was reached."
    );
    describe_gauge!(RUNNING, "Answers that are being made, by what is asked for.");
    describe_gauge!(WAITING, "Requests that wait for their turn to be answered.");
    describe_gauge!(SLOTS, "Answers that are made at a time at most.");
    describe_gauge!(SUMS_BYTES, "Bytes of sums that the answers under way hold.");
    describe_counter!(OVER_BUDGET, "Questions refused because their answer costs too much, by the bound.");
    describe_counter!(CANCELLED, "Answers given up because nobody listened for them any more.");
    counter!(CANCELLED).absolute(0);
    describe_counter!(
        INTERNAL_ERRORS,
        "Faults of ours that were answered with internal or set aside, by where; each has an id in the log."
    );
    for place in INTERNAL_PLACES {
        counter!(INTERNAL_ERRORS, "where" => place).absolute(0);
    }
    describe_counter!(
        FORGED,
        "Messages of the stream that this log's engine did not write, by who met them; nothing of them is taken."
    );
    for who in FORGED_FOUND {
        counter!(FORGED, "found" => who).absolute(0);
    }
    begin_at_zero();
    Some(handle)
}

/// So that an alarm sees the first of each as a step.
fn begin_at_zero() {
    gauge!(CONNECTIONS).set(0.0);
    for bound in ["source", "total"] {
        counter!(CONNECTIONS_REFUSED, "bound" => bound).absolute(0);
        counter!(LIVE_REFUSED, "bound" => bound).absolute(0);
    }
    for bound in ["source", "total", "body"] {
        counter!(TURNS_REFUSED, "bound" => bound).absolute(0);
    }
    for why in Closed::ALL {
        counter!(CONNECTIONS_CLOSED, "why" => why.word()).absolute(0);
    }
    counter!(LIVE_SKIPPED).absolute(0);
}

/// Why a connection was closed from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It said nothing between two requests for too long.
    Idle,
    /// The lines of its request took too long.
    SlowHead,
    /// Its reader does not read.
    SlowReader,
    /// It waited, and somebody else needed the seat.
    Evicted,
    /// The head of its request is too large.
    LargeHead,
    /// It does not speak HTTP.
    Malformed,
}

impl Closed {
    const ALL: [Self; 6] =
        [Self::Idle, Self::SlowHead, Self::SlowReader, Self::Evicted, Self::LargeHead, Self::Malformed];

    const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::SlowHead => "slow_head",
            Self::SlowReader => "slow_reader",
            Self::Evicted => "evicted",
            Self::LargeHead => "large_head",
            Self::Malformed => "malformed",
        }
    }
}

/// So many connections are open.
pub(crate) fn connections(open: usize) {
    gauge!(CONNECTIONS).set(open as f64);
}

pub(crate) fn bounds(bounds: &Bounds) {
    for (of, n) in [
        ("connections", bounds.connections),
        ("connections_per_source", bounds.connections_per_source),
        ("live", bounds.live),
        ("live_per_source", bounds.live_per_source),
        ("requests", REQUESTS),
        ("requests_per_source", REQUESTS_PER_SOURCE),
    ] {
        gauge!(BOUNDS, "of" => of).set(n as f64);
    }
}

/// A connection found no seat.
pub(crate) fn connection_refused(bound: &'static str) {
    counter!(CONNECTIONS_REFUSED, "bound" => bound).increment(1);
}

/// A connection was closed from here.
pub(crate) fn closed(why: Closed) {
    counter!(CONNECTIONS_CLOSED, "why" => why.word()).increment(1);
}

/// The system could not give a connection.
pub(crate) fn accept_failed(lacks: &'static str) {
    counter!(ACCEPT_FAILED, "lacks" => lacks).increment(1);
}

/// A request was refused before it became a question.
pub(crate) fn turn_refused(bound: &'static str) {
    counter!(TURNS_REFUSED, "bound" => bound).increment(1);
}

/// A stream was refused.
pub(crate) fn live_refused(bound: &'static str) {
    counter!(LIVE_REFUSED, "bound" => bound).increment(1);
}

/// A reader was too slow for so many announcements.
pub(crate) fn live_skipped(announcements: u64) {
    counter!(LIVE_SKIPPED).increment(announcements);
}

/// From now on this process counts what its metrics show. [`crate::start`] does it too; who calls it before starts
/// nothing that is not counted.
pub fn prepare() {
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
    counter!(ANSWERED, "route" => route, "method" => method, "status" => status).increment(1);
    response
}
