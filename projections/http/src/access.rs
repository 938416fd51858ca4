//! The door: which requests come in. The API wants the token as bearer; a person's browser brings it once in a
//! link and then as a cookie that no script can read and no other site can send.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::host;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// Lets in whoever names us as ourselves.
pub(crate) async fn check_host(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).and_then(|h| h.to_str().ok());
    let named = named.or_else(|| request.uri().host());
    if named.is_some_and(|host| host::is_ours(host, &shared.names)) {
        return next.run(request).await;
    }
    let why =
        "this address is not known here by that name; use the address itself, or start with --http-name";
    Refusal::at_the_door(StatusCode::FORBIDDEN, "forbidden", why).into_response()
}

/// Lets in whoever has the token as bearer.
pub(crate) async fn check_bearer(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if has_bearer(&shared, request.headers()) { next.run(request).await } else { no_token() }
}

/// Lets in whoever has the token, as bearer or as cookie.
pub(crate) async fn check_bearer_or_cookie(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    if has_bearer(&shared, headers) || has_cookie(&shared, headers) {
        next.run(request).await
    } else {
        no_token()
    }
}

fn no_token() -> Response {
    let why = "the token is needed: Authorization: Bearer <http_token of run.json>";
    Refusal::at_the_door(StatusCode::UNAUTHORIZED, "unauthenticated", why).into_response()
}

fn has_bearer(shared: &Shared, headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let claimed = value.and_then(|v| v.split_once(' ')).filter(|(s, _)| s.eq_ignore_ascii_case("bearer"));
    claimed.is_some_and(|(_, token)| shared.token.is(token.trim()))
}

/// True where the cookie of this desk holds the token.
pub(crate) fn has_cookie(shared: &Shared, headers: &HeaderMap) -> bool {
    cookie(headers, &shared.cookie).is_some_and(|claimed| shared.token.is(claimed))
}

/// The value of a cookie.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    all.flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v)
}
