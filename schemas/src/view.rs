//! Small readers on the answers' wire types.

use crate::event::Personal;
use crate::mirror::Wire as _;
use crate::wire;

/// The part of a personal text that a person may read.
#[must_use]
pub fn readable(personal: Option<&wire::Personal>) -> &str {
    match personal.and_then(|p| p.form.as_ref()) {
        Some(wire::personal::Form::Plain(text)) => text,
        Some(wire::personal::Form::Sealed(_)) => "[sealed]",
        None => "",
    }
}

/// The part of a personal text that a person may read.
#[must_use]
pub fn readable_text(personal: &Personal) -> &str {
    match personal {
        Personal::Plain(text) => text,
        Personal::Sealed(_) => "[sealed]",
    }
}

/// The wire shape of a personal text.
#[must_use]
pub fn personal(text: Personal) -> Option<wire::Personal> {
    text.to_wire()
}
