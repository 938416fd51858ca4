//! The queue board: a row per group or per agent, and the sum of all.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse as _, Response};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::{self, query, query_reply};
use guichet_schemas::words::QueueBy;
use serde::Deserialize;

use super::failed;
use super::form;
use super::frame::{Frame, Here, question, unexpected};
use super::fresh::Fresh;
use super::text::{Text, fill};
use super::text_of;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// By what the board makes a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BoardBy {
    #[default]
    Group,
    Agent,
}

impl BoardBy {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Agent => "agent",
        }
    }

    const fn wire(self) -> QueueBy {
        match self {
            Self::Group => QueueBy::Group,
            Self::Agent => QueueBy::Agent,
        }
    }

    pub(super) fn is(self, word: &str) -> bool {
        self.word() == word
    }
}

/// Rows on a page.
const LIMIT: u32 = 200;

/// Which rows: what the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    pub(super) by: BoardBy,
    pub(super) rows: Option<String>,
}

impl Filter {
    /// The tile's question, besides `by`.
    pub(super) fn address(&self) -> String {
        self.rows.as_deref().map(|rows| format!("&rows={}", form::in_address(rows))).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "tiles/board.html")]
struct Board {
    t: &'static Text,
    tenant: String,
    by: BoardBy,
    rows: Vec<Row>,
    total: Row,
    /// There are other pages, so the total is of this one.
    is_part: bool,
    next: Option<String>,
    first: bool,
    fresh: Fresh,
}

/// A row as it is read.
#[derive(Debug, Default)]
struct Row {
    /// Its name; the address of the queue; the id of the element.
    name: String,
    is_nameless: bool,
    address: String,
    id: String,
    tickets: String,
    states: Vec<Cell>,
    priorities: Vec<Cell>,
    unassigned: Cell,
    oldest: Option<Head>,
    due: Option<Head>,
    overdue: Option<String>,
    /// Tickets whose reopening is held.
    held: Option<String>,
    bar: Vec<Piece>,
}

/// A count; zero is quiet.
#[derive(Debug, Default)]
struct Cell {
    text: String,
    is_zero: bool,
}

/// The ticket at the head of a row.
#[derive(Debug)]
struct Head {
    number: String,
    at: String,
    /// The instant, and how far it is from now.
    minute: String,
    apart: String,
}

/// A part of the small bar of priorities, in hundredths of the largest row.
#[derive(Debug)]
struct Piece {
    word: &'static str,
    x: String,
    width: String,
}

