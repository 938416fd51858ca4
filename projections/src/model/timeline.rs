//! One line of a ticket's history, from the record's own bytes.

use guichet_schemas::codec::{self, DecodeError};
use guichet_schemas::hash::Hash;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire;

use super::sentence::sentence;

/// The line that a record makes.
///
/// # Errors
/// The bytes are no record of ours.
pub fn entry(bytes: &[u8]) -> Result<wire::TimelineEntry, DecodeError> {
    let data = codec::decode_record_wire(bytes)?;
    let record = Record::from_wire(data.clone())?;
    Ok(wire::TimelineEntry {
        position: record.position.get(),
        version: record.version.get(),
        r#type: record.event.type_name().to_owned(),
        recorded_at: record.recorded_at.0,
        occurred_at: record.occurred_at.0,
        caller: record.caller.clone(),
        command_id: record.command_id.to_wire(),
        causation_id: record.causation_id.to_wire(),
        hash: Hash::of_record(bytes).to_wire(),
        prev_hash: record.prev_hash.to_wire(),
        sentence: sentence(&record),
        actor: record.actor.to_wire(),
        data: Some(data),
    })
}
