//! The records of one command: each encoded once, and chained to the one before it.

use guichet_rules::Draft;
use guichet_schemas::codec::Request;
use guichet_schemas::command::{Command, Order, limits};
use guichet_schemas::event::Event;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CorrelationId, EventId, TicketId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::{Epoch, LogPosition, Partition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::StreamKind;
use prost::Message as _;

use super::derived::Derived;
use super::sealer::Fresh;
use super::told::{About, Recorded, Unwise};
use crate::clock::IdSource;

/// Where the records of a command will stand.
pub(super) struct Place {
    pub(super) partition: Partition,
    pub(super) epoch: Epoch,
    /// Newest position of the log.
    pub(super) last: Option<LogPosition>,
    pub(super) now: Timestamp,
    /// Version of the configuration that was decided under.
    pub(super) config_version: u64,
}

/// Drafts of one stream: most commands write to one, some to several.
pub(super) struct Part {
    pub(super) about: About,
    /// Where the stream ends; none: the command begins it.
    pub(super) end: Option<(StreamVersion, Hash)>,
    pub(super) drafts: Vec<Draft>,
}

/// A record, ready to be written.
pub(super) struct Staged {
    pub(super) bytes: Vec<u8>,
    pub(super) hash: Hash,
    /// The event in the bytes, for the fold.
    pub(super) event: Event,
    pub(super) occurred_at: Timestamp,
    pub(super) recorded: Recorded,
    pub(super) derived: Derived,
}

/// Encodes all events of a command, or refuses all. New keys come first; no answer names them.
///
/// # Errors
/// A record is too long, or all of them are, or one could not be read back.
pub(super) fn stage(
    request: &Request,
    parts: Vec<Part>,
    fresh: &[Fresh],
    place: &Place,
    ids: &mut IdSource,
) -> Result<(Vec<Staged>, Vec<Staged>), Rejection> {
    let drafts = parts.iter().map(|part| part.drafts.len()).sum();
    let count = u32::try_from(drafts + fresh.len()).unwrap_or(u32::MAX);
    let mut position = LogPosition::after(place.last);
    let mut index = 0;
    let mut created = Vec::new();
    for fresh in fresh {
        let (version, prev_hash) = fresh.link();
        let link = Link { position, version, prev_hash, index, count };
        created.push(stage_key(request, fresh, place, &link, EventId(ids.next(place.now)))?);
        (position, index) = (position.next(), index + 1);
    }
    let (mut staged, mut bytes) = (Vec::with_capacity(drafts), 0);
    for Part { about, end, drafts } in parts {
        let stream = about.stream();
        let mut link = Link {
            position,
            version: StreamVersion::after(end.map(|(version, _)| version)),
            prev_hash: end.map_or(Hash::ZERO, |(_, hash)| hash),
            index,
            count,
        };
        for draft in drafts {
            let event_id = EventId(ids.next(place.now));
            let record = record(request, draft, stream.clone(), place, &link, event_id);
            let one = encode(request, record, about.ticket())?;
            bytes += one.bytes.len();
            if bytes > limits::RECORDS_BYTES {
                return Err(Rejection::PayloadTooLarge {
                    what: "the records of the command together",
                    max: limits::RECORDS_BYTES as u64,
                });
            }
            link = Link {
                position: link.position.next(),
                version: link.version.next(),
                prev_hash: one.hash,
                index: link.index + 1,
                count,
            };
            staged.push(one);
        }
        (position, index) = (link.position, link.index);
    }
    Ok((created, staged))
}

fn stage_key(
    request: &Request,
    fresh: &Fresh,
    place: &Place,
    link: &Link,
    event_id: EventId,
) -> Result<Staged, Rejection> {
    let stream = (StreamKind::Subject, fresh.subject().to_owned());
    let record = record(request, fresh.event().into(), stream, place, link, event_id);
    encode(request, record, None)
}

/// Where a record stands among the others of its stream and of its command.
struct Link {
    position: LogPosition,
    version: StreamVersion,
    prev_hash: Hash,
    index: u32,
    count: u32,
}

fn record(
    request: &Request,
    draft: Draft,
    (stream_kind, stream_id): (StreamKind, String),
    place: &Place,
    link: &Link,
    event_id: EventId,
) -> Record {
    let command = &request.command;
    Record {
        position: link.position,
        partition: place.partition,
        epoch: place.epoch,
        tenant: command.tenant.as_str().to_owned(),
        stream_kind,
        stream_id,
        version: link.version,
        event_id,
        recorded_at: place.now,
        occurred_at: draft.occurred_at.unwrap_or(place.now),
        caller: command.caller.as_str().to_owned(),
        actor: draft.actor.unwrap_or_else(|| command.actor.clone()),
        command_id: command.command_id,
        request_hash: request.request_hash,
        channel: command.channel,
        causation_id: command.causation_id,
        correlation_id: correlation(command),
        traceparent: command.traceparent.clone(),
        config_version: place.config_version,
        prev_hash: link.prev_hash,
        source_time: draft.source_time,
        command_index: link.index,
        command_count: link.count,
        event: draft.event,
    }
}

/// What a command does to many tickets belongs together, also where nobody says so.
fn correlation(command: &Command) -> Option<CorrelationId> {
    let own = matches!(command.order, Order::DeclareProblem(_) | Order::BroadcastToLinked(_));
    command.correlation_id.or_else(|| own.then_some(CorrelationId(command.command_id.0)))
}

fn encode(request: &Request, record: Record, ticket: Option<TicketId>) -> Result<Staged, Rejection> {
    let derived = Derived::as_made(&record, request.command.tenant.clone(), ticket);
    let occurred_at = record.occurred_at;
    let recorded = Recorded {
        ticket,
        event_id: record.event_id,
        type_name: record.event.type_name(),
        version: record.version,
        position: record.position,
        unwise: Unwise::of(&record.event),
    };
    let mut wire = record.into_wire();
    let bytes = wire.encode_to_vec();
    if bytes.len() > limits::RECORD_BYTES {
        return Err(Rejection::PayloadTooLarge { what: "the record", max: limits::RECORD_BYTES as u64 });
    }
    // Taken back from what was encoded: the fold sees what every later reader sees, and an event that nobody could
    // read is refused before it is written.
    let event = Event::from_wire(wire.data.take().expect("a record always holds its event"))?;
    Ok(Staged { hash: Hash::of_record(&bytes), bytes, event, occurred_at, recorded, derived })
}
