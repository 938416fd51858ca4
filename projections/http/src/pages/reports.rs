//! The charts: backlog with its ratio, and how many resolutions did not hold. A chart is drawn from the table under
//! it, so that whoever cannot see it, or prefers figures, has the same.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse as _, Response};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::{self, query, query_reply};
use guichet_schemas::words::Period;
use serde::Deserialize;

use super::failed;
use super::form;
use super::frame::{Frame, Here, question, unexpected};
use super::fresh::Fresh;
use super::text::{Text, fill};
use super::text_of;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// Length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Span {
    Day,
    #[default]
    Week,
    Month,
}

impl Span {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    const fn wire(self) -> Period {
        match self {
            Self::Day => Period::Day,
            Self::Week => Period::Week,
            Self::Month => Period::Month,
        }
    }

    pub(super) fn is(self, word: &str) -> bool {
        self.word() == word
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    pub(super) period: Span,
}

/// A table with its chart.
#[derive(Template)]
#[template(path = "tiles/report.html")]
struct Report {
    t: &'static Text,
    /// Names the chart for the script.
    kind: &'static str,
    described: String,
    caption: &'static str,
    columns: Vec<Column>,
    rows: Vec<Row>,
    notes: Vec<&'static str>,
    fresh: Fresh,
}

/// A column; with a line, it is drawn too.
struct Column {
    name: &'static str,
    line: Option<&'static str>,
    /// The unit of the numbers: a count, a ratio or a share.
    unit: &'static str,
}

struct Row {
    period: String,
    from: String,
    mark: Option<&'static str>,
    values: Vec<Value>,
}

/// A figure as text and, for the chart, as number.
struct Value {
    text: String,
    number: Option<f64>,
    detail: Option<String>,
    /// Nothing had happened that it could tell of.
    is_empty: bool,
}

/// The rows from the first period on in which there was anything to count; the last at least.
fn begun(rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.collect();
    let first = rows.iter().position(|row| row.values.iter().any(|value| !value.is_empty));
    rows.drain(..first.unwrap_or(rows.len().saturating_sub(1)));
    rows
}

/// `GET …/tiles/backlog`.
pub(super) async fn backlog_tile(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Response {
    match Frame::part(&tenant, &headers, Here::Overview) {
        Ok(frame) => Html(render_backlog(&shared, &frame, filter.period).await).into_response(),
        Err(failed) => *failed,
    }
}

/// `GET …/tiles/reopen`.
pub(super) async fn reopen_tile(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Response {
    match Frame::part(&tenant, &headers, Here::Overview) {
        Ok(frame) => Html(render_reopen(&shared, &frame, filter.period).await).into_response(),
        Err(failed) => *failed,
    }
}

pub(super) async fn render_backlog(shared: &Shared, f: &Frame, period: Span) -> String {
    shown(f, backlog(shared, f, period).await)
}

pub(super) async fn render_reopen(shared: &Shared, f: &Frame, period: Span) -> String {
    shown(f, reopen(shared, f, period).await)
}

fn shown(f: &Frame, report: Result<Report, Refusal>) -> String {
    match report {
        Ok(report) => text_of(&report),
        Err(refusal) => failed::tile(f.t, &refusal),
    }
}

pub(super) fn filter(period: Span) -> wire::ReportQuery {
    wire::ReportQuery { period: Some(period.wire().to_wire()), ..Default::default() }
}

async fn backlog(shared: &Shared, f: &Frame, period: Span) -> Result<Report, Refusal> {
    let t = f.t;
    let (reply, behind) = f.ask(shared, question(query::Data::ReportBacklog(filter(period)))).await?;
    let Some(query_reply::Data::ReportBacklog(view)) = reply.data else { return Err(unexpected()) };
    let column = |name, line, unit| Column { name, line, unit };
    let rows = view.rows.iter().map(|row| Row {
        period: row.period.clone(),
        from: form::machine(row.from),
        mark: row.running.then_some(t.running),
        values: vec![
            Value::count(t, row.created),
            Value::count(t, row.resolved),
            Value::count(t, row.unresolved_at_end),
            Value::ratio(t, row.backlog_ratio),
            Value::count(t, row.resolve_events),
            Value::ratio(t, row.backlog_ratio_events),
            Value::count(t, row.reopened),
        ],
    });
    Ok(Report {
        t,
        kind: "backlog",
        described: fill(t.chart_of, &[t.backlog]),
        caption: t.backlog,
        columns: vec![
            column(t.created, Some("created"), "count"),
            column(t.resolved, Some("resolved"), "count"),
            column(t.left, Some("left"), "count"),
            column(t.ratio, Some("ratio"), "ratio"),
            column(t.resolve_events, None, "count"),
            column(t.ratio_events, None, "ratio"),
            column(t.reopened, None, "count"),
        ],
        rows: begun(rows),
        notes: Vec::new(),
        fresh: Fresh::new(t, behind),
    })
}

async fn reopen(shared: &Shared, f: &Frame, period: Span) -> Result<Report, Refusal> {
    let t = f.t;
    let (reply, behind) = f.ask(shared, question(query::Data::ReportReopenRate(filter(period)))).await?;
    let Some(query_reply::Data::ReportReopenRate(view)) = reply.data else { return Err(unexpected()) };
    let column = |name, line| Column { name, line: Some(line), unit: "share" };
    let rows = view.rows.iter().map(|row| Row {
        period: row.period.clone(),
        from: form::machine(row.from),
        mark: if row.running { Some(t.running) } else { row.provisional.then_some(t.provisional) },
        values: vec![Value::share(t, row.r1.as_ref()), Value::share(t, row.r2.as_ref())],
    });
    Ok(Report {
        t,
        kind: "reopen",
        described: fill(t.chart_of, &[t.reopen]),
        caption: t.reopen,
        columns: vec![column(t.r1, "r1"), column(t.r2, "r2")],
        rows: begun(rows),
        notes: vec![t.r1_help, t.r2_help],
        fresh: Fresh::new(t, behind),
    })
}

impl Value {
    fn count(t: &Text, n: u64) -> Self {
        Self { text: form::count(t, n), number: Some(n as f64), detail: None, is_empty: n == 0 }
    }

    fn ratio(t: &Text, ratio: Option<f64>) -> Self {
        let text = ratio.map_or_else(|| form::NOTHING.to_owned(), |ratio| form::decimal(t, ratio, 2));
        Self { text, number: ratio, detail: None, is_empty: ratio.is_none_or(|ratio| ratio == 0.0) }
    }

    fn share(t: &Text, ratio: Option<&wire::Ratio>) -> Self {
        let value = ratio.and_then(|ratio| ratio.value);
        let detail = ratio.filter(|r| r.denominator > 0).map(|ratio| {
            format!("{} / {}", form::count(t, ratio.numerator), form::count(t, ratio.denominator))
        });
        let text = value.map_or_else(|| form::NOTHING.to_owned(), |value| form::percent(t, value));
        Self { text, number: value, is_empty: detail.is_none(), detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(period: &str, count: u64, share: Option<(u64, u64)>) -> Row {
        let t = super::super::text::by_code("en").unwrap();
        let share = share.map(|(numerator, denominator)| wire::Ratio {
            numerator,
            denominator,
            value: (denominator > 0).then(|| numerator as f64 / denominator as f64),
            ..wire::Ratio::default()
        });
        Row {
            period: period.to_owned(),
            from: String::new(),
            mark: None,
            // A backlog of nothing has the ratio 0.
            values: vec![
                Value::count(t, count),
                Value::ratio(t, (count == 0).then_some(0.0)),
                Value::share(t, share.as_ref()),
            ],
        }
    }

    fn shown(rows: Vec<Row>) -> Vec<String> {
        begun(rows.into_iter()).into_iter().map(|row| row.period).collect()
    }

    #[test]
    fn a_chart_begins_with_the_first_event_and_leaves_out_nothing_after_it() {
        let weeks = vec![
            row("W1", 0, None),
            row("W2", 0, Some((0, 0))),
            row("W3", 0, Some((0, 4))),
            row("W4", 0, None),
            row("W5", 2, None),
        ];
        assert_eq!(shown(weeks), ["W3", "W4", "W5"], "none of four is a figure too");
        assert_eq!(shown(vec![row("W1", 0, None), row("W2", 0, None)]), ["W2"]);
        assert!(shown(Vec::new()).is_empty());
    }
}
