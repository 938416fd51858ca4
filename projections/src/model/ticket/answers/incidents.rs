//! How the incidents of a problem stand.

use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::{IncidentsView, TicketView};
use guichet_schemas::words::{LinkKind, TicketState};
use prost::Message as _;

use crate::model::ticket;
use crate::queries::reader::{Reader, Refusal};

/// `None`: it is no problem, or the question looks back, and nobody says how other tickets stood then.
pub(super) fn of(reader: &Reader<'_>, row: &TicketView) -> Result<Option<IncidentsView>, Refusal> {
    let caused = row.links.iter().filter(|link| link.from_other && link.kind == LinkKind::CausedBy.to_wire());
    let mut caused = caused.peekable();
    if reader.ask.looks_back() || caused.peek().is_none() {
        return Ok(None);
    }
    let mut view = IncidentsView::default();
    for link in caused {
        let Ok(id) = TicketId::from_wire(link.ticket_id.clone()) else { continue };
        let there = reader.view.ticket(reader.tenant(), id)?;
        reader.entry(there.as_ref().map_or(0, |there| there.encoded_len()))?;
        view.total = view.total.saturating_add(1);
        let count = match there.as_ref().and_then(ticket::state) {
            Some(TicketState::New | TicketState::Open | TicketState::Pending | TicketState::Hold) => {
                &mut view.unresolved
            }
            Some(TicketState::Resolved) => &mut view.resolved,
            Some(TicketState::Closed | TicketState::Cancelled) => &mut view.over,
            // An import tells of a ticket that is not here.
            None => continue,
        };
        *count = count.saturating_add(1);
    }
    Ok(Some(view))
}
