//! The verb `approve_reply`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::ids::{CommentId, DraftId};
use crate::rejection::FieldError;
use crate::text::Body;
use crate::words::TicketState;

mirror! {
    /// Let a reply go out.
    pub struct ApproveReply {
        /// Which one.
        pub draft_id: DraftId,
        /// The text that goes out instead.
        pub edits: Option<Body>,
    }
}

impl Verb for ApproveReply {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// A reply goes out. The comment comes with it.
    pub struct ReplyApproved {
        /// Which one.
        pub draft_id: DraftId,
        /// Who approved it.
        pub approver: String,
        /// The text was changed.
        pub edited: bool,
        /// The comment that it became.
        pub comment_id: CommentId,
    }
}

personal_texts!(ReplyApproved {});

impl Meaning for ReplyApproved {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("approver", Some(&self.approver))
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
