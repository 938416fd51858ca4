//! JetStream as the broker: the stream with the settings that we need, and the publishes into it.

use std::collections::HashMap;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::{
    CreateStreamErrorKind, PublishAckFuture, PublishError, PublishErrorKind,
};
use async_nats::jetstream::{self, ErrorCode, stream};
use guichet_crash::{CrashPoint, crash_point};
use guichet_proof::Authorship;
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject;

use super::bus::{Bus, Found, Kept, Message, Repair, Stored, Unrestored};
use super::healer::Healer;
use super::standing::{Reason, Signs};
use super::{ACK_TIMEOUT, WINDOW, headers, stored};
use crate::halt::HaltReason;

/// Oldest server that keeps the promises of its expected sequence (a proposal that failed moved the counter before).
const SERVER_MIN: (u32, u32, u32) = (2, 12, 8);
/// From here on no fault is known to us.
const SERVER_GOOD: (u32, u32, u32) = (2, 14, 5);

/// Name of the metadata that say whose copy a stream is.
const OWNER: &str = "guichet.log";

/// The stream of one partition over NATS.
#[derive(Clone)]
pub struct JetStream {
    client: Client,
    context: jetstream::Context,
    healer: Healer,
    partition: Partition,
    owner: String,
    signs: Signs,
}

/// The answer to one publish.
pub struct Ack(<PublishAckFuture as IntoFuture>::IntoFuture, Signs);

impl JetStream {
    /// The stream of this log.
    #[must_use]
    pub fn new(client: Client, authorship: &Authorship) -> Self {
        let context = jetstream::ContextBuilder::new()
            .timeout(ACK_TIMEOUT)
            .ack_timeout(ACK_TIMEOUT)
            .max_ack_inflight(2 * WINDOW)
            .build(client.clone());
        let (partition, owner) = (authorship.partition(), authorship.owner().to_owned());
        let healer = Healer::with(client.clone());
        Self { client, context, healer, partition, owner, signs: Signs::default() }
    }

    /// The same, healed over a connection of its own.
    #[must_use]
    pub fn healed_by(self, healer: Healer) -> Self {
        Self { healer, ..self }
    }

    pub(super) const fn signs(&self) -> &Signs {
        &self.signs
    }

    /// True where the server knows the stream.
    pub(super) async fn exists(&self) -> Result<bool, String> {
        self.look().await.map(|found| found.is_some())
    }
}

impl Bus for JetStream {
    type Ack = Ack;

    fn check_server(&self) -> Result<(), HaltReason> {
        check_server(&self.client.server_info().version)
    }

    async fn send(&self, message: Message) -> Result<Ack, String> {
        let Message { subject, headers, bytes, expected_last } = message;
        let mut publish = jetstream::message::PublishMessage::build().payload(bytes).headers(headers);
        if let Some(last) = expected_last {
            publish = publish.expected_last_sequence(last);
        }
        let ack = self.context.send_publish(subject, publish).await;
        let ack = ack.or_else(|e| self.signs.sent(Err((blame(&e), e.to_string()))))?;
        Ok(Ack(ack.into_future(), self.signs.clone()))
    }

    async fn look(&self) -> Result<Option<Found>, String> {
        let name = subject::stream(self.partition);
        let answer = match self.context.get_stream(&name).await {
            Ok(stream) => Ok(Some(found(stream.cached_info(), self.partition))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err((Reason::Unreachable, format!("read the state of stream {name}: {error}"))),
        };
        self.signs.asked(answer)
    }

    async fn make(&self) -> Result<Found, Repair> {
        let name = subject::stream(self.partition);
        let stream = self
            .context
            .create_stream(config(self.partition, &self.owner))
            .await
            .map_err(|e| (blame_create(&e), format!("create stream {name}: {e}")));
        let stream = self.signs.asked(stream).map_err(Repair::Unknown)?;
        crash_point(CrashPoint::StreamCreated);
        let found = found(stream.cached_info(), self.partition);
        match found.misfit {
            None => Ok(found),
            Some(field) => Err(Repair::Unfit(format!(
                "the server made stream {name} without our {field}; it is too old or its account limits forbid it"
            ))),
        }
    }

    async fn restore(&self) -> Result<(), Unrestored> {
        let wanted = config(self.partition, &self.owner);
        let healer = self.healer.jetstream().await.map_err(Unrestored::Unknown)?;
        let restored = healer.update_stream(&wanted).await;
        restored.map(|_| ()).map_err(|error| match blame_create(&error) {
            Reason::Refused => Unrestored::Refused(error.to_string()),
            Reason::Full | Reason::Gone | Reason::ReadOnly | Reason::Silent | Reason::Unreachable => {
                Unrestored::Unknown(error.to_string())
            }
        })
    }

    async fn remove(&self) -> Result<(), String> {
        let name = subject::stream(self.partition);
        let deleted = self.healer.jetstream().await?.delete_stream(&name).await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(format!("delete the damaged stream {name}: {error}")),
        }
    }

