//! A part of a text.

use crate::rejection::FieldError;
use crate::wire;

/// Part of a text, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct TextSpan {
    /// The first character, from 0.
    pub from: u32,
    /// How many.
    pub length: u32,
}
// A span may begin at the first character: on the wire, a forgotten beginning must differ from it.
scalar!(
    [] TextSpan, wire::TextSpan,
    |w| Ok(Self { from: w.from.ok_or_else(|| FieldError::new("from", "is required"))?, length: w.length }),
    |v| wire::TextSpan { from: Some(v.from), length: v.length }
);

impl TextSpan {
    /// The character behind the last.
    #[must_use]
    pub const fn end(self) -> u32 {
        self.from.saturating_add(self.length)
    }

    /// These spans in order, and one of those that meet.
    #[must_use]
    pub fn joined(spans: &[Self]) -> Vec<Self> {
        let mut sorted = spans.to_vec();
        sorted.sort_unstable();
        let mut joined: Vec<Self> = Vec::with_capacity(sorted.len());
        for span in sorted {
            match joined.last_mut() {
                Some(last) if span.from <= last.end() => {
                    last.length = last.end().max(span.end()).saturating_sub(last.from);
                }
                Some(_) | None => joined.push(span),
            }
        }
        joined
    }

    /// Whether one of the joined spans covers all of another.
    #[must_use]
    pub fn cover(joined: &[Self], other: Self) -> bool {
        joined.iter().any(|span| span.from <= other.from && other.end() <= span.end())
    }
}
