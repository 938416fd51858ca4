//! How a refusal leaves: the number and the JSON of the contract, whoever refused.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use guichet_schemas::codec::{Encoding, encode_query_reply, error_to_wire};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire::{self, QueryReply, query_reply};

/// A no, with its number.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// Boxed: a refusal travels as the rare other half of many results.
    pub(crate) error: Box<wire::Error>,
}

impl Refusal {
    /// A refusal that only HTTP knows: the contract's codes begin behind the door.
    pub(crate) fn at_the_door(status: StatusCode, code: &str, message: &str) -> Self {
        let error = Box::new(wire::Error {
            code: code.to_owned(),
            message: message.to_owned(),
            details: Some(wire::ErrorDetails::default()),
            ..Default::default()
        });
        Self { status, error }
    }

    /// There is no such page or route.
    pub(crate) fn nothing_here() -> Self {
        Rejection::NotFound { what: "what this address names".to_owned() }.into()
    }

    /// When to come back, in whole seconds, where that is known.
    pub(crate) fn retry_after(&self) -> Option<HeaderValue> {
        self.error.retry_after_ms.map(|wait| HeaderValue::from(wait.div_ceil(1000)))
    }

    /// The JSON of the contract.
    pub(crate) fn body(&self) -> Bytes {
        let reply =
            QueryReply { data: Some(query_reply::Data::Error((*self.error).clone())), ..Default::default() };
        encode_query_reply(&reply, Encoding::Json)
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        let status = StatusCode::from_u16(rejection.number()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, error: Box::new(error_to_wire(&rejection)) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = json(self.status, self.body());
        if let Some(wait) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A body that is JSON already.
pub(crate) fn json(status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, Encoding::JSON)], body).into_response()
}
