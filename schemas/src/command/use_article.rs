//! The verb `use_article`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::{at_least_one, size};
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::Label;
use crate::words::TicketState;

mirror! {
    /// Say that an article helped.
    pub struct UseArticle {
        /// Its id.
        pub article: Label,
        /// Which version of it, from 1.
        pub version: u32,
    }
}

impl Verb for UseArticle {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        at_least_one("version", self.version)
    }
}

mirror! {
    /// An article helped.
    pub struct ArticleUsed {
        /// Its id.
        pub article: String,
        /// Which version of it.
        pub version: u32,
    }
}

personal_texts!(ArticleUsed {});

impl Meaning for ArticleUsed {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("article", Some(&self.article))
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
