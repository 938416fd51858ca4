//! How the read models are: how far, how sure, and what they could not fold.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse as _, Response};
use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::{self, ProjectionState, PublishingState, query, query_reply};

use super::failed;
use super::form;
use super::frame::{Frame, Here, question, unexpected};
use super::fresh::Fresh;
use super::text::{Text, fill};
use super::{html, text_of};
use crate::health::state;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// Tickets that are listed at most.
const QUARANTINED: usize = 200;

#[derive(Template)]
#[template(path = "health.html")]
struct Page {
    f: Frame,
    content: String,
}

#[derive(Template)]
#[template(path = "tiles/health.html")]
struct Tile {
    t: &'static Text,
    tenant: String,
    models: Vec<Model>,
    quarantined: Vec<Quarantined>,
    /// Says that there are more.
    more_quarantined: Option<String>,
    publishing: Option<Publishing>,
    fresh: Fresh,
}

/// How the stream keeps up with the log.
struct Publishing {
    /// As of a model.
    state: (&'static str, &'static str, &'static str),
    reason: Option<&'static str>,
    detail: Option<String>,
    since: Option<(String, String)>,
    reached: String,
}

struct Model {
    name: String,
    /// The word, for the style; a sign, so that colour is not alone; the name.
    state: (&'static str, &'static str, &'static str),
    checkpoint: String,
    lag: String,
    verified: String,
    generation: String,
    quarantined: String,
    reason: Option<String>,
    rebuild: Option<(u64, u64, String)>,
}

struct Quarantined {
    model: String,
    ticket: String,
    text: String,
}

/// `GET …/projections`.
pub(super) async fn page(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    match Frame::new(&shared, &tenant, &headers, Here::Health).await {
        Ok(f) => {
            let content = render(&shared, &f).await;
            html(&Page { f, content })
        }
        Err(failed) => *failed,
    }
}

/// `GET …/tiles/projections`.
pub(super) async fn tile(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    match Frame::part(&tenant, &headers, Here::Health) {
        Ok(f) => Html(render(&shared, &f).await).into_response(),
        Err(failed) => *failed,
    }
}

pub(super) async fn render(shared: &Shared, f: &Frame) -> String {
    match health(shared, f).await {
        Ok(tile) => text_of(&tile),
        Err(refusal) => failed::tile(f.t, &refusal),
    }
}

async fn health(shared: &Shared, f: &Frame) -> Result<Tile, Refusal> {
    let query = question(query::Data::Projections(wire::ProjectionsQuery {}));
    let (reply, behind) = f.ask(shared, query).await?;
    let Some(query_reply::Data::Projections(view)) = reply.data else { return Err(unexpected()) };
    let t = f.t;
    let quarantined = view.projections.iter().flat_map(|model| {
        model.quarantined.iter().map(|one| Quarantined {
            model: model.name.clone(),
            ticket: TicketId::from_wire(one.ticket_id.clone())
                .map_or_else(|_| String::new(), |id| id.to_string()),
            text: fill(t.stands_still_since, &[&form::count(t, one.position), &one.reason]),
        })
    });
    let mut quarantined: Vec<_> = quarantined.collect();
    let all = quarantined.len();
    quarantined.truncate(QUARANTINED);
    let more_quarantined = (all > QUARANTINED).then(|| {
        let count = |n: usize| form::count(t, n as u64);
        fill(t.quarantine_cut, &[&count(QUARANTINED), &count(all)])
    });
    Ok(Tile {
        t,
        tenant: f.tenant.to_string(),
        quarantined,
        more_quarantined,
        publishing: view.publishing.as_ref().map(|publishing| Publishing::new(t, publishing)),
        models: view.projections.iter().map(|model| Model::new(t, model)).collect(),
        fresh: Fresh::new(t, behind),
    })
}

impl Publishing {
    fn new(t: &Text, view: &wire::PublishingView) -> Self {
        let is = view.state();
        let signs = match is {
            PublishingState::Live => ("live", "●", t.publishing_live),
            PublishingState::CatchingUp => ("catching_up", "◐", t.publishing_catching_up),
            PublishingState::Standing => ("halted", "■", t.publishing_standing),
            PublishingState::Unknown | PublishingState::Unspecified => {
                ("degraded", "?", t.publishing_unknown)
            }
        };
        Self {
            state: signs,
            reason: view.reason.is_some().then(|| t.publishing_reason(view.reason())),
            detail: view.detail.clone(),
            since: view.since.map(|at| (form::machine(at), form::minute(at))),
            reached: fill(
                t.publishing_reached,
                &[&form::count(t, view.published), &form::count(t, view.head)],
            ),
        }
    }
}

impl Model {
    fn new(t: &Text, model: &wire::ProjectionView) -> Self {
        let count = |n| form::count(t, n);
        let is = model.state();
        Self {
            name: model.name.clone(),
            state: (state(is), sign(is), form::model_state(t, is)),
            checkpoint: count(model.checkpoint),
            lag: count(model.lag),
            verified: count(model.verified_position),
            generation: count(model.generation),
            quarantined: count((model.quarantined.len() as u64).saturating_add(model.quarantined_left_out)),
            reason: model.reason.clone(),
            rebuild: model.rebuild.as_ref().map(|next| {
                let said = fill(t.rebuild_progress, &[&count(next.position), &count(next.target)]);
                (next.position, next.target.max(1), said)
            }),
        }
    }
}

const fn sign(state: ProjectionState) -> &'static str {
    match state {
        ProjectionState::Live => "●",
        ProjectionState::CatchingUp => "◐",
        ProjectionState::Rebuilding => "◌",
        ProjectionState::Degraded => "▲",
        ProjectionState::Halted => "■",
        ProjectionState::Unspecified => "?",
    }
}
