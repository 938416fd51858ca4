//! The verb `add_comment`.

use super::verb::UNTIL_CLOSED;
use super::{Verb, limits};
use crate::codec::check::{at_most, size};
use crate::event::{Change, Meaning, Personal};
use crate::hash::Hash;
use crate::ids::CommentId;
use crate::rejection::FieldError;
use crate::text::Body;
use crate::words::{AuthorKind, Channel, CommentKind, TicketState, Visibility};

mirror! {
    /// Write something.
    pub struct AddComment {
        /// Who may read it.
        pub visibility: Visibility,
        /// Default: message.
        pub kind: Option<CommentKind>,
        /// The text.
        pub body: Body,
        /// SHA-256 of each attachment.
        pub attachments: Vec<Hash>,
        /// Which comment it answers.
        pub in_reply_to: Option<CommentId>,
        /// Default: true for a public message of a human agent.
        pub counts_as_reply: Option<bool>,
        /// A thank-you that must not reopen.
        pub no_reopen: bool,
    }
}

impl Verb for AddComment {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        at_most("attachments", self.attachments.len(), limits::ATTACHMENTS)
    }

    fn is_internal(&self) -> bool {
        self.visibility == Visibility::Internal
    }
}

mirror! {
    /// Somebody wrote something.
    pub struct CommentAdded {
        /// Comment id.
        pub comment_id: CommentId,
        /// Visibility.
        pub visibility: Visibility,
        /// Kind.
        pub kind: CommentKind,
        /// Author.
        pub author: String,
        /// Author kind.
        pub author_kind: AuthorKind,
        /// Channel.
        pub channel: Option<Channel>,
        /// Body.
        pub body: Personal,
        /// SHA-256 of each attachment.
        pub attachments: Vec<Hash>,
        /// In reply to.
        pub in_reply_to: Option<CommentId>,
        /// A public reply by a human agent, for reply clocks.
        pub counts_as_reply: bool,
        /// A thank-you that must not reopen.
        pub no_reopen: bool,
    }
}

personal_texts!(CommentAdded { BODY: body });

impl Meaning for CommentAdded {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("author", Some(&self.author))?;
        at_most("attachments", self.attachments.len(), limits::ATTACHMENTS)?;
        size::bytes("body", size::plain(&self.body), Body::BYTES)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

mirror! {
    /// A requester's message did not reopen the ticket, because requesters had reopened it often: a person decides.
    pub struct ReopenHeld {
        /// How often they had within the time that counts.
        pub reopenings: u32,
        /// How far back that time reaches.
        pub within_ms: u64,
    }
}

personal_texts!(ReopenHeld {});

impl Meaning for ReopenHeld {
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
