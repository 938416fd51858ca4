//! What the stream really holds, read by the thousand: one request, many messages (ADR-31, "batch direct get").
//!
//! An ordered consumer would do for a reader that follows. Who looks at a stretch, compares and goes away asks for
//! the stretch, and leaves nothing behind on the server.

use std::time::Duration;

use async_nats::{Client, StatusCode};
use futures_util::StreamExt as _;
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject;
use serde_json::json;

use super::bus::Stored;
use super::headers;

/// How long the server may take for the next message of an answer.
const NEXT_WITHIN: Duration = Duration::from_secs(5);
/// Bytes in one answer.
const BYTES_MAX: usize = 4 << 20;

/// No clear answer; what was asked may or may not be in the stream.
#[derive(Debug, thiserror::Error)]
#[error("read the stream from {from} on: {cause}")]
pub(crate) struct ReadError {
    from: LogPosition,
    cause: String,
}

/// Messages from a sequence on, at most so many: as they are stored, with the gaps that there are. None: the stream
/// has nothing from there on.
///
/// # Errors
/// The server does not answer, or not in full.
pub(crate) async fn read(
    client: &Client,
    partition: Partition,
    from: LogPosition,
    most: usize,
) -> Result<Vec<Stored>, ReadError> {
    let failed = |cause: String| ReadError { from, cause };
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.map_err(|e| failed(e.to_string()))?;
    let asked = json!({"seq": from.get(), "batch": most, "max_bytes": BYTES_MAX}).to_string();
    let to = format!("$JS.API.DIRECT.GET.{}", subject::stream(partition));
    client.publish_with_reply(to, inbox, asked.into()).await.map_err(|e| failed(e.to_string()))?;
    let mut found = Vec::new();
    loop {
        let next = tokio::time::timeout(NEXT_WITHIN, answers.next()).await;
        let Ok(Some(message)) = next else { return Err(failed("the server does not answer".to_owned())) };
        match message.status {
            // The end of the batch; or nothing there from the sequence on.
            Some(status) if status.as_u16() == 204 || status == StatusCode::NOT_FOUND => return Ok(found),
            Some(status) if status != StatusCode::OK => {
                let said = message.description.as_deref().unwrap_or_default();
                return Err(failed(format!("the server says {status} {said}")));
            }
            Some(_) | None => {}
        }
        let headers = message.headers.unwrap_or_default();
        let sequence = headers.get("Nats-Sequence").and_then(|s| s.as_str().parse().ok());
        let sequence = sequence.ok_or_else(|| failed("a message has no sequence".to_owned()))?;
        found.push(Stored { sequence, kept: headers::kept(&headers, message.payload) });
    }
}
