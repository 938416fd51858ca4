//! What the model keeps of a record whatever becomes of its ticket's row: the record, and the ways to the ticket.

use guichet_schemas::ids::{TicketId, TicketNumber};

use crate::keys;
use crate::projection::{Accepted, TicketKey};
use crate::store::Batch;

/// Writes the part of a record that is always kept, and gives its ticket back.
pub(super) fn put_record<'a>(
    accepted: &Accepted<'a>,
    batch: &mut Batch<'_>,
) -> Option<&'a (TicketId, TicketKey)> {
    let record = accepted.record;
    batch.put(keys::RECORDS, &keys::record(&record.tenant, record.position), accepted.bytes);
    let ticket = accepted.ticket?;
    batch.put(
        keys::TICKET_EVENTS,
        &keys::ticket_event(&record.tenant, ticket.0, record.version),
        &record.position.get().to_be_bytes(),
    );
    super::redacted::put(accepted, ticket.0, batch);
    if let Some(e) = record.event.created() {
        batch.put(
            keys::NUMBERS,
            &keys::number(&record.tenant, TicketNumber(e.number)),
            ticket.0.0.as_bytes(),
        );
    }
    if let Some(reference) = record.event.external_ref() {
        batch.put(keys::EXTERNAL_REFS, &keys::external_ref(&record.tenant, &reference, ticket.0), b"");
    }
    Some(ticket)
}
