//! The records of one command: each encoded once, and chained to the one before it.

use guichet_rules::Draft;
use guichet_schemas::codec::{Request, encode_record};
use guichet_schemas::command::limits;
use guichet_schemas::event::Event;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{EventId, TicketId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::{Epoch, LogPosition, Partition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::rejection::{EventRef, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::StreamKind;
use prost::Message as _;

use super::derived::Derived;
use super::sealer::Fresh;
use super::tickets::Entry;
use super::told::{Recorded, Unwise};
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

/// What a command does to one ticket.
pub(super) struct Stream<'a> {
    pub(super) ticket: TicketId,
    /// The ticket as it is; none: the command creates it.
    pub(super) entry: Option<&'a Entry>,
    pub(super) drafts: Vec<Draft>,
}

/// A record, ready to be written.
pub(super) struct Staged {
    pub(super) bytes: Vec<u8>,
    pub(super) hash: Hash,
    /// What the bytes hold, for the fold.
    pub(super) event: Event,
    pub(super) occurred_at: Timestamp,
    pub(super) recorded: Recorded,
    pub(super) derived: Derived,
}

/// A record about no ticket, ready to be written: a new key, before those that use it, or a configuration.
pub(super) struct StagedOther {
    pub(super) bytes: Vec<u8>,
    pub(super) hash: Hash,
    pub(super) recorded: EventRef,
    pub(super) derived: Derived,
}

/// Encodes all events of a command, or refuses all. A new key comes first; no answer names it.
///
/// # Errors
/// A record is too long, or all of them are, or one could not be read back.
pub(super) fn stage(
    request: &Request,
    streams: &mut [Stream<'_>],
    fresh: Option<&Fresh>,
    place: &Place,
    ids: &mut IdSource,
) -> Result<(Option<StagedOther>, Vec<Staged>), Rejection> {
    let all = streams.iter().map(|stream| stream.drafts.len()).sum();
    let count = u32::try_from(all).unwrap_or(u32::MAX) + u32::from(fresh.is_some());
    let mut position = LogPosition::after(place.last);
    let mut index = 0;
    let mut created = None;
    if let Some(fresh) = fresh {
        let (version, prev_hash) = fresh.link();
        let link = Link { position, version, prev_hash, index, count };
        created = Some(stage_key(request, fresh, place, &link, EventId(ids.next(place.now))));
        (position, index) = (position.next(), index + 1);
    }
    let (mut staged, mut bytes) = (Vec::with_capacity(all), 0);
    for stream in streams {
        let mut link = Link {
            position,
            version: StreamVersion::after(stream.entry.map(|e| e.version)),
            prev_hash: stream.entry.map_or(Hash::ZERO, |e| e.last_hash),
            index,
            count,
        };
        for draft in std::mem::take(&mut stream.drafts) {
            let event_id = EventId(ids.next(place.now));
            let stream_id = stream.ticket.to_string();
            let record = Record { stream_id, ..record(request, draft, place, &link, event_id) };
            let one = encode(request, record, stream.ticket)?;
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

fn stage_key(request: &Request, fresh: &Fresh, place: &Place, link: &Link, event_id: EventId) -> StagedOther {
    let draft = Draft::from(fresh.event());
    let record = Record {
        stream_kind: StreamKind::Subject,
        stream_id: fresh.subject().to_owned(),
        ..record(request, draft, place, link, event_id)
    };
    staged_other(request, record)
}

fn staged_other(request: &Request, record: Record) -> StagedOther {
    let derived = Derived::of_other(&record, request.command.tenant.clone());
    let (position, version) = (record.position, record.version);
    let (event_id, type_name) = (record.event_id, record.event.type_name());
    let bytes = encode_record(record);
    let recorded = EventRef { event_id, type_name: type_name.to_owned(), version, position };
    StagedOther { hash: Hash::of_record(&bytes), bytes, recorded, derived }
}

/// The record of something about the desk and no ticket, behind `last` of its stream.
///
/// # Errors
/// The record is too long.
pub(super) fn stage_of_desk(
    request: &Request,
    event: Event,
    (stream_kind, stream_id): (StreamKind, &str),
    place: &Place,
    last: Option<(StreamVersion, Hash)>,
    ids: &mut IdSource,
) -> Result<StagedOther, Rejection> {
    let link = Link {
        position: LogPosition::after(place.last),
        version: StreamVersion::after(last.map(|(version, _)| version)),
        prev_hash: last.map_or(Hash::ZERO, |(_, hash)| hash),
        index: 0,
        count: 1,
    };
    let record = Record {
        stream_kind,
        stream_id: stream_id.to_owned(),
        ..record(request, event.into(), place, &link, EventId(ids.next(place.now)))
    };
    let staged = staged_other(request, record);
    if staged.bytes.len() > limits::RECORD_BYTES {
        return Err(Rejection::PayloadTooLarge { what: "the record", max: limits::RECORD_BYTES as u64 });
    }
    Ok(staged)
}

/// Where a record stands among the others of its stream and of its command.
struct Link {
    position: LogPosition,
    version: StreamVersion,
    prev_hash: Hash,
    index: u32,
    count: u32,
}

fn record(request: &Request, draft: Draft, place: &Place, link: &Link, event_id: EventId) -> Record {
    let command = &request.command;
    Record {
        position: link.position,
        partition: place.partition,
        epoch: place.epoch,
        tenant: command.tenant.as_str().to_owned(),
        stream_kind: StreamKind::Ticket,
        stream_id: String::new(),
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
        correlation_id: command.correlation_id,
        traceparent: command.traceparent.clone(),
        config_version: place.config_version,
        prev_hash: link.prev_hash,
        source_time: draft.source_time,
        command_index: link.index,
        command_count: link.count,
        event: draft.event,
    }
}

fn encode(request: &Request, record: Record, ticket: TicketId) -> Result<Staged, Rejection> {
    let derived = Derived::of_ticket(&record, request.command.tenant.clone(), ticket);
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
