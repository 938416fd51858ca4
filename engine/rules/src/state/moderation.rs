//! What the rules know of words that were taken back, and of replies that wait for somebody's approval.

use std::collections::{BTreeMap, BTreeSet};

use guichet_schemas::event::TextSpan;
use guichet_schemas::ids::{CommentId, DraftId, EventId};
use guichet_schemas::words::Verdict;
use serde::{Deserialize, Serialize};

use super::Ticket;

/// What is hidden of a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Redacted {
    Whole,
    /// In order, none of which meets another.
    Spans(Vec<TextSpan>),
}

impl Redacted {
    /// What is hidden once these are, too; no spans: the whole text.
    #[must_use]
    pub fn and(self, spans: &[TextSpan]) -> Self {
        match self {
            Self::Spans(hidden) if !spans.is_empty() => {
                Self::Spans(TextSpan::joined(&[hidden.as_slice(), spans].concat()))
            }
            Self::Whole | Self::Spans(_) => Self::Whole,
        }
    }

    /// Whether that hides nothing more.
    pub(crate) fn hides(&self, spans: &[TextSpan]) -> bool {
        match self {
            Self::Whole => true,
            Self::Spans(hidden) => {
                !spans.is_empty() && spans.iter().all(|span| TextSpan::cover(hidden, *span))
            }
        }
    }
}

/// How a reply stands that waited for approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DraftState {
    Open,
    Approved,
    Rejected,
}

/// A reply that waits for approval, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyDraft {
    /// Who wrote it.
    pub author: String,
    /// The version of the ticket at which it was drafted: there stands what.
    pub version: u64,
    pub state: DraftState,
}

/// Words that were taken back, and those that are not out yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moderation {
    /// Comments that were public.
    pub private: BTreeSet<CommentId>,
    pub redacted: BTreeMap<CommentId, Redacted>,
    pub drafts: BTreeMap<DraftId, ReplyDraft>,
    /// Of what was reviewed, the last word.
    pub reviews: BTreeMap<EventId, Verdict>,
    /// The version at which the requester last wrote, or said that it is not solved.
    pub asked_at: u64,
    /// Public comments of the desk since then.
    pub answers: u32,
}

impl Ticket {
    /// The requester waits for an answer from here on.
    pub(crate) const fn is_asked(&mut self) {
        self.answered = false;
        self.moderation.answers = 0;
        self.moderation.asked_at = self.version;
    }

    pub(crate) const fn is_answered(&mut self) {
        self.answered = true;
        self.moderation.answers = self.moderation.answers.saturating_add(1);
    }

    /// An answer of that version is one no more.
    pub(crate) const fn is_unanswered(&mut self, version: u64) {
        if version > self.moderation.asked_at {
            self.moderation.answers = self.moderation.answers.saturating_sub(1);
            self.answered = self.moderation.answers > 0;
        }
    }
}
