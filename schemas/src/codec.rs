//! Bytes to types and back: protobuf, and our JSON mapping. The only place that knows which is which.

pub(crate) mod check;
mod field;
mod head;
mod strict;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use prost::Message as _;
use sha2::Sha256;

use crate::command::{Command, Entity, Order, limits};
use crate::event::Actor;
use crate::hash::Hash;
use crate::ids::{CommandId, TicketId, TicketNumber};
use crate::json;
use crate::mirror::Wire as _;
use crate::record::Record;
use crate::rejection::{EventRef, FieldError, Rejection};
use crate::subject::CommandSubject;
use crate::wire;
use crate::words::TicketState;

pub use head::Head;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Our JSON mapping; the default.
    #[default]
    Json,
    /// Protobuf.
    Protobuf,
}

impl Encoding {
    /// Media type of JSON bodies.
    pub const JSON: &str = "application/json";
    /// Media type of protobuf bodies.
    pub const PROTOBUF: &str = "application/protobuf";

    /// Reads a `Content-Type`; absent means JSON.
    ///
    /// # Errors
    /// `malformed` for any other media type.
    pub fn from_content_type(value: Option<&str>) -> Result<Self, Rejection> {
        match value.map(|v| v.split(';').next().unwrap_or_default().trim()) {
            None | Some("" | Self::JSON) => Ok(Self::Json),
            Some(Self::PROTOBUF) => Ok(Self::Protobuf),
            Some(_) => Err(Rejection::Malformed(
                "Content-Type must be application/json or application/protobuf".to_owned(),
            )),
        }
    }

    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => Self::JSON,
            Self::Protobuf => Self::PROTOBUF,
        }
    }
}

/// Bytes that are no record of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not protobuf.
    #[error("not a protobuf record: {0}")]
    Protobuf(String),
    /// A newer program wrote it. Never skip such an event: upgrade.
    #[error(
        "event {type_name} at position {position} is unknown here ({reason}); a newer program wrote it, upgrade this one"
    )]
    UnknownEvent {
        /// Where it stands.
        position: u64,
        /// What it is called.
        type_name: String,
        /// What is new about it.
        reason: String,
    },
    /// A field breaks its rule.
    #[error("the record is damaged: {0}")]
    Field(#[from] FieldError),
}

/// The bytes of a record: what is stored, hashed and published.
#[must_use]
pub fn encode_record(record: Record) -> Vec<u8> {
    record.into_wire().encode_to_vec()
}

/// Reads the bytes of a record.
///
/// # Errors
/// What is wrong with them.
pub fn decode_record(bytes: &[u8]) -> Result<Record, DecodeError> {
    match Head::read(bytes).map(|head| head.record()) {
        Some(Ok(record)) => Ok(record),
        // Not as we write it, or wrong: the general reader knows.
        None | Some(Err(_)) => Record::from_wire(decode_record_wire(bytes)?),
    }
}

/// Reads the bytes of a record without looking at its event.
///
/// # Errors
/// Not protobuf.
pub fn decode_record_wire(bytes: &[u8]) -> Result<wire::Record, DecodeError> {
    wire::Record::decode(bytes).map_err(|e| DecodeError::Protobuf(e.to_string()))
}

/// Reads the bytes of an actor, as they stand in the head of a record.
///
/// # Errors
/// Not protobuf.
pub fn decode_actor(bytes: &[u8]) -> Result<wire::Actor, DecodeError> {
    wire::Actor::decode(bytes).map_err(|e| DecodeError::Protobuf(e.to_string()))
}

/// A command as it came, checked, with the hash that tells it from another under the same id.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked.
    pub command: Command,
    /// HMAC-SHA-256 under the key of the data folder.
    pub request_hash: Hash,
}

