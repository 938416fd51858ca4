//! The verb `redact_attachment`.

use super::Verb;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::hash::Hash;
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::TicketState;

mirror! {
    /// Remove the bytes of an attachment for good.
    pub struct RedactAttachment {
        /// Which attachment.
        pub sha256: Hash,
        /// Why.
        pub reason: Note,
    }
}

impl Verb for RedactAttachment {
    const STATES: &'static [TicketState] = TicketState::ALL;
}

mirror! {
    /// The bytes of an attachment were removed.
    pub struct AttachmentRedacted {
        /// Which attachment.
        pub sha256: Hash,
        /// Why.
        pub reason: String,
    }
}

personal_texts!(AttachmentRedacted {});

impl Meaning for AttachmentRedacted {
    fn sizes(&self) -> Result<(), FieldError> {
        size::note("reason", Some(&self.reason))
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }
}
