//! The log as read over NATS, decoded once, with the records of each command together.

use std::collections::HashMap;

use guichet_schemas::codec::decode_record;
use guichet_schemas::record::Record;
use uuid::Uuid;

use crate::finding::{Finding, Invariant};

/// Every record, in order.
#[derive(Debug, Default)]
pub(crate) struct Written {
    bytes: Vec<Vec<u8>>,
    pub(crate) records: Vec<Record>,
    by_command: HashMap<Uuid, Vec<usize>>,
}

impl Written {
    /// Decodes what the log service gave.
    pub(crate) fn read(bytes: Vec<Vec<u8>>) -> Result<Self, Finding> {
        let mut written = Self { bytes, ..Self::default() };
        for (index, bytes) in written.bytes.iter().enumerate() {
            let record = decode_record(bytes).map_err(|error| {
                Finding::of(Invariant::I3, format!("position {} cannot be read: {error}", index + 1))
            })?;
            written.by_command.entry(record.command_id.0).or_default().push(index);
            written.records.push(record);
        }
        Ok(written)
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// The bytes at a position.
    pub(crate) fn bytes(&self, position: u64) -> Option<&[u8]> {
        let index = usize::try_from(position.checked_sub(1)?).ok()?;
        self.bytes.get(index).map(Vec::as_slice)
    }

    /// The records of a command, in the order of the log.
    pub(crate) fn of(&self, command: Uuid) -> Vec<&Record> {
        let places = self.by_command.get(&command).map_or(&[][..], Vec::as_slice);
        places.iter().map(|index| &self.records[*index]).collect()
    }
}
