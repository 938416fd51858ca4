//! The verb `make_comment_private`. The requester had the comment when it counted: no clock runs again, and no figure changes.

use guichet_schemas::command::{Command, MakeCommentPrivate};
use guichet_schemas::event::{CommentAdded, CommentMadePrivate, Conversation, Event, TicketEvent};
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{AuthorKind, Visibility};

use super::shared::of_the_desk;
use super::{Decide, Fold};
use crate::decide::{Context, Draft};
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
        let (comment, version) = comment_of(ticket, self.comment_id, context)?;
        require(ticket, &command.order)?;
        if comment.visibility == Visibility::Internal || ticket.moderation.private.contains(&self.comment_id)
        {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(CommentMadePrivate {
            comment_id: self.comment_id,
            reason: self.reason.as_str().to_owned(),
            author_kind: comment.author_kind,
            comment_version: Some(version),
        })])
    }
}

/// A comment as it was written, and the version at which it was.
pub(super) fn comment_of<'a>(
    ticket: &Ticket,
    id: CommentId,
    context: &Context<'a>,
) -> Result<(&'a CommentAdded, u64), Rejection> {
    let other = context.other.and_then(|other| Some((other.event.as_ref()?, other.found.as_ref()?)));
    let Some((Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(comment))), found)) = other
    else {
        let what = format!("a comment of ticket {} with the id {id}", ticket.number);
        return Err(Rejection::NotFound { what });
    };
    Ok((comment, found.version))
}

impl Fold for CommentMadePrivate {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let is_new = ticket.moderation.private.insert(self.comment_id);
        if let (true, AuthorKind::Agent, Some(version)) = (is_new, self.author_kind, self.comment_version) {
            ticket.is_unanswered(version);
        }
    }
}
