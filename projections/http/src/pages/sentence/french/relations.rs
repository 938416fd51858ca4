//! Tickets that become one, or several.

use guichet_schemas::event::{
    BroadcastSent, CommentCopied, MergeReceived, ProblemDeclared, TicketMerged, TicketSplit,
};
use guichet_schemas::ids::TicketNumber;
use guichet_schemas::words::{AuthorKind, CommentMode, Visibility};

use super::{instant, quote};

pub(super) fn merged(e: &TicketMerged) -> String {
    let comments = match e.comment_mode {
        CommentMode::Copy => format!("{} là-bas", copied_count(e.comment_count)),
        CommentMode::Reference => format!("{} ici", left_count(e.comment_count)),
    };
    format!("a fusionné le ticket avec {} ({comments})", TicketNumber(e.into_number))
}

pub(super) fn received(e: &MergeReceived) -> String {
    let comments = match e.comment_mode {
        CommentMode::Copy => copied_count(e.comment_count),
        CommentMode::Reference => format!("{} là-bas", left_count(e.comment_count)),
    };
    format!("a fusionné {} avec le ticket ({comments})", TicketNumber(e.from_number))
}

/// The page quotes what was said below the sentence.
pub(super) fn copied(e: &CommentCopied) -> String {
    let visibility = match e.visibility {
        Visibility::Public => "le message public",
        Visibility::Internal => "la note interne",
    };
    let author = match e.author_kind {
        AuthorKind::Agent => e.author.clone(),
        AuthorKind::Requester => format!("demandeur {}", e.author),
        AuthorKind::Bot => format!("robot {}", e.author),
        AuthorKind::System => format!("système {}", e.author),
        AuthorKind::Peer => format!("pair {}", e.author),
        AuthorKind::ThirdParty => format!("tiers {}", e.author),
    };
    let (from, at) = (TicketNumber(e.from_number), instant(e.written_at));
    format!("a copié de {from} {visibility} de {author} du {at}")
}

pub(super) fn split(e: &TicketSplit) -> String {
    let number = TicketNumber(e.new_number);
    let comments =
        if e.comment_count == 1 { "1 message".to_owned() } else { format!("{} messages", e.comment_count) };
    format!("a ouvert {number} avec une partie du ticket ({comments})")
}

pub(super) fn declared(e: &ProblemDeclared) -> String {
    match e.tickets.len() {
        0 => "a déclaré que le ticket est un problème de fond".to_owned(),
        1 => "a déclaré que le ticket est le problème à l’origine d’un autre".to_owned(),
        n => format!("a déclaré que le ticket est le problème à l’origine de {n} autres"),
    }
}

pub(super) fn sent(e: &BroadcastSent) -> String {
    let over = if e.over == 0 { String::new() } else { format!(", {} déjà terminés", e.over) };
    format!("a informé les demandeurs des incidents ({} atteints{over}) : {}", e.reached, quote(&e.template))
}

fn copied_count(comments: u32) -> String {
    if comments == 1 { "1 message copié".to_owned() } else { format!("{comments} messages copiés") }
}

fn left_count(comments: u32) -> String {
    if comments == 1 { "1 message resté".to_owned() } else { format!("{comments} messages restés") }
}
