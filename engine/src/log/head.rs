//! Where a log ends.

use guichet_schemas::hash::Hash;
use guichet_schemas::position::{Epoch, Generation, LogPosition};

/// Where a log ends.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Newest position.
    pub position: LogPosition,
    /// Its hash.
    pub hash: Hash,
    /// This start.
    pub epoch: Epoch,
    /// Lineage.
    pub generation: Generation,
}
