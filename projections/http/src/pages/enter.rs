//! The door of the pages. The printed link carries the token once; the answer puts it into a cookie that no script
//! reads and no other site sends, and leads to the same page without it.

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::failed;
use super::text;
use crate::shared::Shared;
use crate::source::Source;
use crate::{access, turns};

/// A choice of language lasts a year.
const LANGUAGE_SECONDS: u32 = 365 * 24 * 3600;

/// Takes token and language out of the address; lets in who has the token.
pub(super) async fn enter(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let (found, rest) = take_out(request.uri());
    let chosen = found.language.as_deref().and_then(text::by_code);
    let brings = found.token.as_deref().is_some_and(|claimed| shared.token.is(claimed));
    if !brings && !access::has_cookie(&shared, request.headers()) {
        return closed(request.headers(), chosen.map(|t| t.lang));
    }
    if !brings && chosen.is_none() {
        return next.run(request).await;
    }
    let mut response = Redirect::to(&rest).into_response();
    if brings {
        let token = shared.token.reveal();
        set(&mut response, &format!("{}={token}; Path=/; HttpOnly; SameSite=Strict", shared.cookie));
    }
    if let Some(t) = chosen {
        let name = text::COOKIE;
        set(
            &mut response,
            &format!("{name}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={LANGUAGE_SECONDS}", t.lang),
        );
    }
    response
}

/// Lets a page wait for its turn.
pub(super) async fn wait(
    State(shared): State<Shared>,
    Extension(source): Extension<Source>,
    request: Request,
    next: Next,
) -> Response {
    match turns::take(&shared, source).await {
        Ok(_turn) => next.run(request).await,
        Err(refusal) => failed::page(text::choose(None, request.headers()), None, &refusal),
    }
}

fn set(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

fn closed(headers: &HeaderMap, language: Option<&str>) -> Response {
    let t = text::choose(language, headers);
    let mut response = (StatusCode::UNAUTHORIZED, failed::door(t)).into_response();
    // A tile of a page from before a restart: the whole page is asked again, and says what is wrong.
    if headers.contains_key("hx-request") {
        response
            .headers_mut()
            .insert(HeaderName::from_static("hx-refresh"), HeaderValue::from_static("true"));
    }
    response
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    token: Option<String>,
    language: Option<String>,
}

/// The address without what only the door reads.
fn take_out(uri: &Uri) -> (Found, String) {
    let mut found = Found::default();
    let mut rest = Vec::new();
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("token", token)) => found.token = Some(token.to_owned()),
            Some(("lang", language)) => found.language = Some(language.to_owned()),
            Some(_) | None => rest.push(pair),
        }
    }
    // Two slashes at the beginning would lead to another host.
    let path = format!("/{}", uri.path().trim_start_matches('/'));
    let rest = if rest.is_empty() { path } else { format!("{path}?{}", rest.join("&")) };
    (found, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_door_reads_leaves_the_address() {
        for (address, token, language, rest) in [
            ("/desk/a/?token=abc", Some("abc"), None, "/desk/a/"),
            (
                "/desk/a/?by=agent&lang=fr&token=abc&period=day",
                Some("abc"),
                Some("fr"),
                "/desk/a/?by=agent&period=day",
            ),
            ("/", None, None, "/"),
            ("http://h//evil.example/?token=x", Some("x"), None, "/evil.example/"),
        ] {
            let (found, left) = take_out(&address.parse().unwrap());
            assert_eq!((found.token.as_deref(), found.language.as_deref()), (token, language), "{address}");
            assert_eq!(left, rest);
        }
    }
}
