//! The API: a request becomes a query, its answer goes back as it came. What a field means, which are unknown and
//! what is out of range is for the read models to say; here only texts become numbers and flags, by the schema.

mod attachment;
mod question;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use guichet_schemas::codec::Encoding;
use guichet_schemas::ids::TenantId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::verb::{self, Known};

use crate::packed::Packed;
use crate::refusal::{self, Refusal};
use crate::routes::{ROUTES, Route};
use crate::shared::Shared;
use crate::{access, live, openapi, turns};
use question::Fields;

type Parts = Result<Path<Vec<(String, String)>>, PathRejection>;
type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Everything below `/api`.
pub(crate) fn router(shared: Shared) -> Router<Shared> {
    let bearer = from_fn_with_state(shared.clone(), access::check_bearer);
    let turn = from_fn_with_state(shared.clone(), turns::wait);
    let bearer_or_cookie = from_fn_with_state(shared, access::check_bearer_or_cookie);
    let mut questions = Router::new();
    for route in ROUTES {
        let fields = Arc::new(Fields::of(route));
        let answer = move |state: State<Shared>, parts: Parts, pairs: Pairs| {
            let fields = Arc::clone(&fields);
            async move {
                answer(route, &fields, &state, parts, pairs).await.unwrap_or_else(Refusal::into_response)
            }
        };
        questions = questions.route(&format!("/api/v1/{{tenant}}{}", route.path), get(answer));
    }
    let questions = questions.route("/api/v1/{tenant}/reports/{name}", get(other_report));
    let files = Router::new()
        .route("/api/v1/{tenant}/tickets/{ticket}/attachments/{sha256}", get(attachment::answer))
        .route_layer(turn.clone())
        .route_layer(bearer_or_cookie.clone());
    // Only whoever has the token waits for a turn.
    let questions = questions.route_layer(turn).route_layer(bearer);
    let live = Router::new().route("/api/v1/{tenant}/live", get(live::follow)).route_layer(bearer_or_cookie);
    // The description holds no secret, and tools fetch it before they know what a token is.
    let document = Packed::new(openapi::text());
    let description = get(move |headers: HeaderMap| async move {
        let mut response = document.answer(&headers);
        let json = HeaderValue::from_static(Encoding::JSON);
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    });
    questions.merge(live).merge(files).route("/api/openapi.json", description)
}

async fn answer(
    route: &'static Route,
    fields: &Fields,
    State(shared): &State<Shared>,
    parts: Parts,
    pairs: Pairs,
) -> Result<Response, Refusal> {
    let malformed = |what: String| Refusal::from(Rejection::Malformed(what));
    let Path(parts) = parts.map_err(|e| malformed(e.body_text()))?;
    let Query(pairs) = pairs.map_err(|e| malformed(e.body_text()))?;
    let part = |name: &str| parts.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str());
    let tenant = tenant(part("tenant"))?;
    let place = route.place.parameter().map(part);
    let passed = shared
        .questions
        .pass(&tenant, route.query, fields.question(place, &pairs), question::waits(&pairs))
        .await?;
    let mut response = refusal::json(passed.status, passed.body);
    if let Some(wait) = passed.retry_after_ms {
        response.headers_mut().insert(header::RETRY_AFTER, wait.div_ceil(1000).into());
    }
    Ok(response)
}

/// A report that has no address: one of the contract that is not of this build, or none at all.
async fn other_report(Path((tenant_name, name)): Path<(String, String)>) -> Refusal {
    if let Err(refusal) = tenant(&tenant_name) {
        return refusal;
    }
    match verb::query(&format!("report_{name}")) {
        Some(Known::Built | Known::Unsupported) => {
            Rejection::Unsupported(format!("query report_{name}")).into()
        }
        None => Rejection::NotFound { what: format!("the report {name:?}") }.into(),
    }
}

/// The tenant of a path.
pub(crate) fn tenant(text: &str) -> Result<TenantId, Refusal> {
    TenantId::parse(text)
        .ok_or_else(|| Rejection::BadSubject("the tenant must match [A-Za-z0-9_-]{1,64}".to_owned()).into())
}
