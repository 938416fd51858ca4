//! Where a ticket went: the one that it went into, the one that this went into, and so on.

use guichet_schemas::ids::TicketId;
use guichet_schemas::wire::{MergedTicket, TicketView};

use super::past;
use crate::model::ticket::went;
use crate::queries::reader::{Reader, Refusal};

/// So many merges in a row are followed. Each needs a ticket that was not over, so nobody makes a longer row by hand.
const FOLLOWED_MAX: usize = 100;

/// Where a ticket went by now, whatever part of its history is asked for.
pub(super) fn of(reader: &Reader<'_>, id: TicketId) -> Result<Vec<MergedTicket>, Refusal> {
    let row = if reader.ask.looks_back() {
        past::ticket(reader, id)?
    } else {
        reader.view.ticket(reader.tenant(), id)?
    };
    let Some(mut row) = row else { return Ok(Vec::new()) };
    followed(reader, &mut row)?;
    Ok(row.merged_into)
}

/// Adds to a row where its ticket went, merge by merge.
pub(super) fn followed(reader: &Reader<'_>, row: &mut TicketView) -> Result<(), Refusal> {
    let Some(mut next) = went(row) else {
        row.merged_into.clear();
        return Ok(());
    };
    while row.merged_into.len() < FOLLOWED_MAX {
        let there = if reader.ask.looks_back() {
            past::ticket(reader, next)?
        } else {
            let there = reader.view.ticket(reader.tenant(), next)?;
            reader.entry(there.as_ref().map_or(0, prost::Message::encoded_len))?;
            there
        };
        let Some((there, id)) = there.and_then(|there| went(&there).map(|id| (there, id))) else { break };
        row.merged_into.extend(there.merged_into);
        next = id;
    }
    Ok(())
}
