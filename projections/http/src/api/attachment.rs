//! An attachment, streamed part by part: in a browser it is a file to keep, and never something to show or to run.

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{TenantId, TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire::{self, query, query_reply};
use serde::Deserialize;

use super::tenant;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// What a restricted ticket needs.
#[derive(Debug, Deserialize)]
pub(super) struct Look {
    /// Position of the look that was recorded.
    access: Option<u64>,
}

/// `GET …/tickets/{ticket}/attachments/{sha256}`.
pub(super) async fn answer(
    State(shared): State<Shared>,
    parts: Result<Path<(String, String, String)>, PathRejection>,
    look: Result<Query<Look>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let answered = async {
        let malformed = |what: String| Refusal::from(Rejection::Malformed(what));
        let Path((tenant_name, which, sha256)) = parts.map_err(|e| malformed(e.body_text()))?;
        let Query(Look { access }) = look.map_err(|e| malformed(e.body_text()))?;
        let tenant = tenant(&tenant_name)?;
        let sha256 = Hash::parse(&sha256).ok_or_else(|| missing("the attachment"))?;
        let ticket = ticket(&shared, &tenant, &which, access).await?;
        stream_of(shared, tenant, (ticket, sha256, access), &headers).await
    };
    answered.await.unwrap_or_else(Refusal::into_response)
}

async fn stream_of(
    shared: Shared,
    tenant: TenantId,
    (ticket, sha256, access): (TicketId, Hash, Option<u64>),
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let wanted = headers.get(header::RANGE).and_then(|range| range.to_str().ok()).and_then(range);
    let from = match wanted {
        Some(Range::From(from, _)) => from,
        Some(Range::Last(_)) | None => 0,
    };
    let first = shared.questions.part(&tenant, ticket, sha256, from, access).await;
    let (mut part, size) = match first {
        // Behind its end there is nothing, which HTTP says in its own way.
        Err(refusal) if from > 0 && refusal.status == StatusCode::UNPROCESSABLE_ENTITY => {
            return Ok(StatusCode::RANGE_NOT_SATISFIABLE.into_response());
        }
        first => first?,
    };
    let (from, to) = match wanted {
        None => (0, size),
        Some(Range::From(from, last)) => (from, last.map_or(size, |last| size.min(last.saturating_add(1)))),
        Some(Range::Last(count)) => (size.saturating_sub(count), size),
    };
    if from > 0 && matches!(wanted, Some(Range::Last(_))) {
        (part, _) = shared.questions.part(&tenant, ticket, sha256, from, access).await?;
    }
    let begun = (from, Some(part));
    let parts = stream::try_unfold(begun, move |(at, ready)| {
        let (questions, tenant) = (shared.questions.clone(), tenant.clone());
        async move {
            if at >= to {
                return Ok::<_, std::io::Error>(None);
            }
            let part = match ready {
                Some(part) => part,
                None => {
                    let part = questions.part(&tenant, ticket, sha256, at, access).await;
                    part.map_err(|refusal| std::io::Error::other(refusal.error.message))?.0
                }
            };
            let left = usize::try_from(to - at).unwrap_or(usize::MAX);
            let part: Bytes = part.slice(..part.len().min(left));
            let next = at + part.len() as u64;
            Ok(Some((part, (next, None))))
        }
    });
    let mut response = Body::from_stream(parts).into_response();
    let fixed = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::CACHE_CONTROL, "no-store"),
        (header::ACCEPT_RANGES, "bytes"),
        // What is compressed on the way has no ranges.
        (header::CONTENT_ENCODING, "identity"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(to.saturating_sub(from)));
    if wanted.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let said = format!("bytes {from}-{}/{size}", to.saturating_sub(1));
        if let Ok(said) = HeaderValue::from_str(&said) {
            response.headers_mut().insert(header::CONTENT_RANGE, said);
        }
    }
    Ok(response)
}

/// The one range of a request; several, or one that we do not understand, get the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    /// From an offset to a last one, or to the end.
    From(u64, Option<u64>),
    /// So many at the end.
    Last(u64),
}

fn range(text: &str) -> Option<Range> {
    let (from, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (from.parse(), last.parse()) {
        (Ok(from), Ok(last)) if from <= last => Some(Range::From(from, Some(last))),
        (Ok(from), Err(_)) if last.is_empty() => Some(Range::From(from, None)),
        (Err(_), Ok(count)) if from.is_empty() && count > 0 => Some(Range::Last(count)),
        (_, _) => None,
    }
}

async fn ticket(
    shared: &Shared,
    tenant: &TenantId,
    which: &str,
    access: Option<u64>,
) -> Result<TicketId, Refusal> {
    if let Some(id) = TicketId::parse(which) {
        return Ok(id);
    }
    let number = TicketNumber::parse(which).ok_or_else(|| missing("the ticket"))?;
    let about = wire::TicketQuery { number: Some(number.to_string()), ..wire::TicketQuery::default() };
    let query = wire::Query { data: Some(query::Data::Ticket(about)), access, ..wire::Query::default() };
    match shared.questions.ask(tenant, query).await?.data {
        Some(query_reply::Data::Ticket(view)) => {
            TicketId::from_wire(view.ticket_id).map_err(|_| missing("the ticket"))
        }
        Some(_) | None => Err(missing("the ticket")),
    }
}

fn missing(what: &str) -> Refusal {
    Rejection::NotFound { what: what.to_owned() }.into()
}

#[cfg(test)]
mod tests {
    use super::{Range, range};

    #[test]
    fn one_range_is_understood_and_several_are_not() {
        for (text, is) in [
            ("bytes=0-0", Some(Range::From(0, Some(0)))),
            ("bytes=5-", Some(Range::From(5, None))),
            ("bytes=-7", Some(Range::Last(7))),
            ("bytes=-0", None),
            ("bytes=7-5", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
            ("bytes=-", None),
        ] {
            assert_eq!(range(text), is, "{text}");
        }
    }
}
