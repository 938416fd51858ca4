//! One question to the read models over NATS. The only place of this crate that sends requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE};
use async_nats::{Client, HeaderMap, Message, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use guichet_schemas::codec::Encoding;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CallerId, TenantId, TicketId};
use guichet_schemas::json::query::name_of;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::{self, AttachmentSubject, Carry};
use guichet_schemas::wire::{self, query_reply};
use prost::Message as _;

use crate::meters;
use crate::refusal::Refusal;

/// How long an answer may take beyond what the question itself allows it to wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// When to come back after a refusal that passes by itself.
const RETRY_AFTER_MS: u64 = 1_000;

type Outcome = Result<Arc<wire::QueryReply>, Refusal>;
/// A tenant, and the bytes of a question.
type Key = (TenantId, Vec<u8>);

/// Asks as caller `http`.
#[derive(Debug, Clone)]
pub(crate) struct Questions {
    client: Client,
    caller: CallerId,
    /// Questions under way that others may have too.
    under_way: Arc<Mutex<BTreeMap<Key, WeakShared<BoxFuture<'static, Outcome>>>>>,
}

/// The JSON of an answer, as it came, and its number.
#[derive(Debug, Clone)]
pub(crate) struct Passed {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) retry_after_ms: Option<u64>,
}

impl Questions {
    pub(crate) fn new(client: Client) -> Self {
        let caller = CallerId::parse("http").expect("http is a token");
        Self { client, caller, under_way: Arc::default() }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Passes a question in JSON on, and its answer back, without looking inside either.
    ///
    /// # Errors
    /// Nobody answered.
    pub(crate) async fn pass(
        &self,
        tenant: &TenantId,
        name: &str,
        body: String,
        waits: Duration,
    ) -> Result<Passed, Refusal> {
        let message = self.send(tenant, name, Encoding::Json, body.into(), waits).await?;
        let (status, code) = refused(&message);
        if let Some(code) = code {
            meters::refused(name, &code);
        }
        let retry_after_ms = (status == StatusCode::TOO_MANY_REQUESTS).then_some(RETRY_AFTER_MS);
        Ok(Passed { status, body: message.payload, retry_after_ms })
    }

    /// The same as [`Self::ask`], but where the same is being asked already, waits for that answer: a thousand open
    /// pages that something happened to ask one question, not a thousand. `min_position` is a part of the question,
    /// so no answer is older than what the asker knows of.
    ///
    /// # Errors
    /// Nobody answered, or the answer is no.
    pub(crate) async fn ask_together(
        &self,
        tenant: &TenantId,
        query: &wire::Query,
    ) -> Result<Arc<wire::QueryReply>, Refusal> {
        self.join(tenant, query).await
    }

    fn join(&self, tenant: &TenantId, query: &wire::Query) -> Shared<BoxFuture<'static, Outcome>> {
        let key = (tenant.clone(), query.encode_to_vec());
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let same = under_way.get(&key).and_then(WeakShared::upgrade).filter(|same| same.peek().is_none());
        if let Some(same) = same {
            return same;
        }
        let (questions, tenant, query) = (self.clone(), tenant.clone(), query.clone());
        let asking = async move { questions.ask(&tenant, query).await.map(Arc::new) }.boxed().shared();
        // What has its answer, or whose askers are all gone, is of no more use; few are under way at a time.
        under_way.retain(|_, other| other.upgrade().is_some_and(|other| other.peek().is_none()));
        if let Some(weak) = asking.downgrade() {
            under_way.insert(key, weak);
        }
        asking
    }

    /// Asks, and takes a refusal for an error.
    ///
    /// # Errors
    /// Nobody answered, or the answer is no.
    pub(crate) async fn ask(
        &self,
        tenant: &TenantId,
        query: wire::Query,
    ) -> Result<wire::QueryReply, Refusal> {
        let name = query.data.as_ref().map_or("", name_of);
        let waits = Duration::from_millis(query.wait_ms.unwrap_or(0));
        let message =
            self.send(tenant, name, Encoding::Protobuf, query.encode_to_vec().into(), waits).await?;
        let (status, _) = refused(&message);
        let reply = wire::QueryReply::decode(message.payload).map_err(|_| {
            unavailable("the answer of the read model cannot be read; is it of another version?")
        })?;
        match reply.data {
            Some(query_reply::Data::Error(error)) => {
                meters::refused(name, &error.code);
                Err(Refusal { status, error: Box::new(error) })
            }
            Some(_) => Ok(reply),
            None => Err(unavailable("the answer of the read model is empty; is it of another version?")),
        }
    }

