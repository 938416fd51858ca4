//! The stream itself: made as we need it, compared with the log, made anew where it is damaged.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::{self, stream};
use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{Generation, LogPosition, Partition};
use guichet_schemas::subject;

use super::headers;
use crate::halt::HaltReason;
use crate::log::StoreFault;

/// Oldest server that keeps the promises of its expected sequence (a proposal that failed moved the counter before).
const SERVER_MIN: (u32, u32, u32) = (2, 12, 8);
/// From here on no fault is known to us.
const SERVER_GOOD: (u32, u32, u32) = (2, 14, 5);

/// What the stream holds, as far as it is ours.
#[derive(Debug)]
pub(super) struct StreamState {
    pub(super) last: Option<LogPosition>,
    pub(super) last_hash: Hash,
}

/// Why the stream is not ready.
pub(super) enum Repair {
    /// No clear answer; ask again.
    Unknown(String),
    /// Not our events.
    Foreign(String),
    /// The server does not give the stream that we asked for.
    Unfit(String),
    /// The log cannot be read.
    Log(StoreFault),
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

/// Makes sure that the stream is there and as we need it, and finds its end.
pub(super) async fn open(
    context: &jetstream::Context,
    partition: Partition,
    generation: Generation,
    record: impl Fn(LogPosition) -> Result<Option<Vec<u8>>, StoreFault>,
) -> Result<StreamState, Repair> {
    let name = subject::stream(partition);
    let wanted = config(partition);
    let mut stream = match context.get_stream(&name).await {
        Ok(stream) => stream,
        Err(error) if is_missing(&error) => create(context, &wanted).await?,
        Err(error) => return Err(Repair::Unknown(format!("read the state of stream {name}: {error}"))),
    };
    let info = stream.cached_info().clone();
    if let Some(difference) = difference(&info.config, &wanted) {
        tracing::warn!(%difference, "the stream is not configured as ours; restoring it");
        if context.update_stream(&wanted).await.is_err() {
            stream = recreate(context, &name, &wanted).await?;
        }
    }
    let state = &info.state;
    // A hole, a purge or a late beginning: positions that the log has and the stream has not.
    let whole = state.messages == 0 && state.last_sequence == 0
        || state.first_sequence == 1 && state.messages == state.last_sequence;
    if !whole {
        tracing::warn!(
            first = state.first_sequence,
            last = state.last_sequence,
            messages = state.messages,
            "the stream lost messages; publishing it again from the log"
        );
        recreate(context, &name, &wanted).await?;
        return Ok(StreamState { last: None, last_hash: Hash::ZERO });
    }
    let Some(last) = LogPosition::new(state.last_sequence) else {
        return Ok(StreamState { last: None, last_hash: Hash::ZERO });
    };
    let message = stream
        .get_raw_message(last.get())
        .await
        .map_err(|e| Repair::Unknown(format!("read message {last}: {e}")))?;
    let theirs = Hash::of_record(&message.payload);
    let ours = record(last).map_err(Repair::Log)?;
    if ours.as_ref().is_some_and(|ours| Hash::of_record(ours) == theirs) {
        return Ok(StreamState { last: Some(last), last_hash: theirs });
    }
    let given_up = headers::generation(&message.headers).is_some_and(|theirs| theirs < generation);
    if given_up && begins_like(&stream, &record).await? {
        tracing::warn!(%last, "the stream is of a generation that was given up; publishing the log anew");
        recreate(context, &name, &wanted).await?;
        return Ok(StreamState { last: None, last_hash: Hash::ZERO });
    }
    match ours {
        // Ours by its own header, and not any more what that says: a disk did that, not another publisher.
        Some(ours) if hash_in(&message.headers) == Some(Hash::of_record(&ours).to_string()) => {
            tracing::warn!(
                position = last.get(),
                "the end of the stream is damaged; publishing it again from the log"
            );
            recreate(context, &name, &wanted).await?;
            Ok(StreamState { last: None, last_hash: Hash::ZERO })
        }
        Some(ours) => Err(Repair::Foreign(format!(
            "message {last} has hash {theirs}, the log has {}",
            Hash::of_record(&ours)
        ))),
        None => Err(Repair::Foreign(format!("the stream ends at {last}, beyond the log"))),
    }
}

/// True where the first message is the first record of the log: then the stream was ours once.
async fn begins_like(
    stream: &stream::Stream,
    record: &impl Fn(LogPosition) -> Result<Option<Vec<u8>>, StoreFault>,
) -> Result<bool, Repair> {
    let first = stream.get_raw_message(LogPosition::FIRST.get()).await;
    let first = first.map_err(|e| Repair::Unknown(format!("read message 1: {e}")))?;
    let ours = record(LogPosition::FIRST).map_err(Repair::Log)?;
    Ok(ours.as_deref() == Some(&first.payload[..]))
}

/// What the header of a message says that its record hashes to.
fn hash_in(headers: &HeaderMap) -> Option<String> {
    headers.get("Guichet-Hash").map(|value| value.as_str().to_owned())
}

fn config(partition: Partition) -> stream::Config {
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
        metadata: HashMap::from([("guichet.contract".to_owned(), "v1".to_owned())]),
        ..stream::Config::default()
    }
}

/// What of the returned configuration is not as asked: old servers drop what they do not know without an error.
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

async fn create(context: &jetstream::Context, wanted: &stream::Config) -> Result<stream::Stream, Repair> {
    let stream = context
        .create_stream(wanted.clone())
        .await
        .map_err(|e| Repair::Unknown(format!("create stream {}: {e}", wanted.name)))?;
    crash_point(CrashPoint::StreamCreated);
    match difference(&stream.cached_info().config, wanted) {
        None => Ok(stream),
        Some(field) => Err(Repair::Unfit(format!(
            "the server made stream {} without our {field}; it is too old or its account limits forbid it",
            wanted.name
        ))),
    }
}

async fn recreate(
    context: &jetstream::Context,
    name: &str,
    wanted: &stream::Config,
) -> Result<stream::Stream, Repair> {
    delete(context, name).await.map_err(Repair::Unknown)?;
    create(context, wanted).await
}

/// Removes a damaged stream: what is open next finds none and makes it anew.
pub(super) async fn remove(context: &jetstream::Context, partition: Partition) -> Result<(), String> {
    delete(context, &subject::stream(partition)).await
}

async fn delete(context: &jetstream::Context, name: &str) -> Result<(), String> {
    context
        .delete_stream(name)
        .await
        .map(|_| ())
        .map_err(|e| format!("delete the damaged stream {name}: {e}"))
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
}
