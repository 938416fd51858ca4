//! Who wrote what, and for whom.

use guichet_schemas::event::{Actor, CommentAdded, Personal};
use guichet_schemas::ids::CommentId;
use guichet_schemas::text::Body;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, AuthorKind, CommentKind, Visibility};
use uuid::Uuid;

use super::balance::{Note, Reason};
use super::history::History;
use super::limits::{self, Prepared};
use super::mapping::Part;
use super::row::Row;
use super::usable;

/// A comment of a row.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// Its own time, where it has one.
    pub(super) at: Option<Timestamp>,
    author: Option<String>,
    author_kind: Option<String>,
    visibility: Option<String>,
    text: String,
    /// Print of its row; 0 where another comment of the row has it.
    print: u64,
    /// As it stands in the export, where it may come again.
    whole: Option<String>,
}

impl History<'_> {
    /// The comments of a row that were not told yet.
    pub(super) fn written(&self, row: &Row) -> Result<Vec<Written>, Note> {
        let c = &self.mapping.comment;
        let Some(slot) = c.text.filter(|slot| row.get(*slot).is_some()) else { return Ok(Vec::new()) };
        let is_list = row.values(slot).count() > 1;
        let own = |slot: Option<usize>| row.optional(slot).map(str::to_owned);
        let mut comments = Vec::new();
        for value in row.values(slot) {
            let mut written = Written {
                at: None,
                author: own(c.author),
                author_kind: own(c.author_kind),
                visibility: own(c.visibility),
                text: value.to_owned(),
                print: if comments.is_empty() { row.print } else { 0 },
                whole: self.mapping.columns[slot].takes_list.then(|| value.to_owned()),
            };
            if let Some((parts, separator)) = &c.parts {
                self.take_apart(&mut written, value, parts, separator, row)?;
            }
            // A list grows from row to row, and repeats itself.
            if !((is_list || c.parts.is_some()) && self.told.contains(value)) {
                comments.push(written);
            }
        }
        Ok(comments)
    }

    /// Keeps the comments of a row of another file; false where it has none.
    pub(super) fn gather(&mut self, row: &Row) -> Result<bool, Note> {
        let Prepared { row: now, cut } = limits::prepare(self.mapping, row, None)?;
        let comments = self.written(&now)?;
        let by = now.optional(self.mapping.by).map(|by| limits::label(by).into_owned());
        let any = !comments.is_empty();
        self.elsewhere.extend(comments.into_iter().map(|written| Written {
            at: written.at.or(Some(row.at)),
            author: written.author.or_else(|| by.clone()),
            ..written
        }));
        self.heard.extend(cut.into_iter().map(|(_, what)| what));
        Ok(any)
    }

    fn take_apart(
        &self,
        written: &mut Written,
        value: &str,
        parts: &[Part],
        separator: &str,
        row: &Row,
    ) -> Result<(), Note> {
        let pieces: Vec<&str> = value.splitn(parts.len(), separator).map(str::trim).collect();
        if pieces.len() < parts.len() {
            let text = format!("a comment does not have the {} parts of comment.parts", parts.len());
            return Err(Note::new(Reason::Unreadable, text));
        }
        for (part, piece) in parts.iter().zip(pieces) {
            match part {
                Part::At => written.at = Some(usable::time_of(self.mapping, row, "comment.parts", piece)?),
                Part::Author => written.author = Some(limits::label(piece).into_owned()),
                Part::Text => piece.clone_into(&mut written.text),
            }
        }
        Ok(())
    }

    /// Tells comments: those with a time of their own at that time.
    pub(super) fn comments(&mut self, comments: Vec<Written>) {
        let row_at = self.at;
        for written in comments {
            self.at = written.at.unwrap_or(row_at);
            self.tell(written);
        }
        self.at = row_at;
    }

    /// A text longer than a comment may be becomes several.
    fn tell(&mut self, written: Written) {
        let c = &self.mapping.comment;
        let author =
            written.author.clone().or_else(|| self.by.clone()).unwrap_or_else(|| "unknown".to_owned());
        let by_name = match self.kind(&author) {
            _ if written.author.is_none() && self.by.is_none() => AuthorKind::Agent,
            ActorKind::System => AuthorKind::System,
            ActorKind::Bot => AuthorKind::Bot,
            ActorKind::Requester => AuthorKind::Requester,
            ActorKind::Agent
            | ActorKind::LightAgent
            | ActorKind::Supervisor
            | ActorKind::Admin
            | ActorKind::Service => AuthorKind::Agent,
        };
        let kind =
            self.word(&c.author_kinds, "kind of an author", written.author_kind.as_deref(), "as it is");
        let kind = kind.unwrap_or(by_name);
        self.hear_of_double(written.print);
        let visibility = self.word(&c.visibilities, "visibility", written.visibility.as_deref(), "as it is");
        let visibility = visibility.unwrap_or(c.default_visibility);
        let has_own = written.author.is_some() || written.author_kind.is_some();
        let actor = has_own.then(|| Actor { kind: actor_kind(kind), id: author.clone(), on_behalf_of: None });
        let mut text = written.text.as_str();
        while !text.is_empty() {
            let piece = limits::cut(text, Body::BYTES);
            text = &text[piece.len()..];
            self.comment(visibility, CommentKind::Message, author.clone(), kind, piece, actor.clone());
        }
        self.told.extend(written.whole);
    }

    /// A row with a comment that stood there before, if not beside it.
    fn hear_of_double(&mut self, print: u64) {
        if print != 0 && !self.prints.insert(print) {
            let text = "its row stands there twice, byte for byte, and both comments were read; where doubles mean nothing, set dedupe.by = \"row\"";
            self.heard.push(Note::new(Reason::Doubled, text));
        }
    }

    /// A note at the ticket about something that its history cannot say otherwise. One that is longer than a comment
    /// becomes several.
    pub(super) fn note(&mut self, text: &str) {
        let mut text = text;
        while !text.is_empty() {
            let piece = limits::cut(text, Body::BYTES);
            text = &text[piece.len()..];
            let (visibility, kind) = (Visibility::Internal, CommentKind::Troubleshooting);
            self.comment(visibility, kind, "import".to_owned(), AuthorKind::System, piece, None);
        }
    }

    pub(super) fn comment(
        &mut self,
        visibility: Visibility,
        kind: CommentKind,
        author: String,
        author_kind: AuthorKind,
        body: &str,
        actor: Option<Actor>,
    ) {
        let answers = visibility == Visibility::Public && author_kind == AuthorKind::Agent;
        let event = CommentAdded {
            // The engine gives it one that follows from the command.
            comment_id: CommentId(Uuid::nil()),
            visibility,
            kind,
            author,
            author_kind,
            channel: None,
            body: Personal::Plain(body.to_owned()),
            attachments: Vec::new(),
            in_reply_to: None,
            counts_as_reply: answers && kind == CommentKind::Message,
            no_reopen: false,
        };
        match actor {
            None => self.push(event),
            Some(_) => self.push_at(self.at, actor, event.into()),
        }
    }
}

const fn actor_kind(kind: AuthorKind) -> ActorKind {
    match kind {
        AuthorKind::Requester | AuthorKind::Peer => ActorKind::Requester,
        AuthorKind::Agent => ActorKind::Agent,
        AuthorKind::Bot => ActorKind::Bot,
        AuthorKind::System => ActorKind::System,
        AuthorKind::ThirdParty => ActorKind::Service,
    }
}
