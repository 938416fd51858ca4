//! The client of the desk: commands and queries over NATS, and the stream of events; and how every tool speaks to a
//! person: its [`output`], its [`exit`] code, and the [`which`] that names a ticket. Apart from the importer, no other
//! tool knows NATS.
//!
//! A time-out means *unknown*, never *no*: [`Client::command_patiently`] sends the same command id again
//! until there is an answer, which is always safe.

mod access;
mod args;
mod attachments;
mod context;
mod denied;
mod error;
pub mod exit;
mod log;
mod options;
pub mod output;
mod reading;
mod republish;
mod reveal;
mod secret;
mod server;
mod stream;
pub mod which;

use std::time::Duration;

use async_nats::client::{Request, RequestErrorKind};
use async_nats::service::NATS_SERVICE_ERROR;
use async_nats::{HeaderMap, Message, jetstream};
use bytes::Bytes;
use guichet_schemas::codec::Encoding;
use guichet_schemas::command::Entity;
use guichet_schemas::ids::{CallerId, TenantId, TicketId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::Partition;
use guichet_schemas::wire::{command_reply, query_reply};
use guichet_schemas::{subject, wire};
use prost::Message as _;
use tokio::time::{Instant, sleep};

pub use self::access::AccessArgs;
pub use self::args::{ConnectArgs, TOOLS_INBOX, TOOLS_KEY, options_within};
pub use self::denied::{Act, Denial, Refusals};
pub use self::error::ClientError;
pub use self::log::Tiles;
pub use self::options::{ConnectOptions, Credentials};
pub use self::reading::Reading;
pub use self::republish::{REPLAY_HEADER, Republisher};
pub use self::reveal::Revealing;
pub use self::secret::{Login, Secret};
pub use self::server::{NamedBy, Server};
pub use self::stream::{EventStream, Messages, Published};
use crate::which::Which;

/// First pause between two attempts; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How long a read model may take to see what the log holds.
const CATCH_UP_MAX: Duration = Duration::from_secs(5);
/// The one partition there is until scale-out.
const PARTITION: Partition = Partition(0);

/// A connection to a desk, as one caller of one tenant.
///
/// ```no_run
/// use guichet_client::{Client, ClientError, ConnectOptions};
/// use guichet_schemas::ids::{CallerId, TenantId};
///
/// # async fn example() -> Result<(), ClientError> {
/// let caller = CallerId::parse("robot").expect("a token");
/// let client = Client::connect(ConnectOptions::to("nats://127.0.0.1:4222"), TenantId::default_tenant(), caller).await?;
/// let ticket = client.find("T-42".parse().expect("a ticket")).await?;
/// # let _ = ticket;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    nats: async_nats::Client,
    server: Server,
    refusals: Refusals,
    /// Prefix of the subjects of answers to us.
    inbox: String,
    tenant: TenantId,
    caller: CallerId,
    timeout: Duration,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Nobody answers there, or the server does not let us in.
    pub async fn connect(
        options: ConnectOptions,
        tenant: TenantId,
        caller: CallerId,
    ) -> Result<Self, ClientError> {
        let refusals = Refusals::default();
        let nats = options.connect(&refusals).await?;
        let ConnectOptions { server, credentials, timeout } = options;
        let inbox = credentials.inbox_prefix.unwrap_or_else(|| "_INBOX".to_owned());
        Ok(Self { nats, server, refusals, inbox, tenant, caller, timeout })
    }

    /// The connection itself, for the importer.
    #[must_use]
    pub fn nats(&self) -> async_nats::Client {
        self.nats.clone()
    }

    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    #[must_use]
    pub const fn caller(&self) -> &CallerId {
        &self.caller
    }

    /// How long one request waits for its answer.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends a command once.
    ///
    /// # Errors
    /// No answer. After a time-out the outcome is unknown: send the same command id again.
    pub async fn command(
        &self,
        entity: Entity,
        verb: &str,
        command: wire::Command,
    ) -> Result<wire::CommandReply, ClientError> {
        self.send(entity, verb, command.encode_to_vec().into()).await
    }

    /// Sends a command, again and again under the same id, until its outcome is known.
    ///
    /// # Errors
    /// No engine gave an outcome within `patience`; what the last attempt met.
    pub async fn command_patiently(
        &self,
        entity: Entity,
        verb: &str,
        command: wire::Command,
        patience: Duration,
    ) -> Result<wire::CommandReply, ClientError> {
        let body: Bytes = command.encode_to_vec().into();
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = self.send(entity, verb, body.clone()).await;
            let at_least = match &answer {
                Ok(reply) => match passing(reply) {
                    Some(error) => Duration::from_millis(error.retry_after_ms.unwrap_or(0)),
                    None => return answer,
                },
                Err(error) if error.is_passing() => Duration::ZERO,
                Err(_) => return answer,
            };
            let wait = pause.max(at_least).min(PAUSE_MAX);
            if started.elapsed() + wait > patience {
                return answer;
            }
            sleep(wait).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Asks a read model, and again for as long as one answer may take where it is busy.
    ///
    /// # Errors
    /// No answer. A refusal is an answer.
    pub async fn query(&self, name: &str, query: wire::Query) -> Result<wire::QueryReply, ClientError> {
        // The read model may wait itself before it answers.
        let waits = Duration::from_millis(query.wait_ms.unwrap_or(0));
        let subject = subject::query(&self.tenant, &self.caller, name);
        let body: Bytes = query.encode_to_vec().into();
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let patience = self.timeout.saturating_add(waits);
            let payload = self.request(subject.clone(), body.clone(), patience).await?;
            let reply = wire::QueryReply::decode(payload)
                .map_err(|e| self.strange(format!("the answer to query {name}"), &e))?;
            let busy = matches!(&reply.data, Some(query_reply::Data::Error(error)) if error.code == "busy");
            if !busy || started.elapsed().saturating_add(pause) > self.timeout {
                return Ok(reply);
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }

    /// Asks a read model and takes a refusal for an error.
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub async fn ask(&self, name: &str, query: wire::Query) -> Result<wire::QueryReply, ClientError> {
        let reply = self.query(name, query).await?;
        match reply.data {
            Some(query_reply::Data::Error(error)) => {
                Err(ClientError::Refused { code: error.code, message: error.message })
            }
            Some(_) | None => Ok(reply),
        }
    }

    /// The ticket that a person named. A number that the read model does not know may be of a ticket that it has
    /// not seen yet: then it gets time to see all that the log holds now.
    ///
    /// # Errors
    /// There is none, or no read model answers.
    pub async fn find(&self, which: Which) -> Result<TicketId, ClientError> {
        match which {
            Which::Id(id) => Ok(id),
            Which::Number(_) => self.find_by(which.query()).await,
        }
    }

    /// The ticket that a question names, as [`Self::find`].
    ///
    /// # Errors
    /// There is none, or no read model answers.
    pub async fn find_by(&self, query: wire::TicketQuery) -> Result<TicketId, ClientError> {
        let query = wire::Query { data: Some(wire::query::Data::Ticket(query)), ..wire::Query::default() };
        let mut answer = self.ask("ticket", query.clone()).await;
        if matches!(&answer, Err(ClientError::Refused { code, .. }) if code == "not_found")
            // Whoever may not read the log, or finds no engine, is left with what the read model says.
            && let Ok(head) = self.head().await
        {
            let wait_ms = u64::try_from(CATCH_UP_MAX.as_millis()).ok();
            answer = self.ask("ticket", wire::Query { min_position: Some(head), wait_ms, ..query }).await;
        }
        match answer?.data {
            Some(query_reply::Data::Ticket(view)) => TicketId::from_wire(view.ticket_id)
                .map_err(|e| self.strange("the answer to query ticket".to_owned(), &e)),
            Some(_) | None => {
                Err(self.strange("the answer to query ticket".to_owned(), &"it holds no ticket"))
            }
        }
    }

    /// The newest position in the log; 0: none.
    pub async fn head(&self) -> Result<u64, ClientError> {
        // There is no position 0, so no record comes along.
        let request = wire::LogRequest { from: 0, max_events: 1, max_bytes: 1 };
        let payload = self.serve(subject::log(PARTITION), request.encode_to_vec().into()).await?;
        let batch = wire::LogBatch::decode(payload)
            .map_err(|e| self.strange("the answer of the log".to_owned(), &e))?;
        Ok(batch.head)
    }

    /// JetStream, with our time-out.
    fn jetstream(&self) -> jetstream::Context {
        let mut context = jetstream::new(self.nats.clone());
        context.set_timeout(self.timeout);
        context
    }

    async fn send(&self, entity: Entity, verb: &str, body: Bytes) -> Result<wire::CommandReply, ClientError> {
        let subject = subject::command(&self.tenant, &self.caller, entity, verb);
        let payload = self.request(subject, body, self.timeout).await?;
        let reply = wire::CommandReply::decode(payload)
            .map_err(|e| self.strange(format!("the answer to {verb}"), &e))?;
        if reply.outcome.is_none() {
            return Err(
                self.strange(format!("the answer to {verb}"), &"it holds neither success nor refusal")
            );
        }
        Ok(reply)
    }

    /// Asks one of the services whose refusals have no body, and comes back for as long as one answer may take where
    /// it is busy.
    async fn serve(&self, subject: String, body: Bytes) -> Result<Bytes, ClientError> {
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let message = self.message(subject.clone(), body.clone(), self.timeout).await?;
            let header =
                |name| message.headers.as_ref().and_then(|h| h.get(name)).map(|v| v.as_str().to_owned());
            let Some(code) = header(NATS_SERVICE_ERROR) else { return Ok(message.payload) };
            if code != "busy" || started.elapsed().saturating_add(pause) > self.timeout {
                let message = format!("{subject} refused");
                return Err(ClientError::Refused { code, message });
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }

    async fn request(&self, subject: String, body: Bytes, timeout: Duration) -> Result<Bytes, ClientError> {
        Ok(self.message(subject, body, timeout).await?.payload)
    }

    async fn message(&self, subject: String, body: Bytes, timeout: Duration) -> Result<Message, ClientError> {
        self.message_of(subject, body, timeout, None).await
    }

    async fn message_of(
        &self,
        subject: String,
        body: Bytes,
        timeout: Duration,
        access: Option<u64>,
    ) -> Result<Message, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert("Content-Type", Encoding::PROTOBUF);
        if let Some(access) = access {
            headers.insert("Guichet-Access", access.to_string());
        }
        let request = Request::new().headers(headers).payload(body).timeout(Some(timeout));
        let answer = tokio::select! {
            biased;
            answer = self.nats.send_request(subject.clone(), request) => answer,
            error = self.denied(|published| published == subject) => return Err(error),
        };
        match answer {
            Ok(message) => Ok(message),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => {
                    ClientError::NobodyListens { subject, server: self.server.clone() }
                }
                RequestErrorKind::TimedOut => ClientError::TimedOut { subject, waited: timeout },
                RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                    ClientError::TooLarge { subject, problem: error.to_string() }
                }
                RequestErrorKind::Other => {
                    ClientError::Lost { server: self.server.clone(), problem: error.to_string() }
                }
            }),
        }
    }

    /// Waits until the server refuses what we cannot go on without: to publish where this is true of the subject, or
    /// to listen to the answers.
    pub async fn denied(&self, matters: impl Fn(&str) -> bool) -> ClientError {
        let denial = self.refusals.first(|denial| match denial.act {
            Act::Publish => matters(&denial.subject),
            Act::Subscribe => denial.subject.starts_with(&self.inbox),
        });
        ClientError::Denied { denial: denial.await, server: self.server.clone() }
    }

    /// Waits for an answer of JetStream, whose silence has a reason where the server refused the question.
    pub async fn or_denied<T>(&self, answer: impl Future<Output = T>) -> Result<T, ClientError> {
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            error = self.denied(is_vital) => Err(error),
        }
    }

    /// Why an answer of this desk is of no use.
    #[must_use]
    pub fn strange(&self, what: String, problem: &dyn std::fmt::Display) -> ClientError {
        ClientError::Strange { what, server: self.server.clone(), problem: problem.to_string() }
    }
}

