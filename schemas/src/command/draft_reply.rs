//! The verb `draft_reply`.

use super::verb::UNTIL_CLOSED;
use super::{Verb, limits};
use crate::codec::check::{at_most, size};
use crate::event::{Change, Meaning, Personal};
use crate::hash::Hash;
use crate::ids::{CommentId, DraftId};
use crate::rejection::FieldError;
use crate::text::Body;
use crate::words::{AuthorKind, Channel, CommentKind, TicketState};

mirror! {
    /// Write a reply to the requester that goes out once somebody has approved it.
    pub struct DraftReply {
        /// The text.
        pub body: Body,
        /// SHA-256 of each attachment.
        pub attachments: Vec<Hash>,
        /// Which comment it answers.
        pub in_reply_to: Option<CommentId>,
    }
}

impl Verb for DraftReply {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        at_most("attachments", self.attachments.len(), limits::ATTACHMENTS)
    }

    /// Only the desk sees it.
    fn is_internal(&self) -> bool {
        true
    }
}

mirror! {
    /// A reply waits for approval.
    pub struct ReplyDrafted {
        /// Which one.
        pub draft_id: DraftId,
        /// Author.
        pub author: String,
        /// Author kind.
        pub author_kind: AuthorKind,
        /// Kind.
        pub kind: CommentKind,
        /// Channel.
        pub channel: Option<Channel>,
        /// Body.
        pub body: Personal,
        /// SHA-256 of each attachment.
        pub attachments: Vec<Hash>,
        /// In reply to.
        pub in_reply_to: Option<CommentId>,
        /// It will be an answer, for reply clocks.
        pub counts_as_reply: bool,
    }
}

personal_texts!(ReplyDrafted { BODY: body });

impl Meaning for ReplyDrafted {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("author", Some(&self.author))?;
        at_most("attachments", self.attachments.len(), limits::ATTACHMENTS)?;
        size::bytes("body", size::plain(&self.body), Body::BYTES)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
