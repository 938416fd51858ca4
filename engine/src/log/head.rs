//! Where a log ends.

use guichet_schemas::hash::Hash;
use guichet_schemas::position::{Epoch, Generation, LogPosition};

#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Newest position.
    pub position: LogPosition,
    pub hash: Hash,
    /// This start.
    pub epoch: Epoch,
    /// Lineage.
    pub generation: Generation,
}
