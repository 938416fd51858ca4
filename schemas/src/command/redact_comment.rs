//! The verb `redact_comment`.

use super::{Verb, limits};
use crate::codec::check::{at_most, size};
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
        /// These parts...
        pub spans: Vec<TextSpan>,
        /// ... or all of it.
        pub whole: bool,
        /// Why.
        pub reason: Note,
    }
}

impl Verb for RedactComment {
    const STATES: &'static [TicketState] = TicketState::ALL;

    fn check(&self) -> Result<(), FieldError> {
        if self.whole == !self.spans.is_empty() {
            return Err(FieldError::new("spans", "or whole is required, and not both"));
        }
        spans(&self.spans)
    }
}

fn spans(spans: &[TextSpan]) -> Result<(), FieldError> {
    at_most("spans", spans.len(), limits::SPANS)?;
    // No text has more characters than bytes.
    let fits = |span: &TextSpan| span.from < span.to && span.to as usize <= Body::BYTES;
    spans.iter().position(|span| !fits(span)).map_or(Ok(()), |n| {
        let rule = format!("must end behind its beginning, and within {} characters", Body::BYTES);
        Err(FieldError::new(format!("spans[{n}]"), rule))
    })
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
