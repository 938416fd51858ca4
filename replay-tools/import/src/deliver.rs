//! Brings one command to the engine, however often that takes. The command id makes it safe: what the
//! engine took already, it answers again and does not do again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::client::{Request, RequestErrorKind};
use async_nats::{Client, HeaderMap, Subject};
use bytes::Bytes;
use guichet_schemas::codec::Encoding;
use guichet_schemas::wire;
use guichet_schemas::wire::command_reply::Outcome;
use prost::Message as _;
use tokio::time::{Instant, sleep};

use super::error::ImportError;
use super::reader::TicketRows;

/// For the first attempt; every further one may take twice as long. An answer that takes longer may still
/// come: the next attempt gets the same. Short, because an engine that was killed never answers what it had.
const FIRST_ATTEMPT: Duration = Duration::from_secs(2);
const ATTEMPT_MAX: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// A command on its way.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) external_id: String,
    pub(super) part: u32,
    pub(super) parts: u32,
    pub(super) rows: TicketRows,
    pub(super) body: Bytes,
}

#[derive(Debug)]
pub(super) enum Delivered {
    Accepted(wire::Accepted),
    Refused(Box<wire::Error>),
}

pub(super) struct Courier {
    client: Client,
    subject: Subject,
    headers: HeaderMap,
    patience: Duration,
    retries: AtomicU64,
}

impl Courier {
    pub(super) fn new(client: Client, subject: String, patience: Duration) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("Content-Type", Encoding::PROTOBUF);
        Self { client, subject: subject.into(), headers, patience, retries: AtomicU64::new(0) }
    }

    pub(super) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    pub(super) async fn deliver(&self, parcel: &Parcel) -> Result<Delivered, ImportError> {
        let started = Instant::now();
        let (mut pause, mut within) = (FIRST_PAUSE, FIRST_ATTEMPT);
        loop {
            let setback = match self.attempt(parcel, within).await? {
                Ok(delivered) => return Ok(delivered),
                Err(setback) => setback,
            };
            let wait = pause.max(setback.pause).min(PAUSE_MAX);
            let waited = started.elapsed();
            if waited.saturating_add(wait) > self.patience {
                return Err(ImportError::Unreachable {
                    external_id: parcel.external_id.clone(),
                    waited,
                    last: setback.reason,
                });
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            sleep(wait).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
            within = within.saturating_mul(2).min(ATTEMPT_MAX);
        }
    }

    async fn attempt(
        &self,
        parcel: &Parcel,
        within: Duration,
    ) -> Result<Result<Delivered, Setback>, ImportError> {
        let request =
            Request::new().headers(self.headers.clone()).payload(parcel.body.clone()).timeout(Some(within));
        let message = match self.client.send_request(self.subject.clone(), request).await {
            Ok(message) => message,
            Err(e) => {
                let reason = e.to_string();
                return match e.kind() {
                    RequestErrorKind::TimedOut | RequestErrorKind::NoResponders | RequestErrorKind::Other => {
                        Ok(Err(Setback { reason, pause: Duration::ZERO }))
                    }
                    // About this ticket alone: the import goes on with the next.
                    RequestErrorKind::MaxPayloadExceeded => {
                        Ok(Ok(Delivered::Refused(Box::new(wire::Error {
                            code: "too_large".to_owned(),
                            message: format!(
                                "the NATS server takes no command of {} bytes",
                                parcel.body.len()
                            ),
                            ..wire::Error::default()
                        }))))
                    }
                    RequestErrorKind::InvalidSubject => {
                        Err(ImportError::Request { external_id: parcel.external_id.clone(), problem: reason })
                    }
                };
            }
        };
        let strange =
            |problem: String| ImportError::Answer { external_id: parcel.external_id.clone(), problem };
        let reply = wire::CommandReply::decode(message.payload).map_err(|e| strange(e.to_string()))?;
        match reply.outcome.ok_or_else(|| strange("it holds neither success nor refusal".to_owned()))? {
            Outcome::Accepted(accepted) => Ok(Ok(Delivered::Accepted(accepted))),
            Outcome::Error(error) if is_passing(&error.code) => Ok(Err(Setback {
                reason: format!("{}: {}", error.code, error.message),
                pause: Duration::from_millis(error.retry_after_ms.unwrap_or(0)),
            })),
            Outcome::Error(error) => Ok(Ok(Delivered::Refused(Box::new(error)))),
        }
    }
}

/// Why one attempt came to nothing, and the pause that the engine asks for.
struct Setback {
    reason: String,
    pause: Duration,
}

/// Refusals that say nothing about the command.
fn is_passing(code: &str) -> bool {
    matches!(code, "busy" | "quota_exceeded" | "unavailable" | "outcome_unknown")
}
