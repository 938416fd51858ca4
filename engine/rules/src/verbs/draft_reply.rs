//! The verb `draft_reply`, and what becomes of a reply that a trainee sends.

use guichet_schemas::command::{Command, DraftReply, limits};
use guichet_schemas::event::{CommentAdded, ReplyDrafted};
use guichet_schemas::ids::{CommentId, DraftId};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{CommentKind, Visibility};

use super::shared::{comment, of_the_desk, room_for};
use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{DraftState, ReplyDraft, Ticket};
use crate::transition::require;

impl Decide for DraftReply {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        require(ticket, &command.order)?;
        let id = CommentId(command.command_id.derive("draft"));
        let body = self.body.clone().into();
        drafted(
            ticket,
            CommentAdded {
                attachments: self.attachments.clone(),
                in_reply_to: self.in_reply_to,
                ..comment(command, id, Visibility::Public, CommentKind::Message, body)
            },
        )
    }
}

/// What would be this comment waits for approval.
pub(super) fn drafted(ticket: &Ticket, would_be: CommentAdded) -> Result<Vec<Draft>, Rejection> {
    room_for(ticket, "drafts", ticket.moderation.drafts.len(), limits::DRAFTS)?;
    Ok(vec![Draft::of(ReplyDrafted {
        draft_id: DraftId(would_be.comment_id.0),
        author: would_be.author,
        author_kind: would_be.author_kind,
        kind: would_be.kind,
        channel: would_be.channel,
        body: would_be.body,
        attachments: would_be.attachments,
        in_reply_to: would_be.in_reply_to,
        counts_as_reply: would_be.counts_as_reply,
    })])
}

impl Fold for ReplyDrafted {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let draft =
            ReplyDraft { author: self.author.clone(), version: ticket.version, state: DraftState::Open };
        ticket.moderation.drafts.insert(self.draft_id, draft);
    }

    fn complete(&mut self, _: &Ticket, replayed: &Replayed<'_>) {
        if self.draft_id.0.is_nil() {
            self.draft_id.0 = replayed.command.command_id.derive(&format!("fact {}", replayed.index));
        }
    }
}
