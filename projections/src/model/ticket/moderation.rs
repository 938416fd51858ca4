//! What was taken back, and which replies wait for approval, as the row of a ticket shows it.

use guichet_schemas::event::Moderation;
use guichet_schemas::ids::{CommentId, DraftId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire::{DraftView, TicketView};

use super::count;

pub(super) fn take(row: &mut TicketView, event: &Moderation, record: &Record) {
    match event {
        Moderation::CommentMadePrivate(e) => {
            if note(&mut row.private_comments, e.comment_id) {
                row.public_comments = row.public_comments.saturating_sub(1);
                count(&mut row.internal_comments);
            }
        }
        Moderation::CommentRedacted(e) => {
            note(&mut row.redacted_comments, e.comment_id);
        }
        Moderation::ReplyDrafted(e) => row.drafts.push(DraftView {
            draft_id: e.draft_id.to_wire(),
            author: e.author.clone(),
            drafted_at: record.occurred_at.0,
            version: record.version.get(),
        }),
        Moderation::ReplyApproved(e) => decided(row, e.draft_id),
        Moderation::ReplyRejected(e) => decided(row, e.draft_id),
        // The history tells it.
        Moderation::DecisionReviewed(_) => {}
    }
}

fn decided(row: &mut TicketView, id: DraftId) {
    let id = id.to_wire();
    row.drafts.retain(|draft| draft.draft_id != id);
}

/// Adds a comment; false where it is there.
fn note(comments: &mut Vec<Vec<u8>>, id: CommentId) -> bool {
    let id = id.to_wire();
    let is_new = !comments.contains(&id);
    if is_new {
        comments.push(id);
    }
    is_new
}
