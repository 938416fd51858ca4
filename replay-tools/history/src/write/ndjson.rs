//! Events as CloudEvents 1.0 in their JSON format, one a line, with the attributes of the messages of the stream.

use std::io::Write;

use guichet_schemas::codec::Head;
use guichet_schemas::time::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Events;
use crate::HistoryError;
use crate::rows::{Decoded, id};

/// Writes lines.
pub struct NdjsonFile<W: Write>(pub W);

#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: Option<&'a str>,
    source: String,
    r#type: String,
    subject: &'a str,
    time: String,
    recordedtime: String,
    sequence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlationid: Option<&'a str>,
    causationid: Option<&'a str>,
    partitionkey: &'a str,
    authid: &'a str,
    actorkind: &'static str,
    actor: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    onbehalfof: Option<&'a str>,
    version: u64,
    configversion: u64,
    datacontenttype: &'static str,
    data: &'a RawValue,
}

impl<W: Write> Events for NdjsonFile<W> {
    fn event(&mut self, head: &Head<'_>, decoded: &Decoded) -> Result<(), HistoryError> {
        write(&mut self.0, head, decoded)?;
        Ok(self.0.write_all(b"\n")?)
    }

    fn end(mut self: Box<Self>) -> Result<(), HistoryError> {
        Ok(self.0.flush()?)
    }
}

/// Writes one event, without an end of the line.
///
/// # Errors
/// It cannot be written, or a field of it breaks its rule.
pub fn write(to: &mut impl Write, head: &Head<'_>, decoded: &Decoded) -> Result<(), HistoryError> {
    let mut ids = [[0_u8; 36]; 3];
    let [event_id, command_id, correlation_id] = &mut ids;
    let kind = decoded
        .actor_kind()
        .map_err(|problem| HistoryError::Record { position: head.position, problem: problem.into() })?;
    let data = serde_json::from_slice(&decoded.json).map_err(std::io::Error::other)?;
    let line = CloudEvent {
        specversion: "1.0",
        id: id(Some(head.event_id), event_id),
        source: format!("/guichet/{}", head.partition),
        r#type: format!("guichet.{}.v{}", head.r#type, head.schema_version),
        subject: head.stream_id,
        time: Timestamp(head.occurred_at).to_string(),
        recordedtime: Timestamp(head.recorded_at).to_string(),
        sequence: format!("{:020}", head.position),
        correlationid: id(head.correlation_id, correlation_id),
        causationid: id(Some(head.command_id), command_id),
        partitionkey: head.stream_id,
        authid: head.caller,
        actorkind: kind.as_str(),
        actor: &decoded.actor.id,
        onbehalfof: decoded.actor.on_behalf_of.as_deref(),
        version: head.version,
        configversion: head.config_version,
        datacontenttype: "application/json",
        data,
    };
    Ok(serde_json::to_writer(to, &line).map_err(std::io::Error::from)?)
}
