//! Everything that a record says about its event, read in place: no copy, no allocation.
//!
//! Reads only the form that our own encoder gives to records: every field at most once, in the order of their
//! numbers, the event last. Any other form, valid or not, is left to the general reader, which then decides and,
//! where it refuses, says why.

use uuid::Uuid;

use crate::codec::DecodeError;
use crate::codec::field::{Value, field};
use crate::event::{Actor, Event};
use crate::hash::Hash;
use crate::ids::{CommandId, CorrelationId, EventId};
use crate::mirror::Wire;
use crate::position::{Epoch, LogPosition, Partition, StreamVersion};
use crate::record::Record;
use crate::rejection::FieldError;
use crate::time::Timestamp;
use crate::wire::record::Data;
use crate::words::{Channel, StreamKind};

/// The fields of [`wire::Record`](crate::wire::Record) but for its event, of which it knows the bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head<'a> {
    pub position: u64,
    pub partition: u32,
    pub epoch: u64,
    pub tenant: &'a str,
    pub stream_kind: i32,
    pub stream_id: &'a str,
    pub version: u64,
    pub event_id: &'a [u8],
    pub r#type: &'a str,
    pub schema_version: u32,
    pub recorded_at: i64,
    pub occurred_at: i64,
    pub caller: &'a str,
    /// Protobuf `Actor`.
    pub actor: &'a [u8],
    pub command_id: &'a [u8],
    pub request_hash: &'a [u8],
    pub channel: Option<i32>,
    pub causation_id: Option<&'a [u8]>,
    pub correlation_id: Option<&'a [u8]>,
    pub traceparent: Option<&'a str>,
    pub config_version: u64,
    pub prev_hash: &'a [u8],
    pub source_time: Option<i64>,
    pub command_index: u32,
    pub command_count: u32,
    /// The event with its key and length: the bytes of a `Record` that holds nothing else.
    pub data: &'a [u8],
}

/// Numbers of the fields that hold events.
const DATA_FIRST: u64 = 100;

