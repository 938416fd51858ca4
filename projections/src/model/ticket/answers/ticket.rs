//! `ticket`: one ticket, as it is or as it was.

use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire::query_reply::Data;

use super::{incidents, merged, past};
use crate::model::ticket;
use crate::queries::ask::Which;
use crate::queries::page::Cursor;
use crate::queries::reader::{Found, Reader, Refusal, absent};

pub(super) fn answer(reader: &Reader<'_>, which: &Which) -> Result<Found, Refusal> {
    Cursor::refuse(reader.ask)?;
    let id = reader.find(which)?;
    let row = if reader.ask.looks_back() {
        past::ticket(reader, id)?
    } else {
        reader.view.ticket(reader.tenant(), id)?
    };
    // A row without a state is an import of which only the first event is folded: not a ticket yet.
    let mut row = row.filter(|row| ticket::state(row).is_some()).ok_or_else(|| absent(which))?;
    if !reader.ask.looks_back()
        && let Some(position) = reader.view.quarantined_since(reader.tenant(), id)?
    {
        let reason =
            format!("{which} could not be folded since position {position}; its timeline is complete");
        return Err(Rejection::Unavailable { reason, as_of_position: Some(row.position) }.into());
    }
    merged::followed(reader, &mut row)?;
    row.incidents = incidents::of(reader, &row)?;
    Ok((Data::Ticket(ticket::answer(row, reader.now)), None))
}
