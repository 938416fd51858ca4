//! The verb `publish_article_from_ticket`.

use super::publish_article::lists;
use super::{Name, Verb};
use crate::ids::TicketId;
use crate::rejection::FieldError;
use crate::text::{CategoryPath, Label, Subject, Tag};
use crate::words::{Audience, TicketState};

mirror! {
    /// Publish an article from how a ticket was resolved.
    pub struct PublishArticleFromTicket {
        /// Its id.
        pub article: Label,
        /// Which ticket.
        pub ticket_id: TicketId,
        /// Who may read it; default: the people of the desk.
        pub audience: Option<Audience>,
        /// Language; default: that of the ticket.
        pub language: Option<Label>,
        /// Where it belongs; default: where the ticket does.
        pub categories: Vec<CategoryPath>,
        /// Words that people look for.
        pub keywords: Vec<Tag>,
        /// In one line.
        pub title: Subject,
        /// The description of the requester goes in too.
        pub include_description: bool,
    }
}

impl Verb for PublishArticleFromTicket {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        lists(&self.categories, &self.keywords)
    }

    fn names(&self) -> Vec<Name<'_>> {
        self.categories.iter().map(|path| Name::Category("categories", path)).collect()
    }
}
