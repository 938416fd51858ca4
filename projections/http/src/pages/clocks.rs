//! Promises that run: what is due next, how much of the time that counts is left, and what stands still.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse as _, Response};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{self, SlaClockState, query, query_reply};
use guichet_schemas::words::SlaMetric;
use serde::Deserialize;

use super::failed;
use super::form;
use super::frame::{Frame, Here, question, unexpected};
use super::fresh::Fresh;
use super::text::{Text, fill};
use super::{html, text_of};
use crate::refusal::Refusal;
use crate::shared::Shared;

/// Clocks on a page.
const LIMIT: u32 = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "clocks.html")]
struct Page {
    f: Frame,
    address: String,
    rows: String,
}

#[derive(Template)]
#[template(path = "tiles/clocks.html")]
struct Tile {
    t: &'static Text,
    tenant: String,
    clocks: Vec<Clock>,
    next: Option<String>,
    first: bool,
    fresh: Fresh,
}

/// A clock as a person reads it.
pub(super) struct Clock {
    pub(super) number: String,
    pub(super) metric: String,
    /// Class and words: late, running, paused, and how it ended.
    pub(super) standing: (&'static str, String),
    pub(super) due: Option<(String, String)>,
    pub(super) used: String,
    pub(super) policy: String,
}

/// `GET …/clocks`.
pub(super) async fn page(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Response {
    let f = match Frame::new(&shared, &tenant, &headers, Here::Clocks).await {
        Ok(frame) => frame,
        Err(failed) => return *failed,
    };
    let rows = render(&shared, &f, &filter).await;
    let cursor = filter.cursor.as_deref().map(|cursor| format!("cursor={}", form::in_address(cursor)));
    html(&Page { f, address: cursor.unwrap_or_default(), rows })
}

/// `GET …/tiles/clocks`.
pub(super) async fn tile(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Response {
    match Frame::part(&tenant, &headers, Here::Clocks) {
        Ok(frame) => Html(render(&shared, &frame, &filter).await).into_response(),
        Err(failed) => *failed,
    }
}

async fn render(shared: &Shared, f: &Frame, filter: &Filter) -> String {
    match clocks(shared, f, filter).await {
        Ok(tile) => text_of(&tile),
        Err(refusal) => failed::tile(f.t, &refusal),
    }
}

async fn clocks(shared: &Shared, f: &Frame, filter: &Filter) -> Result<Tile, Refusal> {
    let due_before = Some(Timestamp::GIVEN_LAST.0);
    let about = wire::SlaClocksQuery { due_before, ..wire::SlaClocksQuery::default() };
    let mut query = question(query::Data::SlaClocks(about));
    query.limit = Some(LIMIT);
    query.cursor.clone_from(&filter.cursor);
    let (reply, behind) = f.ask(shared, query).await?;
    let now = reply.as_of_time;
    let Some(query_reply::Data::SlaClocks(view)) = reply.data else { return Err(unexpected()) };
    Ok(Tile {
        t: f.t,
        tenant: f.tenant.to_string(),
        clocks: view.clocks.iter().map(|clock| Clock::new(f.t, clock, now)).collect(),
        next: reply.next_cursor.map(|cursor| form::in_address(&cursor)),
        first: filter.cursor.is_some(),
        fresh: Fresh::new(f.t, behind),
    })
}

impl Clock {
    pub(super) fn new(t: &Text, clock: &wire::SlaClockView, now: i64) -> Self {
        let span = |seconds: u64| form::span(t, seconds.saturating_mul(1000));
        let target = u64::from(clock.target_s);
        let late = clock.consumed_s.saturating_sub(target);
        let standing = match clock.state() {
            SlaClockState::Running
                if clock.breached_at.is_some() || clock.due_at.is_some_and(|due| due < now) =>
            {
                ("late", fill(t.late_by, &[&span(late)]))
            }
            SlaClockState::Running => ("runs", fill(t.time_left, &[&span(clock.remaining_s)])),
            SlaClockState::Paused => ("paused", fill(t.stands_still, &[&span(clock.remaining_s)])),
            SlaClockState::Met => ("met", t.kept.to_owned()),
            SlaClockState::Breached => ("late", t.broken.to_owned()),
            SlaClockState::Voided => ("paused", t.voided.to_owned()),
            SlaClockState::Cancelled | SlaClockState::Unspecified => ("paused", t.came_to_nothing.to_owned()),
        };
        let metric = SlaMetric::from_wire(clock.metric).map_or(form::NOTHING, |metric| t.metric(metric));
        Self {
            number: clock.number.clone(),
            metric: if clock.instance > 1 {
                format!("{metric} {}", clock.instance)
            } else {
                metric.to_owned()
            },
            standing,
            due: clock.due_at.map(|at| (form::machine(at), form::minute(at))),
            used: fill(t.used_of, &[&span(clock.consumed_s), &span(target)]),
            policy: clock.policy.clone(),
        }
    }
}
