//! Pages and tiles that have nothing to show, and say why.

use askama::Template;
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};
use guichet_schemas::ids::TenantId;

use super::text::{LANGUAGES, Text};
use super::{html, text_of};
use crate::refusal::Refusal;

#[derive(Template)]
#[template(path = "failed.html")]
struct FailedPage {
    t: &'static Text,
    title: &'static str,
    text: String,
    detail: Option<String>,
    back: Option<String>,
}

impl FailedPage {
    fn languages(&self) -> &'static [&'static Text] {
        &LANGUAGES
    }
}

#[derive(Template)]
#[template(path = "tiles/failed.html")]
struct FailedTile {
    t: &'static Text,
    text: &'static str,
    detail: Option<String>,
    retries: bool,
}

/// The page in the place of one that was refused.
pub(super) fn page(t: &'static Text, tenant: Option<&TenantId>, refusal: &Refusal) -> Response {
    let back = tenant.filter(|_| refusal.error.code == "not_found").map(|tenant| format!("/desk/{tenant}/"));
    let page = FailedPage {
        t,
        title: t.error_title,
        text: reason(t, refusal).to_owned(),
        detail: Some(refusal.error.message.clone()),
        back,
    };
    let mut response = (refusal.status, html(&page)).into_response();
    if let Some(wait) = refusal.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    response
}

/// The page for a browser without the token.
pub(super) fn door(t: &'static Text) -> Html<String> {
    Html(text_of(&FailedPage {
        t,
        title: t.door_title,
        text: t.door_text.to_owned(),
        detail: None,
        back: None,
    }))
}

/// A tile in place of an answer.
pub(super) fn tile(t: &'static Text, refusal: &Refusal) -> String {
    let built = refusal.error.code != "unsupported";
    let detail = built.then(|| refusal.error.message.clone());
    text_of(&FailedTile { t, text: reason(t, refusal), detail, retries: built })
}

fn reason(t: &'static Text, refusal: &Refusal) -> &'static str {
    match refusal.error.code.as_str() {
        "unsupported" => t.not_built,
        "not_found" => t.not_found,
        _ => t.unavailable,
    }
}
