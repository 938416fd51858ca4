//! The pages for people. Each is rendered here, from answers of the read models; the browser swaps the tiles that
//! something happened to. No figure is computed here that an answer does not hold.

mod assets;
mod board;
mod clocks;
mod enter;
mod failed;
mod figures;
mod find;
mod form;
mod frame;
mod fresh;
pub mod handover;
mod health;
mod knowledge;
mod queue;
mod reports;
mod sentence;
mod text;
mod ticket;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use guichet_schemas::ids::TenantId;

use crate::shared::Shared;
use frame::{Frame, Here};

pub(crate) use board::BoardBy;

/// Everything that a browser asks for.
pub(crate) fn router(shared: Shared) -> Router<Shared> {
    let turn = from_fn_with_state(shared.clone(), enter::wait);
    let enter = from_fn_with_state(shared, enter::enter);
    Router::new()
        .route("/", get(async || Redirect::to(&format!("/desk/{}/", TenantId::default_tenant()))))
        .route("/desk/{tenant}/", get(overview))
        .route("/desk/{tenant}/queue", get(queue::page))
        .route("/desk/{tenant}/clocks", get(clocks::page))
        .route("/desk/{tenant}/tickets", get(find::page))
        .route("/desk/{tenant}/tickets/{ticket}", get(ticket::page))
        .route("/desk/{tenant}/knowledge", get(knowledge::page))
        .route("/desk/{tenant}/articles/{article}", get(knowledge::article))
        .route("/desk/{tenant}/projections", get(health::page))
        .route("/desk/{tenant}/tiles/board", get(board::tile))
        .route("/desk/{tenant}/tiles/queue", get(queue::tile))
        .route("/desk/{tenant}/tiles/clocks", get(clocks::tile))
        .route("/desk/{tenant}/tiles/backlog", get(reports::backlog_tile))
        .route("/desk/{tenant}/tiles/reopen", get(reports::reopen_tile))
        .route("/desk/{tenant}/tiles/figures", get(figures::tile))
        .route("/desk/{tenant}/tiles/ticket/{ticket}", get(ticket::tile))
        .route("/desk/{tenant}/tiles/projections", get(health::tile))
        // Only whoever is let in waits for a turn.
        .route_layer(turn)
        .route_layer(enter)
        .route("/assets/{file}", get(assets::serve))
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    f: Frame,
    by: BoardBy,
    /// Which part of the board, where it has parts.
    part: String,
    period: reports::Span,
    board: String,
    backlog: String,
    reopen: String,
    /// Empty at a desk that published none.
    figures: String,
    health: String,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct OverviewFilter {
    by: BoardBy,
    rows: Option<String>,
    period: reports::Span,
}

async fn overview(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(filter): Query<OverviewFilter>,
    headers: HeaderMap,
) -> Response {
    let f = match Frame::new(&shared, &tenant, &headers, Here::Overview).await {
        Ok(frame) => frame,
        Err(failed) => return *failed,
    };
    let rows = board::Filter { by: filter.by, rows: filter.rows };
    let (board, backlog, reopen, figures, health) = tokio::join!(
        board::render(&shared, &f, &rows),
        reports::render_backlog(&shared, &f, filter.period),
        reports::render_reopen(&shared, &f, filter.period),
        figures::render(&shared, &f, filter.period),
        health::render(&shared, &f),
    );
    let part = rows.address();
    html(&Overview { f, by: filter.by, part, period: filter.period, board, backlog, reopen, figures, health })
}

/// A page or a part of one.
fn html(template: &impl Template) -> Response {
    Html(text_of(template)).into_response()
}

fn text_of(template: &impl Template) -> String {
    // Our own types always can be written; if one cannot, the page says less rather than nothing.
    template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be written");
        String::new()
    })
}
