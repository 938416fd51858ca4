//! Conversation: what is said on a ticket.

use super::Personal;
use crate::hash::Hash;
use crate::ids::CommentId;
use crate::words::{AuthorKind, Channel, CommentKind, Visibility};

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
