//! The verb `approve_reply`: the reply goes out, and is its author's answer at this instant.

use guichet_schemas::command::{ApproveReply, Command};
use guichet_schemas::event::{
    CommentAdded, Event, Moderation, Personal, ReplyApproved, ReplyDrafted, TicketEvent,
};
use guichet_schemas::ids::{CommentId, DraftId};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{AuthorKind, StatusCause, TicketState, Visibility};

use super::shared::{judges, moved, of_the_desk};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{DraftState, ReplyDraft, Ticket};
use crate::transition::require;

impl Decide for ApproveReply {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let draft = draft_of(ticket, self.draft_id)?;
        judges(command, &draft.author, context)?;
        require(ticket, &command.order)?;
        if !is_open(ticket, draft, DraftState::Approved)? {
            return Ok(Vec::new());
        }
        let comment = comment(ticket, self, drafted(context).ok_or_else(|| unknown(ticket))?)?;
        let approved = ReplyApproved {
            draft_id: self.draft_id,
            approver: command.actor.id.clone(),
            edited: self.edits.is_some(),
            comment_id: comment.comment_id,
        };
        // The first answer of a person takes a ticket up, as it does without a draft.
        let takes_up = ticket.state() == TicketState::New && comment.author_kind == AuthorKind::Agent;
        let mut drafts = vec![Draft::of(approved), Draft::of(comment)];
        if takes_up {
            drafts.push(Draft::of(moved(ticket, TicketState::Open, StatusCause::Command)));
        }
        Ok(drafts)
    }
}

fn comment(ticket: &Ticket, order: &ApproveReply, drafted: &ReplyDrafted) -> Result<CommentAdded, Rejection> {
    let body = match (&order.edits, &drafted.body) {
        (Some(edits), _) => edits.clone().into(),
        (None, text @ Personal::Plain(_)) => text.clone(),
        (None, Personal::Sealed(_)) => {
            let message =
                format!("the draft of ticket {} cannot be read any more: send edits", ticket.number);
            return Err(Rejection::GuardFailed { guard: "sealed", message });
        }
    };
    Ok(CommentAdded {
        comment_id: CommentId(order.draft_id.0),
        visibility: Visibility::Public,
        kind: drafted.kind,
        author: drafted.author.clone(),
        author_kind: drafted.author_kind,
        channel: drafted.channel,
        body,
        attachments: drafted.attachments.clone(),
        in_reply_to: drafted.in_reply_to,
        counts_as_reply: drafted.counts_as_reply,
        no_reopen: false,
    })
}

/// The reply as it was drafted.
fn drafted<'a>(context: &Context<'a>) -> Option<&'a ReplyDrafted> {
    let Some(Event::Ticket(TicketEvent::Moderation(Moderation::ReplyDrafted(drafted)))) =
        &context.other?.event
    else {
        return None;
    };
    Some(drafted)
}

fn unknown(ticket: &Ticket) -> Rejection {
    Rejection::NotFound { what: format!("a draft of ticket {} with this id", ticket.number) }
}

pub(super) fn draft_of(ticket: &Ticket, id: DraftId) -> Result<&ReplyDraft, Rejection> {
    ticket.moderation.drafts.get(&id).ok_or_else(|| unknown(ticket))
}

/// Whether it is to be decided; one that was decided otherwise stays as it is.
pub(super) fn is_open(ticket: &Ticket, draft: &ReplyDraft, to: DraftState) -> Result<bool, Rejection> {
    let decided = |how: &str| {
        let message =
            format!("the draft of ticket {} is {how} already; another one can be sent", ticket.number);
        Err(Rejection::GuardFailed { guard: "draft", message })
    };
    match draft.state {
        DraftState::Open => Ok(true),
        state if state == to => Ok(false),
        DraftState::Approved => decided("approved"),
        DraftState::Rejected => decided("rejected"),
    }
}

impl Fold for ReplyApproved {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        if let Some(draft) = ticket.moderation.drafts.get_mut(&self.draft_id) {
            draft.state = DraftState::Approved;
        }
    }
}
