//! How far a read model is, and in which history.

use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;

use super::StoreError;

/// The last record folded. Lies in the same batch as what it led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Lineage of the log, as the last `EpochStarted` said; 0 before the first.
    pub generation: u64,
    /// Where that record stands; `None` before the first.
    pub position: Option<LogPosition>,
    /// Its hash; zeroes before the first.
    pub hash: Hash,
}

impl Checkpoint {
    /// Nothing folded yet.
    pub const EMPTY: Self = Self { generation: 0, position: None, hash: Hash::ZERO };

    /// The position as a number, 0 for none.
    #[must_use]
    pub fn position_or_zero(&self) -> u64 {
        LogPosition::or_zero(self.position)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(48);
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.position_or_zero().to_be_bytes());
        bytes.extend_from_slice(&self.hash.0);
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let read = || {
            let (generation, rest) = bytes.split_first_chunk()?;
            let (position, hash) = rest.split_first_chunk()?;
            Some(Self {
                generation: u64::from_be_bytes(*generation),
                position: LogPosition::new(u64::from_be_bytes(*position)),
                hash: Hash::from_slice(hash)?,
            })
        };
        read().ok_or(StoreError::Damaged { what: "the checkpoint" })
    }
}