    /// A part of an attachment, and how large the whole is.
    ///
    /// # Errors
    /// Nobody answered, or the answer is no.
    pub(crate) async fn part(
        &self,
        tenant: &TenantId,
        ticket: TicketId,
        sha256: Hash,
        offset: u64,
        access: Option<u64>,
    ) -> Result<(Bytes, u64), Refusal> {
        let (tenant, caller) = (tenant.clone(), self.caller.clone());
        let subject = AttachmentSubject { tenant, caller, ticket, sha256, act: Carry::Get, offset };
        let mut headers = HeaderMap::new();
        if let Some(access) = access {
            headers.insert("Guichet-Access", access.to_string());
        }
        let request =
            Request::new().headers(headers).inbox(self.client.new_inbox()).timeout(Some(ANSWER_WITHIN));
        let sent = self.client.send_request(subject.to_string(), request).await;
        let message = sent.map_err(|error| {
            let refusal = unavailable(match error.kind() {
                RequestErrorKind::NoResponders => {
                    "no engine answers; `guichet engine` runs one, `guichet serve` runs all"
                }
                RequestErrorKind::TimedOut => "the engine did not answer in time; ask again",
                RequestErrorKind::InvalidSubject
                | RequestErrorKind::MaxPayloadExceeded
                | RequestErrorKind::Other => "the connection to NATS is lost; it is being made again",
            });
            meters::refused("attachment", &refusal.error.code);
            refusal
        })?;
        if let (status, Some(code)) = refused(&message) {
            meters::refused("attachment", &code);
            let reply = decode_reply(&message.payload);
            let error = reply.unwrap_or_else(|| wire::Error { code, ..wire::Error::default() });
            return Err(Refusal { status, error: Box::new(error) });
        }
        let size = message.headers.as_ref().and_then(|headers| headers.get("Guichet-Size"));
        let size = size.and_then(|size| size.as_str().parse().ok());
        let size = size.filter(|_| !message.payload.is_empty());
        let size = size.ok_or_else(|| unavailable("the answer of the engine is of another version"))?;
        Ok((message.payload, size))
    }

    async fn send(
        &self,
        tenant: &TenantId,
        name: &str,
        encoding: Encoding,
        body: Bytes,
        waits: Duration,
    ) -> Result<Message, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert("Content-Type", encoding.content_type());
        // An inbox of its own, so that the server knows when the browser does not wait any more.
        let request = Request::new()
            .headers(headers)
            .payload(body)
            .inbox(self.client.new_inbox())
            .timeout(Some(ANSWER_WITHIN + waits));
        let sent = self.client.send_request(subject::query(tenant, &self.caller, name), request).await;
        sent.map_err(|error| {
            let refusal = match error.kind() {
                RequestErrorKind::NoResponders => {
                    unavailable("no read model answers; `guichet project` runs one, `guichet serve` runs all")
                }
                RequestErrorKind::TimedOut => unavailable("the read model did not answer in time; ask again"),
                RequestErrorKind::InvalidSubject => {
                    Rejection::BadSubject("the tenant is no token".to_owned()).into()
                }
                RequestErrorKind::MaxPayloadExceeded => {
                    let max = self.client.server_info().max_payload as u64;
                    Rejection::PayloadTooLarge { what: "the question", max }.into()
                }
                RequestErrorKind::Other => {
                    unavailable("the connection to NATS is lost; it is being made again")
                }
            };
            meters::refused(name, &refusal.error.code);
            refusal
        })
    }
}

/// The number of an answer, and its code where it is a no.
fn refused(message: &Message) -> (StatusCode, Option<String>) {
    let header = |name| message.headers.as_ref().and_then(|h| h.get(name)).map(|v| v.as_str());
    let number = header(NATS_SERVICE_ERROR_CODE).map(|n| n.parse::<u16>().ok());
    match number.map(|n| n.and_then(|n| StatusCode::from_u16(n).ok())) {
        None => (StatusCode::OK, None),
        Some(status) => (
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Some(header(NATS_SERVICE_ERROR).unwrap_or("unknown").to_owned()),
        ),
    }
}

/// The refusal in the body of an answer in JSON.
fn decode_reply(body: &[u8]) -> Option<wire::Error> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    let text = |name: &str| error.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    Some(wire::Error {
        code: text("code")?,
        message: text("message")?,
        field: text("field"),
        details: Some(wire::ErrorDetails::default()),
        retry_after_ms: error.get("retry_after_ms").and_then(serde_json::Value::as_u64),
    })
}

fn unavailable(reason: &str) -> Refusal {
    Rejection::Unavailable { reason: reason.to_owned(), as_of_position: None }.into()
}
