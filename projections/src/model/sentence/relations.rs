//! Sentences about tickets that become one, or several.

use guichet_schemas::event::{
    BroadcastSent, CommentCopied, MergeReceived, ProblemDeclared, TicketMerged, TicketSplit,
};
use guichet_schemas::ids::TicketNumber;
use guichet_schemas::words::{AuthorKind, CommentMode, Visibility};

use super::{quote, words};

pub(super) fn merged(e: &TicketMerged) -> String {
    let comments = match e.comment_mode {
        CommentMode::Copy => format!("{} copied there", counted(e.comment_count)),
        CommentMode::Reference => format!("{} left here", counted(e.comment_count)),
    };
    format!("merged the ticket into {} ({comments})", TicketNumber(e.into_number))
}

pub(super) fn received(e: &MergeReceived) -> String {
    let comments = match e.comment_mode {
        CommentMode::Copy => format!("{} copied", counted(e.comment_count)),
        CommentMode::Reference => format!("{} left there", counted(e.comment_count)),
    };
    format!("merged {} into the ticket ({comments})", TicketNumber(e.from_number))
}

/// The comment has an author and a time of its own: whoever merges has only brought it here.
pub(super) fn copied(e: &CommentCopied) -> String {
    let visibility = match e.visibility {
        Visibility::Public => "public message",
        Visibility::Internal => "internal note",
    };
    let author = match e.author_kind {
        AuthorKind::Agent => e.author.clone(),
        kind @ (AuthorKind::Requester
        | AuthorKind::Bot
        | AuthorKind::System
        | AuthorKind::Peer
        | AuthorKind::ThirdParty) => format!("{} {}", words(kind.as_str()), e.author),
    };
    let (from, at) = (TicketNumber(e.from_number), e.written_at);
    format!("copied from {from} the {visibility} that {author} wrote at {at}: {}", quote(&e.body))
}

pub(super) fn split(e: &TicketSplit) -> String {
    let number = TicketNumber(e.new_number);
    format!("began {number} with a part of the ticket ({})", counted(e.comment_count))
}

pub(super) fn declared(e: &ProblemDeclared) -> String {
    match e.tickets.len() {
        0 => "declared the ticket a problem".to_owned(),
        1 => "declared the ticket the problem behind 1 other".to_owned(),
        n => format!("declared the ticket the problem behind {n} others"),
    }
}

pub(super) fn sent(e: &BroadcastSent) -> String {
    let over = if e.over == 0 { String::new() } else { format!(", {} were over", e.over) };
    format!("told the requesters of the incidents ({} reached{over}): {}", e.reached, quote(&e.template))
}

fn counted(comments: u32) -> String {
    format!("{comments} {}", if comments == 1 { "comment" } else { "comments" })
}
