//! Words that were taken back, and replies that wait for approval.

use guichet_schemas::event::{Actor, CommentAdded, Moderation};
use guichet_schemas::words::{ActorKind, AuthorKind, Verdict, Visibility};

use super::{because, quote};

pub(super) fn told(event: &Moderation) -> String {
    match event {
        Moderation::CommentMadePrivate(e) => {
            format!("a rendu interne un message public{}", because(Some(&e.reason)))
        }
        Moderation::CommentRedacted(e) => {
            let what = match e.spans.len() {
                0 => "un message".to_owned(),
                1 => "un passage d’un message".to_owned(),
                n => format!("{n} passages d’un message"),
            };
            format!("a caviardé {what}{}", because(Some(&e.reason)))
        }
        Moderation::ReplyDrafted(_) => "a préparé une réponse, qui attend une approbation".to_owned(),
        Moderation::ReplyApproved(e) if e.edited => {
            "a approuvé une réponse après l’avoir modifiée".to_owned()
        }
        Moderation::ReplyApproved(_) => "a approuvé une réponse".to_owned(),
        Moderation::ReplyRejected(e) => format!("a refusé une réponse{}", because(Some(&e.reason))),
        Moderation::DecisionReviewed(e) => {
            let verdict = match e.verdict {
                Verdict::Approved => "a jugé bon",
                Verdict::Rejected => "n’a pas jugé bon",
            };
            let note = e.note.as_ref().map_or_else(String::new, |note| format!(" : {}", quote(note)));
            format!("{verdict} ce que {} a fait{note}", e.of)
        }
    }
}

/// A reply of somebody else, which the actor let go out.
pub(super) fn released(e: &CommentAdded, actor: &Actor) -> Option<String> {
    let is_of_another = e.author != actor.id && matches!(e.author_kind, AuthorKind::Agent | AuthorKind::Bot);
    let is_person = matches!(
        actor.kind,
        ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin
    );
    (is_of_another && is_person && e.visibility == Visibility::Public)
        .then(|| format!("a laissé partir une réponse de {}", e.author))
}
