//! The figures that the desk published, one column each, under the titles that it gave them.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse as _, Response};
use guichet_schemas::wire::{self, query, query_reply};

use super::frame::{Behind, Frame, Here, question, unexpected};
use super::fresh::Fresh;
use super::reports::{Filter, Span, filter};
use super::text::{Text, fill};
use super::{failed, form, text_of};
use crate::refusal::Refusal;
use crate::shared::Shared;

/// Figures of one page: each is a question of its own.
const SHOWN_MAX: usize = 12;

#[derive(Template)]
#[template(path = "tiles/figures.html")]
struct Figures {
    t: &'static Text,
    columns: Vec<Column>,
    rows: Vec<Row>,
    /// That there are more than are shown.
    more: Option<String>,
    fresh: Fresh,
}

struct Column {
    name: String,
    title: String,
    is_duration: bool,
}

struct Row {
    period: String,
    from: String,
    running: bool,
    values: Vec<String>,
}

/// `GET …/tiles/figures`.
pub(super) async fn tile(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(asked): Query<Filter>,
    headers: HeaderMap,
) -> Response {
    match Frame::part(&tenant, &headers, Here::Overview) {
        Ok(frame) => Html(render(&shared, &frame, asked.period).await).into_response(),
        Err(failed) => *failed,
    }
}

/// Nothing at a desk that published none.
pub(super) async fn render(shared: &Shared, f: &Frame, period: Span) -> String {
    match figures(shared, f, period).await {
        Ok(Some(figures)) => text_of(&figures),
        Ok(None) => String::new(),
        Err(refusal) => failed::tile(f.t, &refusal),
    }
}

async fn figures(shared: &Shared, f: &Frame, period: Span) -> Result<Option<Figures>, Refusal> {
    let (reply, mut behind) = f.ask(shared, question(query::Data::Figures(wire::FiguresQuery {}))).await?;
    let Some(query_reply::Data::Figures(view)) = reply.data else { return Err(unexpected()) };
    let t = f.t;
    let (mut columns, mut rows) = (Vec::new(), Vec::new());
    for figure in view.figures.iter().take(SHOWN_MAX) {
        let (report, at) = one(shared, f, period, figure).await?;
        behind = at;
        add(t, &mut rows, &report);
        columns.push(Column {
            name: figure.figure.clone(),
            title: title(t, figure),
            is_duration: report.rows.iter().any(|row| row.duration.is_some()),
        });
    }
    if columns.is_empty() {
        return Ok(None);
    }
    let more = view.figures.len().saturating_sub(SHOWN_MAX);
    let more = (more > 0).then(|| fill(t.figures_more, &[&form::count(t, more as u64)]));
    Ok(Some(Figures { t, columns, rows, more, fresh: Fresh::new(t, behind) }))
}

async fn one(
    shared: &Shared,
    f: &Frame,
    period: Span,
    figure: &wire::FigureView,
) -> Result<(wire::FigureReport, Behind), Refusal> {
    let query = wire::ReportQuery { figure: Some(figure.figure.clone()), ..filter(period) };
    let (reply, behind) = f.ask(shared, question(query::Data::ReportFigure(query))).await?;
    let Some(query_reply::Data::ReportFigure(report)) = reply.data else { return Err(unexpected()) };
    Ok((report, behind))
}

/// The rows of every figure are of the same periods.
fn add(t: &Text, rows: &mut Vec<Row>, report: &wire::FigureReport) {
    if rows.is_empty() {
        rows.extend(report.rows.iter().map(|row| Row {
            period: row.period.clone(),
            from: form::machine(row.from),
            running: row.running,
            values: Vec::new(),
        }));
    }
    for (row, found) in rows.iter_mut().zip(&report.rows) {
        row.values.push(value(t, found));
    }
}

fn value(t: &Text, row: &wire::FigureRow) -> String {
    match &row.duration {
        None => form::count(t, row.count),
        Some(took) => took.p50.map_or_else(
            || form::NOTHING.to_owned(),
            |seconds| format!("{} ({})", form::span(t, (seconds * 1_000.0) as u64), form::count(t, took.n)),
        ),
    }
}

fn title(t: &Text, figure: &wire::FigureView) -> String {
    let french = figure.title_fr.as_ref().filter(|_| t.lang == "fr");
    french.unwrap_or(&figure.title_en).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_told_by_its_median_and_how_many_there_are() {
        let t = super::super::text::by_code("en").unwrap();
        let mut row = wire::FigureRow { count: 1_234, ..wire::FigureRow::default() };
        assert_eq!(value(t, &row), form::count(t, 1_234));
        row.duration = Some(wire::Durations { n: 2, p50: Some(90.0), ..wire::Durations::default() });
        assert_eq!(value(t, &row), format!("{} (2)", form::span(t, 90_000)));
        row.duration = Some(wire::Durations::default());
        assert_eq!(value(t, &row), form::NOTHING);
    }

    #[test]
    fn a_title_is_in_the_language_of_the_page_where_there_is_one() {
        let mut figure = wire::FigureView { title_en: "Held".to_owned(), ..wire::FigureView::default() };
        let of =
            |lang: &str, figure: &wire::FigureView| title(super::super::text::by_code(lang).unwrap(), figure);
        assert_eq!(of("fr", &figure), "Held");
        figure.title_fr = Some("Retenus".to_owned());
        assert_eq!((of("fr", &figure), of("en", &figure)), ("Retenus".to_owned(), "Held".to_owned()));
    }
}
