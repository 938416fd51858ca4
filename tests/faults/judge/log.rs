//! The log as read over NATS, decoded once, with the records of each command together.

use std::collections::HashMap;

use async_nats::Client;
use guichet_key_client::{Opener, of_record};
use guichet_schemas::codec::{decode_record, decode_record_wire};
use guichet_schemas::position::Partition;
use guichet_schemas::record::Record;
use uuid::Uuid;

use crate::finding::{Finding, Invariant};

/// Whose desk the rig works at.
const TENANT: &str = "default";
/// Records whose texts are opened together.
const TOGETHER: usize = 1000;

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

    /// Opens the personal texts as a worker does: a text whose key was lost is not what its sender was promised.
    pub(crate) async fn open(&mut self, client: &Client) {
        let opener = Opener::new(client.clone(), Partition(0));
        for (records, bytes) in self.records.chunks_mut(TOGETHER).zip(self.bytes.chunks(TOGETHER)) {
            let mut wires: Vec<_> = bytes.iter().filter_map(|bytes| decode_record_wire(bytes).ok()).collect();
            opener.open(TENANT, wires.iter_mut().flat_map(of_record).collect()).await;
            for (record, opened) in records.iter_mut().zip(wires) {
                *record = Record::from_wire(opened).expect("it was read before");
            }
        }
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