    async fn message(&self, sequence: u64) -> Result<Kept, String> {
        let stream = self.context.get_stream_no_info(subject::stream(self.partition)).await;
        let message = stream.map_err(|e| e.to_string())?.get_raw_message(sequence).await;
        let message = message.map_err(|e| e.to_string())?;
        Ok(headers::kept(&message.headers, message.payload))
    }

    async fn messages(&self, from: u64, most: usize) -> Result<Vec<Stored>, String> {
        let Some(from) = LogPosition::new(from) else { return Ok(Vec::new()) };
        stored::read(&self.client, self.partition, from, most).await.map_err(|e| e.to_string())
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        tokio::task::spawn_blocking(work).await.map_err(|e| e.to_string())
    }
}

impl Future for Ack {
    type Output = Result<u64, String>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = self.0.as_mut().poll(context);
        answer.map(|answer| {
            let answer = answer.map(|ack| ack.sequence);
            match &answer {
                // The stream is not where we thought: it takes what it should.
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                    self.1.sent(Ok(())).and(Err(explain(error)))
                }
                Err(error) => self.1.sent(Err((blame(error), explain(error)))),
                Ok(sequence) => self.1.sent(Ok(*sequence)),
            }
        })
    }
}

/// Why a message was not stored.
fn blame(error: &PublishError) -> Reason {
    match error.kind() {
        PublishErrorKind::StreamNotFound => Reason::Gone,
        PublishErrorKind::TimedOut | PublishErrorKind::MaxAckPending => Reason::Silent,
        PublishErrorKind::BrokenPipe => Reason::Unreachable,
        PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::WrongLastSequence
        | PublishErrorKind::MaxPayloadExceeded
        | PublishErrorKind::Other => {
            let source = std::error::Error::source(error);
            let said = source.and_then(|source| source.downcast_ref::<jetstream::Error>());
            said.map_or(Reason::Refused, |said| blame_code(said.error_code()))
        }
    }
}

/// Why a stream was not made.
fn blame_create(error: &jetstream::context::CreateStreamError) -> Reason {
    match error.kind() {
        CreateStreamErrorKind::JetStream(said) => blame_code(said.error_code()),
        CreateStreamErrorKind::TimedOut | CreateStreamErrorKind::JetStreamUnavailable => Reason::Unreachable,
        CreateStreamErrorKind::EmptyStreamName
        | CreateStreamErrorKind::InvalidStreamName
        | CreateStreamErrorKind::DomainAndExternalSet
        | CreateStreamErrorKind::Response
        | CreateStreamErrorKind::NotFound
        | CreateStreamErrorKind::ResponseParse => Reason::Refused,
    }
}

fn blame_code(code: ErrorCode) -> Reason {
    const NO_ROOM: [ErrorCode; 4] = [
        ErrorCode::INSUFFICIENT_RESOURCES,
        ErrorCode::STORAGE_RESOURCES_EXCEEDED,
        ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
        ErrorCode::STREAM_MAX_STREAM_BYTES_EXCEEDED,
    ];
    if NO_ROOM.contains(&code) {
        Reason::Full
    } else if code == ErrorCode::STREAM_NOT_FOUND {
        Reason::Gone
    } else if code == ErrorCode::JETSTREAM_NOT_ENABLED {
        Reason::Unreachable
    } else {
        Reason::Refused
    }
}

