//! What the rules know of a file that is attached to a ticket.

use guichet_schemas::ids::KeyId;
use guichet_schemas::words::ScanVerdict;
use serde::{Deserialize, Serialize};

/// A file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Bytes.
    pub size: u64,
    /// The key that its bytes are sealed under; nil: they were not imported with the history.
    pub key_id: KeyId,
    /// What the last scan found; none: nobody has scanned it.
    pub verdict: Option<ScanVerdict>,
    /// Its bytes were removed.
    pub redacted: bool,
}

impl Attachment {
    /// Whether its bytes must be on disk.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        !self.redacted && !self.key_id.0.is_nil()
    }

    /// Whether its bytes may be handed out.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.is_stored() && self.verdict != Some(ScanVerdict::Infected)
    }
}
