//! The verb `retire_article`.

use super::Verb;
use crate::text::{Label, Note};
use crate::words::TicketState;

mirror! {
    /// Take an article out of use.
    pub struct RetireArticle {
        /// Its id.
        pub article: Label,
        /// Why.
        pub reason: Note,
    }
}

impl Verb for RetireArticle {
    const STATES: &'static [TicketState] = &[];
}

mirror! {
    /// An article is out of use.
    pub struct ArticleRetired {
        /// Its id.
        pub article: String,
        /// Its newest version.
        pub version: u32,
        /// Why.
        pub reason: String,
    }
}
