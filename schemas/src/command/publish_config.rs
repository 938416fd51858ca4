//! The verb `publish_config`.

use super::{Verb, limits};
use crate::hash::Hash;
use crate::rejection::FieldError;
use crate::text::Label;
use crate::time::Timestamp;
use crate::words::{Apply, TicketState};

mirror! {
    /// Configure something.
    pub struct PublishConfig {
        /// Which kind of thing.
        pub kind: Label,
        /// Which of its kind; default: the only one.
        pub id: Option<Label>,
        /// JSON object.
        pub body: String,
        /// From when on it holds; default: now.
        pub effective_from: Option<Timestamp>,
        /// Default: open clocks too.
        pub apply: Option<Apply>,
        /// It may hold from before now, although another held then.
        pub retroactive: bool,
    }
}

impl Verb for PublishConfig {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        if self.body.len() > limits::CONFIG_BYTES {
            let rule = format!("must be at most {} bytes", limits::CONFIG_BYTES);
            return Err(FieldError::new("body", rule));
        }
        let canonical = crate::json::embedded::canonical(&self.body);
        canonical.map(|_| ()).map_err(|e| FieldError::new("body", format!("does not read: {e}")))
    }
}

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
