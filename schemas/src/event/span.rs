//! A part of a text.

use crate::rejection::FieldError;
use crate::wire;

/// Part of a text, in characters: `from` up to `to`, without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct TextSpan {
    /// The first character, from 0.
    pub from: u32,
    /// The one behind the last.
    pub to: u32,
}
// A span may begin at the first character: on the wire, a forgotten beginning must differ from it.
scalar!(
    [] TextSpan, wire::TextSpan,
    |w| Ok(Self { from: w.from.ok_or_else(|| FieldError::new("from", "is required"))?, to: w.to }),
    |v| wire::TextSpan { from: Some(v.from), to: v.to }
);

impl TextSpan {
    /// These spans in order, and one of those that meet.
    #[must_use]
    pub fn joined(spans: &[Self]) -> Vec<Self> {
        let mut sorted = spans.to_vec();
        sorted.sort_unstable();
        let mut joined: Vec<Self> = Vec::with_capacity(sorted.len());
        for span in sorted {
            match joined.last_mut() {
                Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
                Some(_) | None => joined.push(span),
            }
        }
        joined
    }

    /// Whether one of the joined spans covers all of another.
    #[must_use]
    pub fn cover(joined: &[Self], other: Self) -> bool {
        joined.iter().any(|span| span.from <= other.from && other.to <= span.to)
    }
}
