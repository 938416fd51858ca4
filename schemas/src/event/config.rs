//! Configuration: what was published and retired.

use crate::hash::Hash;
use crate::time::Timestamp;
use crate::words::Apply;

mirror! {
    /// Something was configured.
    pub struct ConfigPublished {
        /// Such as calendar or `sla_policies`.
        pub kind: String,
        /// Which of its kind.
        pub id: String,
        /// Of this kind and id; from 1, no gaps.
        pub version: u64,
        /// From when on it holds.
        pub effective_from: Timestamp,
        /// For which clocks.
        pub apply: Apply,
        /// Canonical JSON: keys in order, no white space, nothing that is null.
        pub body: String,
        /// SHA-256 of the body.
        pub body_hash: Hash,
        /// Version of the zone data that it was checked with.
        pub zone_data: Option<String>,
        /// It changes what held before it was published.
        pub retroactive: bool,
    }
}

mirror! {
    /// What was configured holds no longer.
    pub struct ConfigRetired {
        /// Its kind.
        pub kind: String,
        /// Which of its kind.
        pub id: String,
        /// Of this kind and id; from 1, no gaps.
        pub version: u64,
        /// From when on it does not hold.
        pub effective_from: Timestamp,
    }
}
