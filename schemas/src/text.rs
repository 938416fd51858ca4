//! Texts with a limit. A value of one of these types keeps its limit; nobody checks it again.

use std::fmt;

use crate::rejection::FieldError;

/// One line: 1 to `MAX` characters, no control characters, no blank ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line<const MAX: usize>(String);

impl<const MAX: usize> Line<MAX> {
    /// Characters that it may have.
    pub const CHARACTERS: usize = MAX;

    /// Checks the text.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn parse(text: String) -> Result<Self, FieldError> {
        if text.trim().is_empty() {
            return Err(FieldError::rule("must not be empty"));
        }
        if text.chars().count() > MAX {
            return Err(FieldError::rule(format!("must have at most {MAX} characters")));
        }
        if text.chars().any(char::is_control) {
            return Err(FieldError::rule("must not hold control characters"));
        }
        if text.trim() != text {
            return Err(FieldError::rule("must not begin or end with a blank"));
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text of several lines: 1 to `MAX` bytes of UTF-8, not only blanks, no NUL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Bytes that it may have.
    pub const BYTES: usize = MAX;

    /// Checks the text.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn parse(text: String) -> Result<Self, FieldError> {
        if text.trim().is_empty() {
            return Err(FieldError::rule("must not be empty"));
        }
        if text.len() > MAX {
            return Err(FieldError::rule(format!("must have at most {MAX} bytes")));
        }
        if text.contains('\0') {
            return Err(FieldError::rule("must not hold a NUL character"));
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_impls {
    ($name:ident) => {
        impl<const MAX: usize> From<$name<MAX>> for String {
            fn from(text: $name<MAX>) -> Self {
                text.0
            }
        }
        impl<const MAX: usize> fmt::Display for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
text_impls!(Line);
text_impls!(Text);

/// Subject of a ticket.
pub type Subject = Line<300>;
/// Name of a group, an agent, a product and the like.
pub type Label = Line<128>;
/// A tag.
pub type Tag = Line<64>;
/// Path of a category, such as `technical/network`.
pub type CategoryPath = Line<200>;
/// A note, a summary, a reason: 4 KiB.
pub type Note = Text<4096>;
/// A description or the body of a comment: 48 KiB.
pub type Body = Text<49152>;
