//! The verb `add_comment`.

use super::verb::UNTIL_CLOSED;
use super::{Verb, limits};
use crate::codec::check::at_most;
use crate::hash::Hash;
use crate::ids::CommentId;
use crate::rejection::FieldError;
use crate::text::Body;
use crate::words::{CommentKind, TicketState, Visibility};

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
