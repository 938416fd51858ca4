//! The verb `add_comment`.

use guichet_schemas::command::{AddComment, Command};
use guichet_schemas::event::{CommentAdded, ReopenHeld};
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, AuthorKind, CommentKind, StatusCause, TicketState, Visibility};

use super::shared::{comment, held, may_come_back, moved, reopened};
use super::{Decide, Fold, Replayed};
use crate::decide::{Context, Draft};
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
        require(ticket, &command.order)?;
        let kind = self.kind.unwrap_or(CommentKind::Message);
        let id = CommentId(command.command_id.derive("comment"));
        let comment = comment(command, id, self.visibility, kind, self.body.clone().into());
        let mut drafts = vec![Draft::of(CommentAdded {
            attachments: self.attachments.clone(),
            in_reply_to: self.in_reply_to,
            no_reopen: self.no_reopen,
            counts_as_reply: comment.counts_as_reply && self.counts_as_reply.unwrap_or(true),
            ..comment
        })];
        let public = self.visibility == Visibility::Public;
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

impl Fold for CommentAdded {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        if self.visibility == Visibility::Public {
            match self.author_kind {
                AuthorKind::Requester => ticket.answered = false,
                AuthorKind::Agent => ticket.answered = true,
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
