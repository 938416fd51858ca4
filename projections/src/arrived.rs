//! A record on its way into the read models: as it came, and as read once for all of them.

use bytes::Bytes;
use guichet_schemas::codec::{self, DecodeError};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TicketId;
use guichet_schemas::record::Record;

use crate::keys;
use crate::projection::TicketKey;

/// A record as it came, from the stream or from the log service.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Sequence in the stream, or place in the log service's answer.
    pub sequence: u64,
    /// Hash of the record at `sequence - 1`, as the sender says.
    pub prev_hash: Option<Hash>,
    /// Hash of this record, as the sender says.
    pub hash: Option<Hash>,
    /// The record.
    pub bytes: Bytes,
}

/// The same, hashed and decoded. This is the costly part, so it happens once in a process.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) arrived: Arrived,
    /// What the bytes hash to, whatever the sender says.
    pub(crate) actual: Hash,
    pub(crate) record: Result<Record, DecodeError>,
    /// The ticket that it is about, with the key of its row.
    pub(crate) ticket: Option<(TicketId, TicketKey)>,
}

impl Checked {
    pub(crate) fn of(arrived: Arrived) -> Self {
        let actual = Hash::of_record(&arrived.bytes);
        let record = codec::decode_record(&arrived.bytes);
        let ticket = record.as_ref().ok().and_then(|record| {
            let id = record.ticket_id()?;
            Some((id, keys::ticket(&record.tenant, id)))
        });
        Self { arrived, actual, record, ticket }
    }
}
