//! The verb `merge`.

use super::verb::UNTIL_CLOSED;
use super::{Verb, limits};
use crate::codec::check::{at_most, size};
use crate::event::{Change, Meaning, Personal};
use crate::hash::Hash;
use crate::ids::{CommentId, TicketId};
use crate::rejection::FieldError;
use crate::text::Body;
use crate::time::Timestamp;
use crate::words::{AuthorKind, Channel, CommentKind, CommentMode, TicketState, Visibility};

mirror! {
    /// Put other tickets into this one; they are closed.
    pub struct Merge {
        /// Those tickets.
        pub sources: Vec<TicketId>,
        /// Default: copy.
        pub comment_mode: Option<CommentMode>,
    }
}

impl Verb for Merge {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        if self.sources.is_empty() {
            return Err(FieldError::new("sources", "must name at least one ticket"));
        }
        at_most("sources", self.sources.len(), limits::SOURCES)?;
        distinct("sources", &self.sources)
    }
}

/// No ticket is named twice.
pub(crate) fn distinct(field: &str, tickets: &[TicketId]) -> Result<(), FieldError> {
    let twice = (0..tickets.len()).find(|n| tickets[..*n].contains(&tickets[*n]));
    twice.map_or(Ok(()), |n| Err(FieldError::rule("stands in the list twice").at_index(n).in_field(field)))
}

mirror! {
    /// The ticket went into another one. Stands in the history of the ticket that ends by it.
    pub struct TicketMerged {
        /// The ticket that goes on.
        pub into: TicketId,
        /// Its number.
        pub into_number: u64,
        /// What became of the comments.
        pub comment_mode: CommentMode,
        /// How many there are.
        pub comment_count: u32,
    }
}

personal_texts!(TicketMerged {});

impl Meaning for TicketMerged {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

mirror! {
    /// Another ticket went into this one.
    pub struct MergeReceived {
        /// That ticket.
        pub from: TicketId,
        /// Its number.
        pub from_number: u64,
        /// What became of its comments.
        pub comment_mode: CommentMode,
        /// How many it has.
        pub comment_count: u32,
        /// Those that are copied: the events that follow.
        pub comments: Vec<CommentId>,
    }
}

personal_texts!(MergeReceived {});

impl Meaning for MergeReceived {
    fn sizes(&self) -> Result<(), FieldError> {
        at_most("comments", self.comments.len(), limits::COPIED_COMMENTS)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

mirror! {
    /// What was said in another ticket, repeated here: it moves no clock, and no report counts it twice.
    pub struct CommentCopied {
        /// The id that it has there; of the first words of a ticket, the id of that ticket.
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
        /// When it was said.
        pub written_at: Timestamp,
        /// The ticket in which it was said.
        pub from: TicketId,
        /// The number of that ticket.
        pub from_number: u64,
        /// Whose text it is: the requester of that ticket, under whose key it is sealed here too.
        pub requester: String,
    }
}

personal_texts!(CommentCopied { BODY: body });

impl Meaning for CommentCopied {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("author", Some(&self.author))?;
        size::label("requester", Some(&self.requester))?;
        at_most("attachments", self.attachments.len(), limits::ATTACHMENTS)?;
        size::bytes("body", size::plain(&self.body), Body::BYTES)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
