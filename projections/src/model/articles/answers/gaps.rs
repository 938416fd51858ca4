//! Resolved tickets whose solution stands in no article.

use guichet_schemas::ids::TicketNumber;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::rejection::FieldError;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::wire::KnowledgeGapsQuery;
use guichet_schemas::wire::query_reply::Data;

use super::super::fold::decode;
use super::super::row::Row;
use super::is_within;
use crate::keys;
use crate::queries::page::{NOT_OURS, Page, ROWS_READ_MAX};
use crate::queries::reader::{Found, Reader, Refusal};
use crate::store::StoreError;

/// Instant and ticket, as a key has them behind its tenant.
const PLACE_BYTES: usize = 24;

pub(super) fn answer(reader: &Reader<'_>, query: &KnowledgeGapsQuery) -> Result<Found, Refusal> {
    let tenant = reader.tenant();
    let prefix = keys::tenant(tenant);
    let damaged = || StoreError::Damaged { what: "a gap of the knowledge base" };
    // Downwards, from before the cursor or before the end of the span.
    let start = match &reader.ask.cursor {
        Some(cursor) => [&prefix[..], &place(cursor)?].concat(),
        None => match query.to {
            Some(to) => keys::from(tenant, Timestamp(to)),
            None => [&prefix[..], &[0xff; PLACE_BYTES]].concat(),
        },
    };
    let mut page = Page::new(reader.ask);
    let mut last: Option<Box<[u8]>> = None;
    let mut more = false;
    let gaps = reader.view.scan_down(keys::KNOWLEDGE_GAPS, prefix.clone(), &start);
    for (read, entry) in gaps.enumerate() {
        let (key, _) = entry?;
        if *key == start[..] {
            continue;
        }
        let at = keys::instant(&key, &prefix).ok_or_else(damaged)?;
        if query.from.is_some_and(|from| at.0 < from) {
            break;
        }
        if read > ROWS_READ_MAX || reader.slice_is_over() {
            more = true;
            break;
        }
        let id = keys::trailing_ticket(&key).ok_or_else(damaged)?;
        let row = reader.view.get(keys::ARTICLE_TICKETS, &keys::ticket(tenant, id))?.ok_or_else(damaged)?;
        reader.entry(row.len())?;
        let row: Row = decode(&row)?;
        let is_wanted = query
            .category
            .as_ref()
            .is_none_or(|wanted| row.category.as_ref().is_some_and(|category| is_within(category, wanted)));
        let gap = || wire::KnowledgeGap {
            ticket_id: id.to_wire(),
            number: TicketNumber(row.number).to_string(),
            category: row.category.clone(),
            resolved_at: at.0,
            resolved_by: row.resolved_by.clone(),
        };
        if is_wanted && !page.takes(gap()) {
            more = true;
            break;
        }
        last = Some(key);
    }
    let next = last.filter(|_| more).map(|key| cursor(&key[prefix.len()..]));
    Ok((Data::KnowledgeGaps(wire::KnowledgeGapsView { gaps: page.into_entries() }), next))
}

fn cursor(place: &[u8]) -> String {
    format!("g{}", hex::encode(place))
}

fn place(cursor: &str) -> Result<[u8; PLACE_BYTES], FieldError> {
    let place = cursor.strip_prefix('g').and_then(|text| hex::decode(text).ok());
    place.and_then(|place| place.try_into().ok()).ok_or_else(|| FieldError::new("cursor", NOT_OURS))
}