impl<'a> Head<'a> {
    /// Reads a record as we encode it; `None` for any other form.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut head = Self::default();
        let mut rest = bytes;
        let mut last = 0;
        while !rest.is_empty() {
            let from = rest;
            let (number, value) = field(&mut rest)?;
            if number <= last {
                return None;
            }
            last = number;
            if number >= DATA_FIRST {
                head.data = from;
                return (matches!(value, Value::Bytes(_)) && rest.is_empty()).then_some(head);
            }
            head.set(number, value)?;
        }
        None
    }

    fn set(&mut self, number: u64, value: Value<'a>) -> Option<()> {
        match number {
            1 => self.position = value.number()?,
            2 => self.partition = value.number32()?,
            3 => self.epoch = value.number()?,
            4 => self.tenant = value.text()?,
            5 => self.stream_kind = value.word()?,
            6 => self.stream_id = value.text()?,
            7 => self.version = value.number()?,
            8 => self.event_id = value.bytes()?,
            9 => self.r#type = value.text()?,
            10 => self.schema_version = value.number32()?,
            11 => self.recorded_at = value.signed()?,
            12 => self.occurred_at = value.signed()?,
            13 => self.caller = value.text()?,
            14 => self.actor = value.bytes()?,
            15 => self.command_id = value.bytes()?,
            16 => self.request_hash = value.bytes()?,
            17 => self.channel = Some(value.word()?),
            18 => self.causation_id = Some(value.bytes()?),
            19 => self.correlation_id = Some(value.bytes()?),
            20 => self.traceparent = Some(value.text()?),
            21 => self.config_version = value.number()?,
            22 => self.prev_hash = value.bytes()?,
            23 => self.source_time = Some(value.signed()?),
            24 => self.command_index = value.number32()?,
            25 => self.command_count = value.number32()?,
            _ => return None,
        }
        Some(())
    }

    /// The content of the event, for readers that need nothing else of the record decoded.
    ///
    /// # Errors
    /// [`DecodeError::UnknownEvent`] where a newer program wrote the event; else what is wrong with its bytes.
    pub fn content(&self) -> Result<Data, DecodeError> {
        let record = super::decode_record_wire(self.data)?;
        record.data.ok_or_else(|| DecodeError::UnknownEvent {
            position: self.position,
            type_name: self.r#type.to_owned(),
            reason: "this program does not know the type".to_owned(),
        })
    }

    /// The event that has this content.
    ///
    /// # Errors
    /// [`DecodeError::UnknownEvent`], as with the whole record.
    pub fn event(&self, content: Data) -> Result<Event, DecodeError> {
        let unknown = |reason: String| DecodeError::UnknownEvent {
            position: self.position,
            type_name: self.r#type.to_owned(),
            reason,
        };
        let event = Event::from_wire(content).map_err(|e| unknown(e.to_string()))?;
        if event.type_name() != self.r#type || event.schema_version() < self.schema_version {
            let reason = format!("schema version {} is newer than this program", self.schema_version);
            return Err(unknown(reason));
        }
        Ok(event)
    }

    /// The whole record.
    ///
    /// # Errors
    /// [`DecodeError::UnknownEvent`] where a newer program wrote the event; else which field breaks its rule.
    pub fn record(&self) -> Result<Record, DecodeError> {
        self.record_of(self.event(self.content()?)?)
    }

    /// The whole record, of which the event is decoded already.
    ///
    /// # Errors
    /// Which field breaks its rule.
    pub fn record_of(&self, event: Event) -> Result<Record, DecodeError> {
        let id = |field: &'static str, bytes: &[u8]| {
            Uuid::from_slice(bytes).map_err(|_| FieldError::new(field, "must be a UUID of 16 bytes"))
        };
        let optional_id =
            |field, bytes: Option<&[u8]>| bytes.map(|bytes| id(field, bytes).map(CorrelationId)).transpose();
        let at = |field: &'static str| move |e: FieldError| e.in_field(field);
        let time = |field, ms| Timestamp::from_wire(ms).map_err(at(field));
        let hash = |field: &'static str, bytes: &[u8]| {
            Hash::from_slice(bytes).ok_or_else(|| FieldError::new(field, "must be a SHA-256 of 32 bytes"))
        };
        let count = |field: &'static str| FieldError::new(field, "must be at least 1");
        Ok(Record {
            position: LogPosition::new(self.position).ok_or_else(|| count("position"))?,
            partition: Partition(self.partition),
            epoch: Epoch(self.epoch),
            tenant: self.tenant.to_owned(),
            stream_kind: StreamKind::from_wire(self.stream_kind).map_err(at("stream_kind"))?,
            stream_id: self.stream_id.to_owned(),
            version: StreamVersion::new(self.version).ok_or_else(|| count("version"))?,
            event_id: EventId(id("event_id", self.event_id)?),
            recorded_at: time("recorded_at", self.recorded_at)?,
            occurred_at: time("occurred_at", self.occurred_at)?,
            caller: self.caller.to_owned(),
            actor: Actor::from_wire(Some(super::decode_actor(self.actor)?)).map_err(at("actor"))?,
            command_id: CommandId(id("command_id", self.command_id)?),
            request_hash: hash("request_hash", self.request_hash)?,
            channel: Option::<Channel>::from_wire(self.channel).map_err(at("channel"))?,
            causation_id: optional_id("causation_id", self.causation_id)?,
            correlation_id: optional_id("correlation_id", self.correlation_id)?,
            traceparent: self.traceparent.map(str::to_owned),
            config_version: self.config_version,
            prev_hash: hash("prev_hash", self.prev_hash)?,
            source_time: Option::<Timestamp>::from_wire(self.source_time).map_err(at("source_time"))?,
            command_index: self.command_index,
            command_count: self.command_count,
            event,
        })
    }
}
