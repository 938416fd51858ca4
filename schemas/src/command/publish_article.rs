//! The verb `publish_article`.

use prost::Message as _;

use super::{Name, Verb, limits};
use crate::codec::check::at_most;
use crate::hash::Hash;
use crate::ids::TicketId;
use crate::mirror::Wire as _;
use crate::rejection::FieldError;
use crate::text::{Body, CategoryPath, Label, Subject, Tag};
use crate::words::{Audience, TicketState};

mirror! {
    /// Publish an article, or its next version.
    pub struct PublishArticle {
        /// Its id.
        pub article: Label,
        /// Who may read it; default: the people of the desk.
        pub audience: Option<Audience>,
        /// Language.
        pub language: Option<Label>,
        /// Where it belongs.
        pub categories: Vec<CategoryPath>,
        /// Words that people look for.
        pub keywords: Vec<Tag>,
        /// In one line.
        pub title: Subject,
        /// The text.
        pub body: Body,
    }
}

impl Verb for PublishArticle {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        lists(&self.categories, &self.keywords)
    }

    fn names(&self) -> Vec<Name<'_>> {
        self.categories.iter().map(|path| Name::Category("categories", path)).collect()
    }
}

/// The limits of what an article is found by.
pub(super) fn lists(categories: &[CategoryPath], keywords: &[Tag]) -> Result<(), FieldError> {
    at_most("categories", categories.len(), limits::ARTICLE_CATEGORIES)?;
    at_most("keywords", keywords.len(), limits::TAGS)
}

mirror! {
    /// A version of an article was published.
    pub struct ArticlePublished {
        /// Its id.
        pub article: String,
        /// From 1, no gaps.
        pub version: u32,
        /// Who may read it.
        pub audience: Audience,
        /// Language.
        pub language: Option<String>,
        /// Where it belongs.
        pub categories: Vec<String>,
        /// Words that people look for.
        pub keywords: Vec<String>,
        /// In one line.
        pub title: String,
        /// The text.
        pub body: String,
        /// SHA-256 of the text.
        pub body_hash: Hash,
        /// The ticket from whose resolution it was written.
        pub from_ticket: Option<TicketId>,
    }
}

impl ArticlePublished {
    /// A hash of all that is said, whatever the version: two publications with the same one say the same.
    #[must_use]
    pub fn content(&self) -> Hash {
        let wire = Self { version: 0, ..self.clone() }.to_wire();
        Hash::of_bytes(&wire.unwrap_or_default().encode_to_vec())
    }
}
