//! The articles of the knowledge base, pure as tickets are: what a command makes of one, and what one is after its newest
//! event.

use guichet_schemas::command::{Command, Order, PublishArticle, PublishArticleFromTicket};
use guichet_schemas::event::{
    ArticlePublished, ArticleRetired, DeskEvent, Event, Personal, TicketCreated, TicketResolved,
};
use guichet_schemas::hash::Hash;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::text::Body;
use guichet_schemas::words::{Audience, TicketState};

use crate::desk::DeskRules;
use crate::draft::Draft;
use crate::permission::sees;
use crate::state::Ticket;

/// An article. Its newest event says all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Article {
    /// The newest version, from 1.
    pub version: u32,
    /// A hash of what the newest version says; `None`: it is retired.
    pub content: Option<Hash>,
}

impl Article {
    /// The article after an event; `None`: the event is about none.
    #[must_use]
    pub fn after(event: &Event) -> Option<Self> {
        match event {
            Event::Desk(DeskEvent::ArticlePublished(e)) => {
                Some(Self { version: e.version, content: Some(e.content()) })
            }
            Event::Desk(DeskEvent::ArticleRetired(e)) => Some(Self { version: e.version, content: None }),
            Event::Ticket(_) | Event::Log(_) | Event::Sla(_) | Event::Config(_) => None,
        }
    }
}

/// The article that a command about a ticket names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KnownArticle {
    /// The command names none, or the desk has published none: its articles stand elsewhere.
    #[default]
    Elsewhere,
    /// The desk has articles, and not this one.
    Unknown,
    /// The desk has it.
    Known(Article),
}

impl KnownArticle {
    /// Refuses what the desk has not published, or no longer uses.
    pub(crate) fn is_usable(self, version: u32) -> Result<(), FieldError> {
        match self {
            Self::Elsewhere => Ok(()),
            Self::Unknown => Err(FieldError::new("data.article", "is no article of this desk")),
            Self::Known(Article { content: None, .. }) => {
                Err(FieldError::new("data.article", "is retired; publish it again before it is used"))
            }
            Self::Known(article) if version > article.version => {
                let rule = format!("must be at most {}, the newest version", article.version);
                Err(FieldError::new("data.version", rule))
            }
            Self::Known(_) => Ok(()),
        }
    }
}

/// The ticket that an article is written from, with the texts of its log, open where their key is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Solved {
    /// The ticket.
    pub ticket: Ticket,
    /// Its first words.
    pub created: TicketCreated,
    /// How it was resolved last; `None`: it never was.
    pub resolved: Option<TicketResolved>,
}

/// Decides a command on an article; `None`: there is none of this id yet. `solved` is the ticket that the command names.
///
/// An empty list means that the effect already holds.
///
/// # Errors
/// The reason to refuse.
pub fn decide_article(
    article: Option<Article>,
    command: &Command,
    desk: &dyn DeskRules,
    solved: Option<&Solved>,
) -> Result<Vec<Draft>, Rejection> {
    desk.may(command)?;
    desk.knows(&command.order).map_err(|e| e.in_field("data"))?;
    if let Order::PublishArticle(order) = &command.order {
        Ok(next_version(article, written(order)))
    } else if let Order::PublishArticleFromTicket(order) = &command.order {
        let solved = solved.filter(|solved| sees(&solved.ticket, &command.actor, desk));
        let solved = solved.ok_or_else(|| Rejection::NotFound { what: "the ticket".to_owned() })?;
        Ok(next_version(article, drawn(order, solved)?))
    } else if let Order::RetireArticle(order) = &command.order {
        let id = order.article.as_str();
        let article = article.ok_or_else(|| Rejection::NotFound { what: format!("article {id:?}") })?;
        if article.content.is_none() {
            return Ok(Vec::new());
        }
        let reason = order.reason.as_str().to_owned();
        Ok(vec![Draft::of(ArticleRetired { article: id.to_owned(), version: article.version, reason })])
    } else {
        Err(Rejection::BadSubject(format!("{} is about no article", command.order.verb())))
    }
}

/// The same words again change nothing, unless the article was retired.
fn next_version(article: Option<Article>, mut published: ArticlePublished) -> Vec<Draft> {
    if article.is_some_and(|article| article.content == Some(published.content())) {
        return Vec::new();
    }
    published.version = article.map_or(0, |article| article.version).saturating_add(1);
    vec![Draft::of(published)]
}

fn strings<T: Clone + Into<String>>(all: &[T]) -> Vec<String> {
    let mut strings = Vec::with_capacity(all.len());
    for one in all.iter().cloned().map(Into::into) {
        if !strings.contains(&one) {
            strings.push(one);
        }
    }
    strings
}

fn written(order: &PublishArticle) -> ArticlePublished {
    let body = order.body.as_str().to_owned();
    ArticlePublished {
        article: order.article.as_str().to_owned(),
        version: 0,
        audience: order.audience.unwrap_or(Audience::Internal),
        language: order.language.clone().map(Into::into),
        categories: strings(&order.categories),
        keywords: strings(&order.keywords),
        title: order.title.as_str().to_owned(),
        body_hash: Hash::of_bytes(body.as_bytes()),
        body,
        from_ticket: None,
    }
}

/// An article from the resolution of a ticket. What the requester wrote goes in only where the command says so.
fn drawn(order: &PublishArticleFromTicket, solved: &Solved) -> Result<ArticlePublished, Rejection> {
    let Solved { ticket, created, resolved } = solved;
    let is_solved = matches!(ticket.state(), TicketState::Resolved | TicketState::Closed);
    let (true, Some(resolved)) = (is_solved, resolved) else {
        return Err(Rejection::GuardFailed {
            guard: "resolved",
            message: format!(
                "ticket {} is {} and has no resolution that holds; resolve it first, or write the article with publish_article",
                ticket.number,
                ticket.state()
            ),
        });
    };
    let mut parts = Vec::new();
    if order.include_description {
        parts.push(open(&created.description)?.to_owned());
    }
    parts.extend(resolved.root_cause.clone());
    let steps = resolved.steps.iter().enumerate();
    let steps: Vec<String> = steps.map(|(n, step)| format!("{}. {step}", n.saturating_add(1))).collect();
    if !steps.is_empty() {
        parts.push(steps.join("\n"));
    }
    parts.push(open(&resolved.summary)?.to_owned());
    let body = parts.join("\n\n");
    if body.len() > Body::BYTES {
        let rule = format!(
            "names a ticket whose resolution has {} bytes of text; an article has at most {}",
            body.len(),
            Body::BYTES
        );
        return Err(FieldError::new("data.ticket_id", rule).into());
    }
    let mut categories = strings(&order.categories);
    if categories.is_empty() {
        categories.extend(ticket.category.clone());
    }
    Ok(ArticlePublished {
        article: order.article.as_str().to_owned(),
        version: 0,
        audience: order.audience.unwrap_or(Audience::Internal),
        language: order.language.clone().map(Into::into).or_else(|| created.language.clone()),
        categories,
        keywords: strings(&order.keywords),
        title: order.title.as_str().to_owned(),
        body_hash: Hash::of_bytes(body.as_bytes()),
        body,
        from_ticket: Some(order.ticket_id),
    })
}

fn open(text: &Personal) -> Result<&str, Rejection> {
    match text {
        Personal::Plain(text) => Ok(text),
        Personal::Sealed(_) => Err(Rejection::GuardFailed {
            guard: "readable",
            message: "the texts of the ticket are sealed under a key that is gone; write the article with publish_article"
                .to_owned(),
        }),
    }
}
