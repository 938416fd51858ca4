//! The verb `redact_comment`.

use super::{Verb, limits};
use crate::codec::check::{at_least_one, at_most, size};
use crate::event::{Change, Meaning, TextSpan};
use crate::ids::CommentId;
use crate::rejection::FieldError;
use crate::text::{Body, Note};
use crate::words::TicketState;

mirror! {
    /// Hide the text of a comment, or spans of it.
    pub struct RedactComment {
        /// Which one.
        pub comment_id: CommentId,
        /// These parts; none: all of it.
        pub spans: Vec<TextSpan>,
        /// Why.
        pub reason: Note,
    }
}

impl Verb for RedactComment {
    const STATES: &'static [TicketState] = TicketState::ALL;

    fn check(&self) -> Result<(), FieldError> {
        spans(&self.spans)
    }
}

fn spans(spans: &[TextSpan]) -> Result<(), FieldError> {
    at_most("spans", spans.len(), limits::SPANS)?;
    for (n, span) in spans.iter().enumerate() {
        let within = |e: FieldError| e.in_field(&format!("spans[{n}]"));
        at_least_one("length", span.length).map_err(within)?;
        // No text has more characters than bytes.
        if span.from.max(span.length) as usize > Body::BYTES {
            let rule = format!("must lie within {} characters", Body::BYTES);
            return Err(within(FieldError::rule(rule)));
        }
    }
    Ok(())
}

mirror! {
    /// The text of a comment is hidden, or spans of it. The sealed original stays in the log.
    pub struct CommentRedacted {
        /// Which one.
        pub comment_id: CommentId,
        /// None: the whole text.
        pub spans: Vec<TextSpan>,
        /// Why.
        pub reason: String,
    }
}

personal_texts!(CommentRedacted {});

impl Meaning for CommentRedacted {
    fn sizes(&self) -> Result<(), FieldError> {
        spans(&self.spans)?;
        size::note("reason", Some(&self.reason))
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }
}
