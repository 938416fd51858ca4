//! Words that were taken back, and replies that wait for approval.

use guichet_schemas::event::{Actor, CommentAdded, Moderation};
use guichet_schemas::words::{AuthorKind, Verdict, Visibility};

use super::{because, is_person, quote};

pub(super) fn told(event: &Moderation) -> String {
    match event {
        Moderation::CommentMadePrivate(e) => {
            format!("made a public comment private{}", because(Some(&e.reason)))
        }
        Moderation::CommentRedacted(e) => {
            let what = match e.spans.len() {
                0 => "a comment".to_owned(),
                1 => "a part of a comment".to_owned(),
                n => format!("{n} parts of a comment"),
            };
            format!("redacted {what}{}", because(Some(&e.reason)))
        }
        Moderation::ReplyDrafted(e) => {
            format!("drafted a reply, which waits for approval: {}", quote(&e.body))
        }
        Moderation::ReplyApproved(e) if e.edited => "approved a drafted reply, with changes".to_owned(),
        Moderation::ReplyApproved(_) => "approved a drafted reply".to_owned(),
        Moderation::ReplyRejected(e) => format!("rejected a drafted reply{}", because(Some(&e.reason))),
        Moderation::DecisionReviewed(e) => {
            let verdict = match e.verdict {
                Verdict::Approved => "approved of",
                Verdict::Rejected => "disagreed with",
            };
            let note = e.note.as_ref().map_or_else(String::new, |note| format!(": {}", quote(note)));
            format!("{verdict} what {} did{note}", e.of)
        }
    }
}

/// A reply of somebody else, which the actor let go out.
pub(super) fn released(e: &CommentAdded, actor: &Actor) -> Option<String> {
    let is_of_another = e.author != actor.id && matches!(e.author_kind, AuthorKind::Agent | AuthorKind::Bot);
    (is_of_another && e.visibility == Visibility::Public && is_person(actor.kind))
        .then(|| format!("let a reply by {} go out: {}", e.author, quote(&e.body)))
}
