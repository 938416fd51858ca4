//! `timeline`: a ticket's history, oldest or newest first.

use guichet_schemas::ids::TicketId;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{TimelineView, query_reply::Data};

use super::{merged, past};
use crate::model::ticket::redacted::Redactions;
use crate::model::timeline;
use crate::queries::ask::History;
use crate::queries::page::{Cursor, Page, ROWS_READ_MAX};
use crate::queries::reader::{Found, Reader, Refusal, absent};
use crate::store::StoreError;

/// Where an event of the ticket stands.
type Place = Result<(StreamVersion, LogPosition), StoreError>;

pub(super) fn answer(reader: &Reader<'_>, history: &History) -> Result<Found, Refusal> {
    let id = reader.find(&history.which)?;
    let before = history.before.map_or(u64::MAX, StreamVersion::get);
    let is_before = |place: &Place| place.as_ref().map_or(true, |(version, _)| version.get() < before);
    if history.newest_first {
        let after = Cursor::VersionDown.read(reader.ask)?;
        let below_both = after.map_or(before, |after| after.min(before));
        let places = reader.view.events_down_from(reader.tenant(), id, below_both);
        page(reader, id, history, places, Cursor::VersionDown, after)
    } else {
        let after = Cursor::Version.read(reader.ask)?;
        let from = StreamVersion::after(after.and_then(StreamVersion::new));
        let places = reader.view.events_of(reader.tenant(), id, from);
        page(reader, id, history, places.take_while(is_before), Cursor::Version, after)
    }
}

/// A page of the events that stand at `places`, as far as they are in sight.
fn page(
    reader: &Reader<'_>,
    id: TicketId,
    history: &History,
    places: impl Iterator<Item = Place>,
    cursor: Cursor,
    after: Option<u64>,
) -> Result<Found, Refusal> {
    let mut page = Page::new(reader.ask);
    let mut redactions = Redactions::default();
    let (mut last, mut next, mut read, mut any) = (after, None, 0, after.is_some());
    for place in places {
        let (version, position) = place?;
        read = usize::saturating_add(read, 1);
        if position.get() <= reader.until {
            let bytes = past::bytes(reader, position)?;
            reader.entry(bytes.len())?;
            let mut entry = timeline::entry(&bytes).map_err(|_| StoreError::Damaged { what: "a record" })?;
            if let Some(record) = entry.data.as_mut() {
                redactions.hide(reader, record)?;
            }
            if past::in_sight(reader, Timestamp(entry.occurred_at)) {
                any = true;
                if !page.takes(entry) {
                    next = last.map(|last| cursor.write(last));
                    break;
                }
            }
        } else if history.newest_first {
            reader.entry(0)?;
        } else {
            break;
        }
        last = Some(version.get());
        if read >= ROWS_READ_MAX || reader.slice_is_over() {
            next = last.map(|last| cursor.write(last));
            break;
        }
    }
    // Where only a part is asked for, an empty one is an answer.
    if !any && next.is_none() && history.before.is_none() {
        return Err(absent(&history.which).into());
    }
    let merged_into = merged::of(reader, id)?;
    Ok((Data::Timeline(TimelineView { entries: page.into_entries(), merged_into }), next))
}
