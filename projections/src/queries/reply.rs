//! How an answer leaves: body in the encoding of the request, errors in headers too.

use async_nats::HeaderMap;
use async_nats::service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE, Request};
use bytes::Bytes;
use guichet_schemas::codec::{Encoding, encode_query_reply, error_to_wire};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire::{QueryReply, query_reply};

pub(super) async fn accepted(request: &Request, encoding: Encoding, body: Bytes) {
    send(request, body, headers(encoding)).await;
}

pub(super) async fn refused(request: &Request, encoding: Encoding, rejection: &Rejection) {
    let mut headers = headers(encoding);
    // Fixed words only: a header that held a line break of a caller's text would panic in the client library.
    headers.insert(NATS_SERVICE_ERROR, rejection.code());
    headers.insert(NATS_SERVICE_ERROR_CODE, rejection.number().to_string());
    let reply =
        QueryReply { data: Some(query_reply::Data::Error(error_to_wire(rejection))), ..Default::default() };
    send(request, encode_query_reply(&reply, encoding), headers).await;
}

fn headers(encoding: Encoding) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Content-Type", encoding.content_type());
    headers
}

async fn send(request: &Request, body: Bytes, headers: HeaderMap) {
    // The asker will time out and ask again; there is nobody else to tell.
    if let Err(error) = request.respond_with_headers(Ok(body), headers).await {
        tracing::warn!(%error, "an answer could not be sent");
    }
}
