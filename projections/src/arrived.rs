//! A record on its way into the read models: as it came, and as read once for all of them.

use std::sync::Arc;

use bytes::Bytes;
use guichet_proof::{Author, Authorship, Said};
use guichet_schemas::codec::{self, DecodeError};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TicketId;
use guichet_schemas::position::LogPosition;
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
    /// By what it is told whether the engine of this log wrote it; none: it comes from the log itself, or this process
    /// has not the secret of the log.
    pub proof: Option<Proof>,
}

/// A message's account of itself, and the means to judge whether it is true.
#[derive(Debug, Clone)]
pub struct Proof {
    pub authorship: Arc<Authorship>,
    /// As its headers say.
    pub says: Said,
}

impl Proof {
    /// True where nobody wrote it who has the secret of the log.
    pub(crate) fn is_strangers(&self, sequence: u64, hash: Hash) -> bool {
        let author = |at| self.authorship.of(at, hash, &self.says);
        LogPosition::new(sequence).map(author) == Some(Author::Stranger)
    }
}

/// The same, hashed and decoded. This is the costly part, so it happens once in a process.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) arrived: Arrived,
    /// The real hash of the bytes, whatever the sender says.
    pub(crate) actual: Hash,
    /// No engine of this log wrote it: it is not what stands at its place.
    pub(crate) is_forged: bool,
    pub(crate) record: Result<Record, DecodeError>,
    /// The ticket that it is about, with the key of its row.
    pub(crate) ticket: Option<(TicketId, TicketKey)>,
}

impl Checked {
    pub(crate) fn of(arrived: Arrived) -> Self {
        let actual = Hash::of_record(&arrived.bytes);
        let is_forged = arrived.proof.as_ref().is_some_and(|p| p.is_strangers(arrived.sequence, actual));
        let record = codec::decode_record(&arrived.bytes);
        let ticket = record.as_ref().ok().and_then(|record| {
            let id = record.ticket_id()?;
            Some((id, keys::ticket(&record.tenant, id)))
        });
        Self { arrived, actual, is_forged, record, ticket }
    }
}
