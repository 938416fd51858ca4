//! The verb `make_comment_private`.

use super::Verb;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::ids::CommentId;
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::{AuthorKind, TicketState};

mirror! {
    /// Take a public comment out of sight of the requester.
    pub struct MakeCommentPrivate {
        /// Which one.
        pub comment_id: CommentId,
        /// Why.
        pub reason: Note,
    }
}

impl Verb for MakeCommentPrivate {
    const STATES: &'static [TicketState] = TicketState::ALL;
}

mirror! {
    /// A public comment is one of the desk only. What clocks and figures had counted stays counted.
    pub struct CommentMadePrivate {
        /// Which one.
        pub comment_id: CommentId,
        /// Why.
        pub reason: String,
        /// Who had written it.
        pub author_kind: AuthorKind,
        /// The version of its event; an imported fact may not know.
        pub comment_version: Option<u64>,
    }
}

personal_texts!(CommentMadePrivate {});

impl Meaning for CommentMadePrivate {
    fn sizes(&self) -> Result<(), FieldError> {
        size::note("reason", Some(&self.reason))
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }
}