fn explain(error: &PublishError) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    match (error.kind(), wrong_last_sequence(&source)) {
        (PublishErrorKind::WrongLastSequence, Some(n)) => format!("the stream is at {n}"),
        _ => format!("{error} {source}"),
    }
}

/// The N of "wrong last sequence: N"; the client library gives it only as text.
fn wrong_last_sequence(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("wrong last sequence: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Refuses a server that is too old.
pub(super) fn check_server(version: &str) -> Result<(), HaltReason> {
    let mut parts = version.split(['.', '-', '+']).map(|p| p.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < SERVER_MIN {
        return Err(HaltReason::Nats(format!(
            "nats-server {version} is too old: 2.12.8 is the oldest whose streams can be trusted; install 2.15.1"
        )));
    }
    if found < SERVER_GOOD {
        tracing::warn!(version, "nats-server before 2.14.5 has known faults; 2.15.1 is recommended");
    }
    Ok(())
}

fn found(info: &stream::Info, partition: Partition) -> Found {
    let state = &info.state;
    Found {
        first: state.first_sequence,
        last: state.last_sequence,
        messages: state.messages,
        misfit: difference(&info.config, &config(partition, "")),
        owner: owner(&info.config),
    }
}

/// The log that a stream is a copy of, as its metadata say. Whoever may only publish cannot change them.
pub(super) fn owner(config: &stream::Config) -> Option<String> {
    config.metadata.get(OWNER).cloned()
}

fn config(partition: Partition, owner: &str) -> stream::Config {
    stream::Config {
        name: subject::stream(partition),
        description: Some(
            "Every event of this partition, in order; sequence = position in the log".to_owned(),
        ),
        subjects: vec![subject::events_of(partition)],
        retention: stream::RetentionPolicy::Limits,
        storage: stream::StorageType::File,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        // No message carries a Nats-Msg-Id: the expected sequence is stronger and costs no memory.
        duplicate_window: Duration::from_secs(1),
        metadata: HashMap::from([
            ("guichet.contract".to_owned(), "v1".to_owned()),
            (OWNER.to_owned(), owner.to_owned()),
        ]),
        ..stream::Config::default()
    }
}

/// The first setting of the returned configuration that is not as asked: old servers drop settings that they do not
/// know without an error.
fn difference(found: &stream::Config, wanted: &stream::Config) -> Option<String> {
    let unlimited = |n: i64| n <= 0;
    let checks = [
        ("subjects", found.subjects == wanted.subjects),
        ("retention", found.retention == wanted.retention),
        ("storage", found.storage == wanted.storage),
        ("deny_delete", found.deny_delete),
        ("deny_purge", found.deny_purge),
        ("allow_direct", found.allow_direct),
        ("max_messages", unlimited(found.max_messages)),
        ("max_bytes", unlimited(found.max_bytes)),
        ("max_messages_per_subject", unlimited(found.max_messages_per_subject)),
        ("max_age", found.max_age.is_zero()),
        ("sealed", !found.sealed),
    ];
    checks.iter().find(|(_, same)| !same).map(|(field, _)| (*field).to_owned())
}

fn is_missing(error: &jetstream::context::GetStreamError) -> bool {
    match error.kind() {
        jetstream::context::GetStreamErrorKind::JetStream(e) => {
            e.error_code() == jetstream::ErrorCode::STREAM_NOT_FOUND
        }
        jetstream::context::GetStreamErrorKind::EmptyName
        | jetstream::context::GetStreamErrorKind::Request
        | jetstream::context::GetStreamErrorKind::InvalidStreamName => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_refused() {
        assert!(check_server("2.12.7").is_err());
        assert!(check_server("2.9.10").is_err());
        assert!(check_server("2.12.8").is_ok());
        assert!(check_server("2.15.1-beta.1").is_ok());
    }

    #[test]
    fn the_sequence_is_read_from_the_text_of_the_error() {
        assert_eq!(wrong_last_sequence("error code 10071: wrong last sequence: 41 (400)"), Some(41));
        assert_eq!(wrong_last_sequence("wrong last sequence"), None);
    }
}
