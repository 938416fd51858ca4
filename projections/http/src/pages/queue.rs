//! One queue: its tickets in the order in which to take them, each with the score explained.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse as _, Response};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::view::readable;
use guichet_schemas::wire::{self, query, query_reply};
use guichet_schemas::words::QueueOrder;
use serde::Deserialize;

use super::failed;
use super::form;
use super::frame::{Frame, Here, question, unexpected};
use super::fresh::Fresh;
use super::text::{Text, fill};
use super::{html, text_of};
use crate::refusal::Refusal;
use crate::shared::Shared;

/// Tickets on a page.
const LIMIT: u32 = 50;

/// Which tickets, and in which order: what the address says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    order: String,
    group: Option<String>,
    agent: Option<String>,
    without_group: bool,
    unassigned: bool,
    cursor: Option<String>,
}

impl Filter {
    fn order(&self) -> QueueOrder {
        QueueOrder::parse(&self.order).unwrap_or(QueueOrder::Fifo)
    }

    /// The address of the same queue in an order, from the beginning.
    fn address(&self, order: QueueOrder) -> String {
        let mut pairs = vec![format!("order={order}")];
        pairs.extend(self.group.iter().map(|group| format!("group={}", form::in_address(group))));
        pairs.extend(self.agent.iter().map(|agent| format!("agent={}", form::in_address(agent))));
        pairs.extend(self.without_group.then(|| "without_group=true".to_owned()));
        pairs.extend(self.unassigned.then(|| "unassigned=true".to_owned()));
        pairs.join("&")
    }

    fn title(&self, t: &Text) -> String {
        match (&self.group, &self.agent) {
            (Some(name), _) | (None, Some(name)) => fill(t.queue_of, &[name]),
            (None, None) if self.without_group => t.no_group.to_owned(),
            (None, None) if self.unassigned => t.unassigned.to_owned(),
            (None, None) => t.all_queues.to_owned(),
        }
    }
}

#[derive(Template)]
#[template(path = "queue.html")]
struct Page {
    f: Frame,
    title: String,
    orders: Vec<Choice>,
    address: String,
    rows: String,
}

struct Choice {
    name: &'static str,
    address: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "tiles/queue.html")]
struct Tile {
    t: &'static Text,
    tenant: String,
    title: String,
    rows: Vec<Row>,
    next: Option<String>,
    first: Option<String>,
    fresh: Fresh,
}

struct Row {
    number: String,
    subject: String,
    priority: (&'static str, &'static str),
    state: (&'static str, &'static str),
    group: String,
    assignee: String,
    waiting: String,
    created: String,
    due: Option<(String, String)>,
    /// Since when its reopening is held.
    held: Option<(String, String)>,
    score: Option<Score>,
}

struct Score {
    points: String,
    explained: String,
    inputs: Vec<Input>,
}

struct Input {
    name: String,
    value: String,
    weight: String,
    points: String,
}

/// `GET …/queue`.
pub(super) async fn page(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Response {
    let f = match Frame::new(&shared, &tenant, &headers, Here::Queue).await {
        Ok(frame) => frame,
        Err(failed) => return *failed,
    };
    let rows = render(&shared, &f, &filter).await;
    let t = f.t;
    let orders =
        [(QueueOrder::Fifo, t.fifo), (QueueOrder::Priority, t.by_priority), (QueueOrder::Due, t.by_due)];
    let orders = orders.map(|(order, name)| Choice {
        name,
        address: filter.address(order),
        is_chosen: filter.order() == order,
    });
    let mut address = filter.address(filter.order());
    if let Some(cursor) = &filter.cursor {
        address.push_str(&format!("&cursor={}", form::in_address(cursor)));
    }
    html(&Page { title: filter.title(t), f, orders: orders.into(), address, rows })
}

/// `GET …/tiles/queue`.
pub(super) async fn tile(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Response {
    match Frame::part(&tenant, &headers, Here::Queue) {
        Ok(frame) => Html(render(&shared, &frame, &filter).await).into_response(),
        Err(failed) => *failed,
    }
}

async fn render(shared: &Shared, f: &Frame, filter: &Filter) -> String {
    match queue(shared, f, filter).await {
        Ok(tile) => text_of(&tile),
        Err(refusal) => failed::tile(f.t, &refusal),
    }
}

async fn queue(shared: &Shared, f: &Frame, filter: &Filter) -> Result<Tile, Refusal> {
    let mut query = question(query::Data::Queue(wire::QueueQuery {
        order: Some(filter.order().to_wire()),
        group: filter.group.clone(),
        agent: filter.agent.clone(),
        without_group: filter.without_group,
        unassigned: filter.unassigned,
    }));
    query.limit = Some(LIMIT);
    query.cursor.clone_from(&filter.cursor);
    let (reply, behind) = f.ask(shared, query).await?;
    let Some(query_reply::Data::Queue(view)) = reply.data else { return Err(unexpected()) };
    let same = filter.address(filter.order());
    Ok(Tile {
        t: f.t,
        tenant: f.tenant.to_string(),
        title: filter.title(f.t),
        rows: view.tickets.iter().map(|ticket| Row::new(f.t, ticket)).collect(),
        next: reply.next_cursor.map(|cursor| format!("{same}&cursor={}", form::in_address(&cursor))),
        first: filter.cursor.is_some().then_some(same),
        fresh: Fresh::new(f.t, behind),
    })
}

impl Row {
    fn new(t: &Text, entry: &wire::QueueEntry) -> Self {
        let or_nothing = |text: &Option<String>| text.clone().unwrap_or_else(|| form::NOTHING.to_owned());
        Self {
            number: entry.number.clone(),
            subject: readable(entry.subject.as_ref()).to_owned(),
            priority: form::priority_of(t, entry.priority),
            state: form::state_of(t, entry.state),
            group: or_nothing(&entry.group),
            assignee: or_nothing(&entry.assignee),
            waiting: form::span(t, entry.age_ms),
            created: form::machine(entry.created_at),
            held: entry.reopen_held_at.map(|at| (form::machine(at), form::minute(at))),
            due: entry.due_at.map(|at| (form::machine(at), form::minute(at))),
            score: entry.score.as_ref().map(|score| Score::new(t, &entry.number, score)),
        }
    }
}

impl Score {
    fn new(t: &Text, number: &str, score: &wire::Score) -> Self {
        let inputs = score.inputs.iter().map(|input| Input {
            name: t.score_input(&input.name).to_owned(),
            value: form::decimal(t, input.value, 1),
            weight: form::decimal(t, input.weight, usize::from(input.weight.fract() != 0.0)),
            points: form::decimal(t, input.points, 1),
        });
        Self {
            points: form::decimal(t, score.points, 1),
            explained: fill(t.score_explained, &[number]),
            inputs: inputs.collect(),
        }
    }
}
