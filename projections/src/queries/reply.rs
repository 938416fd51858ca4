//! How an answer leaves: body in the encoding of the request, errors in headers too.

use std::time::Duration;

use async_nats::{HeaderMap, PublishError};
use bytes::Bytes;
use guichet_schemas::codec::{Encoding, encode_query_reply, error_to_wire};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire::{QueryReply, query_reply};
use guichet_service::Request;

/// How long a refusal at the door may take to leave: who refuses must go on receiving.
pub(super) const REFUSE_WITHIN: Duration = Duration::from_millis(250);

pub(super) async fn accepted(request: &Request, encoding: Encoding, body: Bytes) {
    note(request.answer(body, headers(encoding)).await);
}

pub(super) async fn refused(request: &Request, encoding: Encoding, rejection: &Rejection) {
    let reply =
        QueryReply { data: Some(query_reply::Data::Error(error_to_wire(rejection))), ..Default::default() };
    let body = encode_query_reply(&reply, encoding);
    note(request.refuse(rejection.number(), rejection.code(), body, headers(encoding)).await);
}

/// The same from the one task that receives: it gives up soon.
pub(super) async fn refused_at_the_door(request: &Request, encoding: Encoding, rejection: &Rejection) {
    if tokio::time::timeout(REFUSE_WITHIN, refused(request, encoding, rejection)).await.is_err() {
        tracing::debug!("a refusal has not left in time");
    }
}

fn headers(encoding: Encoding) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Content-Type", encoding.content_type());
    headers
}

fn note(sent: Result<(), PublishError>) {
    // The asker will time out and ask again; there is nobody else to tell.
    if let Err(error) = sent {
        tracing::warn!(%error, "an answer could not be sent");
    }
}
