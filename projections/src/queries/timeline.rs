//! `timeline`: a ticket's history, oldest first.

use guichet_schemas::position::StreamVersion;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{TimelineView, query_reply::Data};

use super::answer::{Found, Reader, Refusal, absent};
use super::ask::Which;
use super::page::{Cursor, Page};
use super::past;
use crate::model::timeline;
use crate::store::StoreError;

pub(super) fn answer(reader: &Reader<'_>, which: Which) -> Result<Found, Refusal> {
    let id = reader.find(which)?;
    let after = Cursor::Version.read(reader.ask)?;
    let from = StreamVersion::after(after.and_then(StreamVersion::new));
    let mut page = Page::new(reader.ask);
    let mut last = after;
    let mut next = None;
    for event in reader.view.events_of(reader.tenant(), id, from) {
        let (version, position) = event?;
        if position.get() > reader.until {
            break;
        }
        let entry = timeline::entry(&past::bytes(reader, position)?)
            .map_err(|_| StoreError::Damaged { what: "a record" })?;
        if !past::in_sight(reader, Timestamp(entry.occurred_at)) {
            continue;
        }
        if !page.takes(entry) {
            next = last.map(|last| Cursor::Version.write(last));
            break;
        }
        last = Some(version.get());
    }
    let entries = page.into_entries();
    if entries.is_empty() && after.is_none() {
        return Err(absent(which).into());
    }
    Ok((Data::Timeline(TimelineView { entries }), next))
}
