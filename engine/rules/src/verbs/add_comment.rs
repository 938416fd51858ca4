//! The verb `add_comment`.

use guichet_schemas::command::{AddComment, Command};
use guichet_schemas::event::{CommentAdded, ReopenHeld};
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, AuthorKind, CommentKind, StatusCause, TicketState, Visibility};

use super::add_attachment::attachment;
use super::create_follow_up::{follow_up, linked, told};
use super::draft_reply::drafted;
use super::shared::{comment, held, may_come_back, moved, reopened};
use super::{Decide, Fold, Replayed};
use crate::beside::comes_back;
use crate::decide::Context;
use crate::desk::ClosedMessage;
use crate::draft::Draft;
use crate::permission::is_human_agent;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for AddComment {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        if comes_back(ticket, command) {
            return after_the_end(self, ticket, command, context);
        }
        require(ticket, &command.order)?;
        names_what_is_there(self, ticket)?;
        let public = self.visibility == Visibility::Public;
        if public && context.desk.is_supervised(command) {
            return drafted(ticket, written(self, command, context));
        }
        let mut drafts = vec![Draft::of(written(self, command, context))];
        let from_requester = command.actor.kind == ActorKind::Requester;
        match ticket.state() {
            TicketState::Resolved
                if public && from_requester && !self.no_reopen && may_come_back(ticket, context) =>
            {
                drafts.push(match held(ticket, command, context) {
                    Some(held) => Draft::of(held),
                    None => Draft::of(reopened(ticket, None, command, context)),
                });
            }
            TicketState::Pending | TicketState::Hold if public && from_requester => {
                drafts.push(Draft::of(moved(ticket, TicketState::Open, StatusCause::RequesterComment)));
            }
            TicketState::New if public && is_human_agent(command.actor.kind) => {
                drafts.push(Draft::of(moved(ticket, TicketState::Open, StatusCause::Command)));
            }
            TicketState::New
            | TicketState::Open
            | TicketState::Pending
            | TicketState::Hold
            | TicketState::Resolved
            | TicketState::Closed
            | TicketState::Cancelled => {}
        }
        Ok(drafts)
    }
}

fn written(order: &AddComment, command: &Command, context: &Context<'_>) -> CommentAdded {
    let kind = order.kind.unwrap_or(CommentKind::Message);
    let id = CommentId(command.command_id.derive("comment"));
    let comment = comment(command, id, order.visibility, kind, order.body.clone().into());
    let bot_counts = command.actor.kind == ActorKind::Bot
        && order.visibility == Visibility::Public
        && context.desk.life().bot_replies_count;
    CommentAdded {
        attachments: order.attachments.clone(),
        in_reply_to: order.in_reply_to,
        no_reopen: order.no_reopen,
        counts_as_reply: (comment.counts_as_reply || bot_counts) && order.counts_as_reply.unwrap_or(true),
        ..comment
    }
}

/// A comment that shows a file which nobody can fetch would be worse than none.
fn names_what_is_there(order: &AddComment, ticket: &Ticket) -> Result<(), Rejection> {
    for (n, sha256) in order.attachments.iter().enumerate() {
        attachment(ticket, &format!("data.attachments[{n}]"), *sha256)?;
    }
    Ok(())
}

/// A message to a closed ticket. A thank-you needs nobody: it stays there.
fn after_the_end(
    order: &AddComment,
    ticket: &Ticket,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Draft>, Rejection> {
    names_what_is_there(order, ticket)?;
    let comment = written(order, command, context);
    match context.desk.life().closed_message {
        ClosedMessage::Refuse => require(ticket, &command.order).map(|()| Vec::new()),
        ClosedMessage::Keep => Ok(vec![Draft::of(comment)]),
        ClosedMessage::FollowUp if order.no_reopen => Ok(vec![Draft::of(comment)]),
        ClosedMessage::FollowUp if !order.attachments.is_empty() => {
            let rule =
                "must be empty in a message to a closed ticket, for its follow-up has other attachments";
            Err(FieldError::new("data.attachments", rule).into())
        }
        ClosedMessage::FollowUp => {
            let missing = || Rejection::NotFound { what: format!("ticket {}", ticket.number) };
            let other = context.other.ok_or_else(missing)?;
            let new = context.fresh;
            Ok(vec![
                Draft::of(told(other.id, context, StatusCause::RequesterComment)),
                Draft::at(new, follow_up(other, command, context)?),
                Draft::at(new, linked(other)),
                Draft::at(new, comment),
            ])
        }
    }
}

impl Fold for CommentAdded {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.said.note(ticket.version);
        if self.visibility == Visibility::Public {
            match self.author_kind {
                AuthorKind::Requester => {
                    ticket.is_asked();
                    if let Some(proposal) = ticket.proposal.as_mut().filter(|_| !self.no_reopen) {
                        proposal.answered = true;
                    }
                }
                AuthorKind::Agent => ticket.is_answered(),
                AuthorKind::Bot if self.counts_as_reply => ticket.is_answered(),
                AuthorKind::Bot | AuthorKind::System | AuthorKind::Peer | AuthorKind::ThirdParty => {}
            }
        }
    }

    fn complete(&mut self, _: &Ticket, replayed: &Replayed<'_>) {
        if self.comment_id.0.is_nil() {
            self.comment_id.0 = replayed.command.command_id.derive(&format!("fact {}", replayed.index));
        }
    }
}

impl Fold for ReopenHeld {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.reopen_held = true;
    }
}
