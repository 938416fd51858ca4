//! One event as recorded: where, when, who, why, and what.

use crate::codec::DecodeError;
use crate::event::{Actor, Event};
use crate::hash::Hash;
use crate::ids::{CommandId, CorrelationId, EventId, TicketId};
use crate::mirror::Wire as _;
use crate::position::{Epoch, LogPosition, Partition, StreamVersion};
use crate::rejection::FieldError;
use crate::time::Timestamp;
use crate::wire;
use crate::words::{Channel, StreamKind};

/// An event with everything that the log knows about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Place in the whole log.
    pub position: LogPosition,
    /// Which log.
    pub partition: Partition,
    /// Which start of the engine wrote it.
    pub epoch: Epoch,
    /// Whose desk.
    pub tenant: String,
    /// What its stream is about.
    pub stream_kind: StreamKind,
    /// Lower-case UUID for a ticket; a name elsewhere.
    pub stream_id: String,
    /// Place in its stream.
    pub version: StreamVersion,
    /// Its own id.
    pub event_id: EventId,
    /// When the engine recorded it; never goes back.
    pub recorded_at: Timestamp,
    /// When it happened; differs from `recorded_at` for imports and for facts that a timer found.
    pub occurred_at: Timestamp,
    /// Who called.
    pub caller: String,
    /// Who acted, as claimed.
    pub actor: Actor,
    /// The command that it answers.
    pub command_id: CommandId,
    /// HMAC-SHA-256 of the request.
    pub request_hash: Hash,
    /// Where the contact came from.
    pub channel: Option<Channel>,
    /// What caused the command.
    pub causation_id: Option<CorrelationId>,
    /// What belongs together.
    pub correlation_id: Option<CorrelationId>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// Configuration in force; 0: the built-in defaults.
    pub config_version: u64,
    /// Hash of the previous record of the same stream.
    pub prev_hash: Hash,
    /// The source's own time of an imported fact that was lifted.
    pub source_time: Option<Timestamp>,
    /// Place among the events of its command, from 0.
    pub command_index: u32,
    /// How many events the command wrote.
    pub command_count: u32,
    /// What happened.
    pub event: Event,
}

impl Record {
    /// The ticket that it is about, if it is about one.
    #[must_use]
    pub fn ticket_id(&self) -> Option<TicketId> {
        match self.stream_kind {
            StreamKind::Ticket => TicketId::parse(&self.stream_id),
            StreamKind::Config
            | StreamKind::Directory
            | StreamKind::System
            | StreamKind::Subject
            | StreamKind::Article => None,
        }
    }

    /// The last event of its command: what follows belongs to another.
    #[must_use]
    pub const fn ends_command(&self) -> bool {
        matches!(self.command_count.checked_sub(self.command_index), Some(1))
    }

    /// The shape on the wire.
    #[must_use]
    pub fn into_wire(self) -> wire::Record {
        wire::Record {
            position: self.position.get(),
            partition: self.partition.0,
            epoch: self.epoch.0,
            tenant: self.tenant,
            stream_kind: self.stream_kind.to_wire(),
            stream_id: self.stream_id,
            version: self.version.get(),
            event_id: self.event_id.to_wire(),
            r#type: self.event.type_name().to_owned(),
            schema_version: self.event.schema_version(),
            recorded_at: self.recorded_at.0,
            occurred_at: self.occurred_at.0,
            caller: self.caller,
            actor: self.actor.to_wire(),
            command_id: self.command_id.to_wire(),
            request_hash: self.request_hash.to_wire(),
            channel: self.channel.to_wire(),
            causation_id: self.causation_id.to_wire(),
            correlation_id: self.correlation_id.to_wire(),
            traceparent: self.traceparent,
            config_version: self.config_version,
            prev_hash: self.prev_hash.to_wire(),
            source_time: self.source_time.to_wire(),
            command_index: self.command_index,
            command_count: self.command_count,
            data: Some(self.event.to_wire()),
        }
    }

    /// Takes over what the wire brought.
    ///
    /// # Errors
    /// [`DecodeError::UnknownEvent`] where a newer program wrote the event; else what is wrong with which field.
    pub fn from_wire(w: wire::Record) -> Result<Self, DecodeError> {
        let position = LogPosition::new(w.position)
            .ok_or(DecodeError::Field(FieldError::new("position", "must be at least 1")))?;
        let unknown = |reason: String| DecodeError::UnknownEvent {
            position: w.position,
            type_name: w.r#type.clone(),
            reason,
        };
        let data = w.data.ok_or_else(|| unknown("this program does not know the type".to_owned()))?;
        let event = Event::from_wire(data).map_err(|e| unknown(e.to_string()))?;
        if event.type_name() != w.r#type || event.schema_version() < w.schema_version {
            return Err(unknown(format!("schema version {} is newer than this program", w.schema_version)));
        }
        let at = |field: &'static str| move |e: FieldError| e.in_field(field);
        Ok(Self {
            position,
            partition: Partition(w.partition),
            epoch: Epoch(w.epoch),
            tenant: w.tenant,
            stream_kind: StreamKind::from_wire(w.stream_kind).map_err(at("stream_kind"))?,
            stream_id: w.stream_id,
            version: StreamVersion::new(w.version).ok_or(FieldError::new("version", "must be at least 1"))?,
            event_id: EventId::from_wire(w.event_id).map_err(at("event_id"))?,
            recorded_at: Timestamp::from_wire(w.recorded_at).map_err(at("recorded_at"))?,
            occurred_at: Timestamp::from_wire(w.occurred_at).map_err(at("occurred_at"))?,
            caller: w.caller,
            actor: Actor::from_wire(w.actor).map_err(at("actor"))?,
            command_id: CommandId::from_wire(w.command_id).map_err(at("command_id"))?,
            request_hash: Hash::from_wire(w.request_hash).map_err(at("request_hash"))?,
            channel: Option::from_wire(w.channel).map_err(at("channel"))?,
            causation_id: Option::from_wire(w.causation_id).map_err(at("causation_id"))?,
            correlation_id: Option::from_wire(w.correlation_id).map_err(at("correlation_id"))?,
            traceparent: w.traceparent,
            config_version: w.config_version,
            prev_hash: Hash::from_wire(w.prev_hash).map_err(at("prev_hash"))?,
            source_time: Option::from_wire(w.source_time).map_err(at("source_time"))?,
            command_index: w.command_index,
            command_count: w.command_count,
            event,
        })
    }
}
