//! The verb `use_article`.

use guichet_schemas::command::{Command, UseArticle, limits};
use guichet_schemas::event::ArticleUsed;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::shared::room_for;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for UseArticle {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let used = ArticleUsed { article: self.article.as_str().to_owned(), version: self.version };
        if ticket.work.articles.contains(&(used.article.clone(), used.version)) {
            return Ok(Vec::new());
        }
        context.article.is_usable(self.version)?;
        room_for(ticket, "articles", ticket.work.articles.len(), limits::ARTICLES)?;
        Ok(vec![Draft::of(used)])
    }
}

impl Fold for ArticleUsed {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.work.articles.insert((self.article.clone(), self.version));
    }
}