/// True for a request of JetStream that a reader cannot do without. The library looks at its consumer now and then; one
/// that it may not look at is rebuilt. Behind `_js.` the embedded server has them.
fn is_vital(request: &str) -> bool {
    (request.starts_with("$JS.API.") || request.starts_with("_js.")) && !request.contains(".CONSUMER.INFO.")
}

/// A refusal that says nothing about the command itself.
fn passing(reply: &wire::CommandReply) -> Option<&wire::Error> {
    match &reply.outcome {
        Some(command_reply::Outcome::Error(error))
            if matches!(error.code.as_str(), "busy" | "unavailable" | "outcome_unknown") =>
        {
            Some(error)
        }
        Some(command_reply::Outcome::Error(_) | command_reply::Outcome::Accepted(_)) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_that_pass_by_themselves_are_tried_again() {
        let refused = |code: &str| wire::CommandReply {
            outcome: Some(command_reply::Outcome::Error(wire::Error {
                code: code.to_owned(),
                ..wire::Error::default()
            })),
        };
        for (code, again) in [
            ("busy", true),
            ("unavailable", true),
            ("outcome_unknown", true),
            ("version_conflict", false),
            ("forbidden", false),
        ] {
            assert_eq!(passing(&refused(code)).is_some(), again, "{code}");
        }
    }
}
