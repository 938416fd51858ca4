//! A ticket as it was: folded again from its records, up to a position or an instant.

use guichet_schemas::codec::decode_record_wire;
use guichet_schemas::ids::TicketId;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{self, TicketView};

use crate::model;
use crate::queries::reader::{Reader, Refusal};
use crate::store::StoreError;

const DAMAGED: StoreError = StoreError::Damaged { what: "a record" };

/// The row that the records in sight make; `None` where the ticket does not exist in their sight.
pub(super) fn ticket(reader: &Reader<'_>, id: TicketId) -> Result<Option<TicketView>, Refusal> {
    let mut row = None;
    for event in reader.view.events_of(reader.tenant(), id, StreamVersion::FIRST) {
        let (_, position) = event?;
        if position.get() > reader.until {
            break;
        }
        let bytes = bytes(reader, position)?;
        reader.entry(bytes.len())?;
        let record = wire_record(&bytes)?;
        if in_sight(reader, Timestamp(record.occurred_at)) {
            let record = Record::from_wire(record).map_err(|_| DAMAGED)?;
            row = Some(model::ticket::apply(row, &record));
        }
    }
    Ok(row)
}

/// Whether an instant lies before the one that was asked for.
pub(super) fn in_sight(reader: &Reader<'_>, occurred_at: Timestamp) -> bool {
    reader.ask.as_of.is_none_or(|as_of| occurred_at < as_of)
}

/// The bytes of a record that an index names.
pub(super) fn bytes(reader: &Reader<'_>, position: LogPosition) -> Result<Vec<u8>, StoreError> {
    reader
        .view
        .record(reader.tenant(), position)?
        .ok_or(StoreError::Damaged { what: "a record that a ticket names" })
}

pub(super) fn wire_record(bytes: &[u8]) -> Result<wire::Record, StoreError> {
    decode_record_wire(bytes).map_err(|_| DAMAGED)
}
