//! The verb `make_comment_private`. The requester had the comment when it counted: no clock runs again, and no figure changes.

use guichet_schemas::command::{Command, MakeCommentPrivate};
use guichet_schemas::event::{CommentMadePrivate, Conversation, Event, Personal, Relations, TicketEvent};
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{AuthorKind, Visibility};

use super::shared::of_the_desk;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for MakeCommentPrivate {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let comment = comment_of(ticket, self.comment_id, context)?;
        require(ticket, &command.order)?;
        if comment.visibility == Visibility::Internal || ticket.moderation.private.contains(&self.comment_id)
        {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(CommentMadePrivate {
            comment_id: self.comment_id,
            reason: self.reason.as_str().to_owned(),
            author_kind: comment.author_kind,
            comment_version: comment.version,
        })])
    }
}

/// A comment as it was written, here or in a ticket that went into this one.
pub(super) struct Written<'a> {
    pub(super) visibility: Visibility,
    pub(super) author_kind: AuthorKind,
    pub(super) body: &'a Personal,
    /// Where it stands; none: a copy, which answered nobody here.
    pub(super) version: Option<u64>,
}

pub(super) fn comment_of<'a>(
    ticket: &Ticket,
    id: CommentId,
    context: &Context<'a>,
) -> Result<Written<'a>, Rejection> {
    let missing =
        || Rejection::NotFound { what: format!("a comment of ticket {} with the id {id}", ticket.number) };
    let other = context.other.ok_or_else(missing)?;
    let version = Some(other.found.as_ref().ok_or_else(missing)?.version);
    if let Some(Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e)))) = &other.event {
        return Ok(Written { visibility: e.visibility, author_kind: e.author_kind, body: &e.body, version });
    }
    if let Some(Event::Ticket(TicketEvent::Relations(Relations::CommentCopied(e)))) = &other.event {
        return Ok(Written {
            visibility: e.visibility,
            author_kind: e.author_kind,
            body: &e.body,
            version: None,
        });
    }
    Err(missing())
}

impl Fold for CommentMadePrivate {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let is_new = ticket.moderation.private.insert(self.comment_id);
        if let (true, AuthorKind::Agent, Some(version)) = (is_new, self.author_kind, self.comment_version) {
            ticket.is_unanswered(version);
        }
    }
}
