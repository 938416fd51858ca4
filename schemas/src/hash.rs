//! The hash of a record.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256, as the leaf hash of RFC 6962 §2.1: `SHA-256(0x00 ‖ record bytes)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash in front of the first event of a stream.
    pub const ZERO: Self = Self([0; 32]);

    /// Hash of the bytes of a record, exactly as stored and published.
    ///
    /// ```
    /// use guichet_schemas::hash::Hash;
    /// assert_eq!(Hash::of_record(b"").to_string(),
    ///     "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    /// ```
    #[must_use]
    pub fn of_record(bytes: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
    }

    /// Plain SHA-256 of bytes that are no record, such as the body of a configuration.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// From 32 bytes or their lower-case hex.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok().map(|()| Self(bytes))
    }

    /// From a slice of 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