/// Reads and checks a command.
///
/// # Errors
/// `payload_too_large`, `malformed` or `validation_failed`, with the field and the rule.
pub fn decode_command(
    subject: CommandSubject,
    encoding: Encoding,
    body: &[u8],
    traceparent: Option<String>,
    key: &RequestKey,
) -> Result<Request, Rejection> {
    if body.len() > limits::COMMAND_BYTES {
        return Err(Rejection::PayloadTooLarge { what: "the command", max: limits::COMMAND_BYTES as u64 });
    }
    let mut wire = match encoding {
        Encoding::Json => json::command::read(subject.verb, body).map_err(|e| not_as_the_schema(&e))?,
        Encoding::Protobuf => read_strictly("Command", strict::COMMAND, body)?,
    };
    let dry_run = std::mem::take(&mut wire.dry_run);
    let canonical = wire.encode_to_vec();
    if encoding == Encoding::Json {
        // What JSON says, protobuf could say too: one place knows the ranges of every field.
        strict::check(strict::COMMAND, &canonical)?;
    }
    let request_hash = key.hash(&subject, &canonical);
    let mut command = command_from_wire(subject, wire)?;
    command.dry_run = dry_run;
    command.traceparent =
        traceparent.filter(|t| t.len() <= 64 && t.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'));
    Ok(Request { command, request_hash })
}

/// Reads a message of an outsider, who must not say what we do not understand.
fn read_strictly<M: prost::Message + Default>(
    name: &str,
    known: &'static strict::Message,
    body: &[u8],
) -> Result<M, Rejection> {
    let message = M::decode(body).map_err(|e| Rejection::Malformed(format!("not a protobuf {name}: {e}")))?;
    strict::check(known, body)?;
    Ok(message)
}

/// The fault that the JSON reader found: another shape, or a number outside its range.
fn not_as_the_schema(error: &serde_json::Error) -> Rejection {
    let message = error.to_string();
    match json::whole::beyond_range(&message) {
        Some((field, rule)) => FieldError::new(field, rule).into(),
        None => Rejection::Malformed(message),
    }
}

/// The secret of a data folder, under which requests are hashed: a hash of a guessed text proves nothing.
#[derive(Clone)]
pub struct RequestKey(pub [u8; 32]);

impl RequestKey {
    /// HMAC-SHA-256 over tenant, caller, entity, verb (each ended by a zero byte) and the protobuf encoding
    /// of the command without `dry_run`.
    fn hash(&self, subject: &CommandSubject, canonical: &[u8]) -> Hash {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for token in [subject.tenant.as_str(), subject.caller.as_str()] {
            mac.update(token.as_bytes());
            mac.update(&[0]);
        }
        match subject.entity {
            Entity::New => mac.update(b"new"),
            Entity::Ticket(id) => mac.update(id.0.as_bytes()),
            Entity::Config => mac.update(b"config"),
            Entity::Desk => mac.update(b"desk"),
            Entity::Articles => mac.update(b"articles"),
        }
        mac.update(&[0]);
        mac.update(subject.verb.as_bytes());
        mac.update(&[0]);
        mac.update(canonical);
        Hash(mac.finalize().into_bytes().into())
    }
}

macro_rules! orders {
    ($($verb:ident => $variant:ident on $about:ident,)*) => {
        fn order_from_wire(data: wire::command::Data) -> Result<Order, FieldError> {
            Ok(match data {
                $(wire::command::Data::$variant(w) => {
                    Order::$variant(crate::mirror::Wire::from_wire(Some(w)).map_err(|e: FieldError| e.in_field("data"))?)
                })*
            })
        }

        fn order_to_wire(order: Order) -> Option<wire::command::Data> {
            match order {
                $(Order::$variant(o) => crate::mirror::Wire::to_wire(o).map(wire::command::Data::$variant),)*
            }
        }
    };
}
each_verb!(orders);

fn command_from_wire(subject: CommandSubject, w: wire::Command) -> Result<Command, Rejection> {
    let at = |field: &'static str| move |e: FieldError| e.in_field(field);
    let data = w.data.ok_or_else(|| FieldError::new("data", "is required"))?;
    let actor = Actor::from_wire(w.actor).map_err(at("actor"))?;
    check::actor(&actor).map_err(at("actor"))?;
    let command_id = CommandId::from_wire(w.command_id).map_err(at("command_id"))?;
    let correlation_id = Option::from_wire(w.correlation_id).map_err(at("correlation_id"))?;
    let causation_id = Option::from_wire(w.causation_id).map_err(at("causation_id"))?;
    let channel = Option::from_wire(w.channel).map_err(at("channel"))?;
    let order = order_from_wire(data)?;
    if order.verb() != subject.verb {
        return Err(Rejection::Malformed(format!(
            "the subject says {}, the body says {}",
            subject.verb,
            order.verb()
        )));
    }
    order.check().map_err(|e| e.in_field("data"))?;
    Ok(Command {
        tenant: subject.tenant,
        caller: subject.caller,
        entity: subject.entity,
        command_id,
        actor,
        expected_version: w.expected_version,
        correlation_id,
        causation_id,
        channel,
        dry_run: w.dry_run,
        traceparent: None,
        order,
    })
}

/// The command as it goes over the wire, for those who send.
#[must_use]
pub fn command_to_wire(command: Command) -> wire::Command {
    wire::Command {
        command_id: command.command_id.to_wire(),
        actor: command.actor.to_wire(),
        expected_version: command.expected_version,
        correlation_id: command.correlation_id.to_wire(),
        causation_id: command.causation_id.to_wire(),
        channel: command.channel.to_wire(),
        dry_run: command.dry_run,
        data: order_to_wire(command.order),
    }
}

/// What a command led to.
pub type Outcome = Result<wire::Accepted, Rejection>;

/// The answer on the wire.
#[must_use]
pub fn reply_to_wire(outcome: Outcome) -> wire::CommandReply {
    use wire::command_reply::Outcome as W;
    wire::CommandReply {
        outcome: Some(match outcome {
            Ok(a) => W::Accepted(a),
            Err(r) => W::Error(error_to_wire(&r)),
        }),
    }
}

/// The body of an answer, in the encoding of the request.
#[must_use]
pub fn encode_reply(outcome: Outcome, encoding: Encoding) -> Bytes {
    let reply = reply_to_wire(outcome);
    match encoding {
        Encoding::Json => json::to_vec(&reply).into(),
        Encoding::Protobuf => reply.encode_to_vec().into(),
    }
}

/// The body of an answer to a query, in the encoding of the request.
#[must_use]
pub fn encode_query_reply(reply: &wire::QueryReply, encoding: Encoding) -> Bytes {
    match encoding {
        Encoding::Json => json::to_vec(reply).into(),
        Encoding::Protobuf => reply.encode_to_vec().into(),
    }
}

/// Reads a query. Its numbers and instants are in the ranges of the contract; the limits of a query of its own are
/// those of the read models, which check them.
///
/// # Errors
/// `payload_too_large`, `malformed` or `validation_failed` with the field.
pub fn decode_query(name: &str, encoding: Encoding, body: &[u8]) -> Result<wire::Query, Rejection> {
    if body.len() > limits::COMMAND_BYTES {
        return Err(Rejection::PayloadTooLarge { what: "the query", max: limits::COMMAND_BYTES as u64 });
    }
    let query = match encoding {
        Encoding::Json => {
            let query = json::query::read(name, body).map_err(|e| not_as_the_schema(&e))?;
            strict::check(strict::QUERY, &query.encode_to_vec())?;
            query
        }
        Encoding::Protobuf => read_strictly("Query", strict::QUERY, body)?,
    };
    match &query.data {
        Some(data) if json::query::name_of(data) != name => Err(Rejection::Malformed(format!(
            "the subject says {name}, the body says {}",
            json::query::name_of(data)
        ))),
        Some(_) => Ok(query),
        None => Err(FieldError::new("data", "is required").into()),
    }
}

/// A refusal on the wire, for commands and queries alike.
#[must_use]
pub fn error_to_wire(rejection: &Rejection) -> wire::Error {
    let mut details = wire::ErrorDetails::default();
    let mut field = None;
    let mut retry_after_ms = None;
    match rejection {
        Rejection::ValidationFailed(e) => field = Some(e.field.clone()),
        Rejection::VersionConflict { expected, actual, missed, missed_count } => {
            details.expected = Some(*expected);
            details.actual = Some(*actual);
            details.missed = missed.iter().map(event_ref_to_wire).collect();
            details.missed_count = Some(*missed_count);
            field = Some("expected_version".to_owned());
        }
        Rejection::TerminalState { state, verb, .. } | Rejection::InvalidTransition { state, verb, .. } => {
            details.state = Some(state.to_string());
            details.verb = Some((*verb).to_owned());
        }
        Rejection::MergedAway { into, into_number, verb, .. } => {
            details.state = Some(TicketState::Closed.to_string());
            details.verb = Some((*verb).to_owned());
            (details.merged_into, details.merged_into_number) = merged(*into, *into_number);
        }
        Rejection::AlreadyMerged { into, into_number, .. } => {
            field = Some("data.sources".to_owned());
            (details.merged_into, details.merged_into_number) = merged(*into, *into_number);
        }
        Rejection::GuardFailed { guard, .. } => details.guard = Some((*guard).to_owned()),
        Rejection::ClaimHeld { by, until, .. } => {
            details.claimed_by = Some(by.clone());
            details.claimed_until = Some(until.to_wire());
        }
        Rejection::CycleDetected { .. } => field = Some("data.other".to_owned()),
        Rejection::Duplicate { of } => {
            details.of = Some(of.to_wire());
            field = Some("data.external_ref".to_owned());
        }
        Rejection::PayloadTooLarge { max, .. } | Rejection::QuotaExceeded { max, .. } => {
            details.max = Some(*max)
        }
        Rejection::Busy { retry_after_ms: ms, .. } => retry_after_ms = Some(*ms),
        Rejection::Unavailable { as_of_position, .. } => details.as_of_position = *as_of_position,
        Rejection::CommandIdReused => field = Some("command_id".to_owned()),
        Rejection::ConfigStale { based_on, actual } => {
            details.expected = Some(*based_on);
            details.actual = Some(*actual);
            field = Some("data.config_version".to_owned());
        }
        Rejection::ConfigInvalid { path, .. } => {
            details.path = Some(path.clone());
            field = Some("data.body".to_owned());
        }
        Rejection::Internal { id } => details.id = Some(id.clone()),
        Rejection::Malformed(_)
        | Rejection::BadSubject(_)
        | Rejection::NotFound { .. }
        | Rejection::Forbidden(_)
        | Rejection::OutcomeUnknown
        | Rejection::Unsupported(_) => {}
    }
    wire::Error {
        code: rejection.code().to_owned(),
        message: rejection.to_string(),
        field,
        details: Some(details),
        retry_after_ms,
    }
}

fn merged(into: TicketId, number: TicketNumber) -> (Option<Vec<u8>>, Option<String>) {
    (Some(into.to_wire()), Some(number.to_string()))
}

/// An event as a reply names it.
#[must_use]
pub fn event_ref_to_wire(e: &EventRef) -> wire::EventRef {
    wire::EventRef {
        event_id: e.event_id.to_wire(),
        r#type: e.type_name.clone(),
        version: e.version.get(),
        position: e.position.get(),
    }
}

/// The number of a ticket as text.
#[must_use]
pub fn number_text(number: u64) -> String {
    TicketNumber(number).to_string()
}
