//! `events`: the records of the tenant, oldest first, by position, type, ticket and caller.

use guichet_schemas::event::Event;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::FieldError;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{EventsQuery, EventsView, RecordView};

use guichet_schemas::words::StreamKind;

use super::past;
use crate::model::ticket::redacted::Redactions;
use crate::queries::ask::Which;
use crate::queries::page::{Cursor, Page, ROWS_READ_MAX};
use crate::queries::reader::{Found, Reader, Refusal};
use crate::store::StoreError;

pub(super) fn answer(reader: &Reader<'_>, query: &EventsQuery) -> Result<Found, Refusal> {
    if let Some(name) = &query.r#type
        && !Event::TYPES.contains(&name.as_str())
    {
        return Err(FieldError::new("type", "must be the name of an event, such as TicketAssigned").into());
    }
    let ticket =
        query.ticket_id.clone().map(TicketId::from_wire).transpose().map_err(|e| e.in_field("ticket_id"))?;
    match ticket {
        Some(id) if reader.find(&Which::Id(id)).is_err() => {
            // Of a ticket that is not there, there are no events.
            Ok((Data::Events(EventsView { events: Vec::new() }), None))
        }
        Some(id) => of_ticket(reader, query, id),
        None => of_tenant(reader, query),
    }
}

fn of_tenant(reader: &Reader<'_>, query: &EventsQuery) -> Result<Found, Refusal> {
    let after = Cursor::Position.read(reader.ask)?;
    let from = LogPosition::new(after.map_or(0, |p| p.saturating_add(1)).max(query.from.unwrap_or(0)))
        .unwrap_or(LogPosition::FIRST);
    let records = reader
        .view
        .records_from(reader.tenant(), from)
        .map(|entry| entry.map(|(position, bytes)| (position.get(), position, bytes.into_vec())));
    collect(reader, query, Cursor::Position, after, records)
}

fn of_ticket(reader: &Reader<'_>, query: &EventsQuery, id: TicketId) -> Result<Found, Refusal> {
    let after = Cursor::Version.read(reader.ask)?;
    let from = StreamVersion::after(after.and_then(StreamVersion::new));
    let records = reader.view.events_of(reader.tenant(), id, from).map(|entry| {
        let (version, position) = entry?;
        Ok((version.get(), position, past::bytes(reader, position)?))
    });
    collect(reader, query, Cursor::Version, after, records)
}

fn is_hidden(reader: &Reader<'_>, record: &wire::Record) -> Result<bool, Refusal> {
    let of_a_ticket = record.stream_kind == StreamKind::Ticket.to_wire();
    TicketId::parse(&record.stream_id).filter(|_| of_a_ticket).map_or(Ok(false), |id| reader.hides(id))
}

/// Entries are (what the cursor counts, position, record).
fn collect(
    reader: &Reader<'_>,
    query: &EventsQuery,
    cursor: Cursor,
    after: Option<u64>,
    records: impl Iterator<Item = Result<(u64, LogPosition, Vec<u8>), StoreError>>,
) -> Result<Found, Refusal> {
    let range = query.from.unwrap_or(0)..=query.to.unwrap_or(u64::MAX).min(reader.until);
    let mut page = Page::new(reader.ask);
    let mut redactions = Redactions::default();
    let mut last = after;
    let mut next = None;
    for (read, entry) in records.enumerate() {
        let (count, position, bytes) = entry?;
        if position.get() > *range.end() {
            break;
        }
        reader.entry(bytes.len())?;
        let mut record = past::wire_record(&bytes)?;
        let wanted = range.contains(&position.get())
            && query.r#type.as_ref().is_none_or(|name| *name == record.r#type)
            && query.caller.as_ref().is_none_or(|caller| *caller == record.caller)
            && past::in_sight(reader, Timestamp(record.occurred_at))
            && (query.ticket_id.is_some() || !is_hidden(reader, &record)?);
        if wanted {
            redactions.hide(reader, &mut record)?;
        }
        let fits = !wanted
            || page.takes(RecordView { hash: Hash::of_record(&bytes).to_wire(), record: Some(record) });
        if fits {
            last = Some(count);
        }
        if !fits || read.saturating_add(1) >= ROWS_READ_MAX || reader.slice_is_over() {
            next = last.map(|last| cursor.write(last));
            break;
        }
    }
    Ok((Data::Events(EventsView { events: page.into_entries() }), next))
}