/// `GET …/tiles/board`.
pub(super) async fn tile(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Response {
    match Frame::part(&tenant, &headers, Here::Overview) {
        Ok(frame) => Html(render(&shared, &frame, &filter).await).into_response(),
        Err(failed) => *failed,
    }
}

pub(super) async fn render(shared: &Shared, f: &Frame, filter: &Filter) -> String {
    match board(shared, f, filter).await {
        Ok(board) => text_of(&board),
        Err(refusal) => failed::tile(f.t, &refusal),
    }
}

async fn board(shared: &Shared, f: &Frame, filter: &Filter) -> Result<Board, Refusal> {
    let by = filter.by;
    let mut query = question(query::Data::Queues(wire::QueuesQuery { by: Some(by.wire().to_wire()) }));
    query.limit = Some(LIMIT);
    query.cursor.clone_from(&filter.rows);
    let (reply, behind) = f.ask(shared, query).await?;
    let Some(query_reply::Data::Queues(view)) = reply.data else { return Err(unexpected()) };
    let largest = view.queues.iter().map(|row| row.tickets).max().unwrap_or(0);
    let rows = view.queues.iter().map(|row| Row::new(f, by, row, reply.as_of_time, largest)).collect();
    let total = Row::new(f, by, &sum(&view.queues), reply.as_of_time, 0);
    let (first, next) = (filter.rows.is_some(), reply.next_cursor.map(|cursor| form::in_address(&cursor)));
    Ok(Board {
        t: f.t,
        tenant: f.tenant.to_string(),
        by,
        rows,
        total,
        is_part: first || next.is_some(),
        next,
        first,
        fresh: Fresh::new(f.t, behind),
    })
}

impl Row {
    fn new(f: &Frame, by: BoardBy, row: &wire::QueueRow, now: i64, largest: u64) -> Self {
        let t = f.t;
        let (named, nameless) = match by {
            BoardBy::Group => (row.group.as_deref(), t.no_group),
            BoardBy::Agent => (row.agent.as_deref(), t.no_agent),
        };
        let filter = match (by, named) {
            (_, Some(name)) => format!("{}={}", by.word(), form::in_address(name)),
            (BoardBy::Group, None) => "without_group=true".to_owned(),
            (BoardBy::Agent, None) => "unassigned=true".to_owned(),
        };
        let states = row.by_status.unwrap_or_default();
        let priorities = row.by_priority.unwrap_or_default();
        Self {
            name: named.unwrap_or(nameless).to_owned(),
            is_nameless: named.is_none(),
            address: format!("/desk/{}/queue?{filter}", f.tenant),
            id: format!("q-{}", named.map_or_else(|| "none".to_owned(), form::in_address)),
            tickets: form::count(t, row.tickets),
            states: [states.new, states.open, states.pending, states.hold].map(|n| Cell::new(t, n)).into(),
            priorities: [priorities.urgent, priorities.high, priorities.normal, priorities.low]
                .map(|n| Cell::new(t, n))
                .into(),
            unassigned: Cell::new(t, row.unassigned),
            oldest: row.oldest.as_ref().map(|head| Head::new(t, head, now)),
            due: row.nearest_due.as_ref().map(|head| Head::new(t, head, now)),
            overdue: (row.overdue > 0).then(|| fill(t.overdue, &[&form::count(t, row.overdue)])),
            held: (row.reopen_held > 0)
                .then(|| fill(t.waits_for_person, &[&form::count(t, row.reopen_held)])),
            bar: bar(&priorities, largest),
        }
    }
}

impl Cell {
    fn new(t: &Text, n: u64) -> Self {
        Self { text: form::count(t, n), is_zero: n == 0 }
    }
}

impl Head {
    fn new(t: &Text, head: &wire::QueueHead, now: i64) -> Self {
        let apart = head.at.abs_diff(now);
        Self {
            number: head.number.clone(),
            at: form::machine(head.at),
            minute: form::minute(head.at),
            apart: form::span(t, apart),
        }
    }
}

/// Urgent first, so that what burns stands at the edge where the eye begins.
fn bar(priorities: &wire::PriorityCounts, largest: u64) -> Vec<Piece> {
    let counts = [
        ("urgent", priorities.urgent),
        ("high", priorities.high),
        ("normal", priorities.normal),
        ("low", priorities.low),
    ];
    let mut x = 0.0;
    let mut pieces = Vec::new();
    for (word, n) in counts {
        if n > 0 && largest > 0 {
            let width = n as f64 * 100.0 / largest as f64;
            pieces.push(Piece { word, x: format!("{x:.2}"), width: format!("{width:.2}") });
            x += width;
        }
    }
    pieces
}

fn sum(rows: &[wire::QueueRow]) -> wire::QueueRow {
    let mut all = wire::QueueRow::default();
    let (mut states, mut priorities) = (wire::StatusCounts::default(), wire::PriorityCounts::default());
    for row in rows {
        all.tickets += row.tickets;
        all.unassigned += row.unassigned;
        all.overdue += row.overdue;
        all.reopen_held += row.reopen_held;
        let (s, p) = (row.by_status.unwrap_or_default(), row.by_priority.unwrap_or_default());
        states.new += s.new;
        states.open += s.open;
        states.pending += s.pending;
        states.hold += s.hold;
        priorities.low += p.low;
        priorities.normal += p.normal;
        priorities.high += p.high;
        priorities.urgent += p.urgent;
    }
    all.by_status = Some(states);
    all.by_priority = Some(priorities);
    all.oldest = rows.iter().filter_map(|r| r.oldest.clone()).min_by_key(|head| head.at);
    all.nearest_due = rows.iter().filter_map(|r| r.nearest_due.clone()).min_by_key(|head| head.at);
    all
}
