//! The verb `add_attachment`.

use super::verb::UNTIL_CLOSED;
use super::{Verb, limits};
use crate::codec::check::size;
use crate::event::{Change, Meaning, Personal};
use crate::hash::Hash;
use crate::ids::KeyId;
use crate::rejection::FieldError;
use crate::text::Label;
use crate::words::TicketState;

mirror! {
    /// Attach bytes that were uploaded to the ticket.
    pub struct AddAttachment {
        /// SHA-256 of the bytes.
        pub sha256: Hash,
        /// How many bytes.
        pub size: u64,
        /// Such as `image/png`.
        pub media_type: Label,
        /// Name of the file, without a path.
        pub name: Label,
    }
}

impl Verb for AddAttachment {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        if self.size == 0 || self.size > limits::ATTACHMENT_BYTES {
            let rule = format!("must be 1 to {}", limits::ATTACHMENT_BYTES);
            return Err(FieldError::new("size", rule));
        }
        if !is_media_type(self.media_type.as_str()) {
            return Err(FieldError::new("media_type", "must be type/subtype, such as image/png"));
        }
        if self.name.as_str().contains(['/', '\\']) {
            return Err(FieldError::new("name", "must be the name of a file, without a path"));
        }
        Ok(())
    }
}

/// Type and subtype of RFC 6838 §4.2, in any case.
fn is_media_type(text: &str) -> bool {
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

mirror! {
    /// Somebody attached a file.
    pub struct AttachmentAdded {
        /// SHA-256 of the bytes.
        pub sha256: Hash,
        /// How many bytes.
        pub size: u64,
        /// Such as `image/png`.
        pub media_type: String,
        /// Name of the file.
        pub name: Personal,
        /// The key under which the bytes are sealed; nil: they were not imported with the history.
        pub key_id: KeyId,
    }
}

personal_texts!(AttachmentAdded { NAME: name });

impl Meaning for AttachmentAdded {
    fn sizes(&self) -> Result<(), FieldError> {
        size::characters("media_type", &self.media_type, Label::CHARACTERS)?;
        size::characters("name", size::plain(&self.name), Label::CHARACTERS)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

#[cfg(test)]
mod tests {
    use super::is_media_type;

    #[test]
    fn a_media_type_is_two_names_with_a_slash() {
        for good in ["image/png", "application/vnd.api+json", "TEXT/Plain"] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in ["", "png", "/png", "image/", "image/png; q=1", "a/b/c", "image/p\nng", "text/-x"] {
            assert!(!is_media_type(bad), "{bad:?}");
        }
    }
}
