//! The queries of the knowledge base: `article`, `articles`, `suggested_articles` and `knowledge_gaps`.

mod gaps;

use guichet_key_client::Text;
use guichet_schemas::event::TicketCreated;
use guichet_schemas::ids::{CommandId, TicketId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{ArticleQuery, ArticlesQuery, PublishedArticle, personal};
use guichet_schemas::words::Audience;

use super::fold::decode;
use super::row::{Row, Uses};
use super::terms::{Terms, scores};
use crate::keys;
use crate::projection::Answers;
use crate::queries::ask::{Question, Which};
use crate::queries::page;
use crate::queries::reader::{Found, Reader, Refusal, absent};
use crate::store::StoreError;

/// What an article of the very category of a ticket is worth beside its words, and one above or below it.
const SAME_CATEGORY: f64 = 2.0;
const NEAR_CATEGORY: f64 = 1.0;

pub(super) struct ArticleAnswers;

impl Answers for ArticleAnswers {
    fn answer(&self, reader: &Reader<'_>) -> Result<Found, Refusal> {
        if reader.ask.looks_back() {
            let what = "the knowledge base with as_of or as_of_position";
            return Err(Rejection::Unsupported(what.to_owned()).into());
        }
        match &reader.ask.question {
            Question::Article(query) => article(reader, query),
            Question::Articles(query) => articles(reader, query),
            Question::SuggestedArticles(which, audience) => suggested(reader, which, *audience),
            Question::KnowledgeGaps(query) => gaps::answer(reader, query),
            Question::Ticket(_)
            | Question::Timeline(_)
            | Question::Tickets(_)
            | Question::Events(_)
            | Question::Queues(_)
            | Question::Queue(_)
            | Question::Report(..)
            | Question::SlaClocks(_)
            | Question::SlaDue(_)
            | Question::SlaBreaches(_)
            | Question::Figures
            | Question::Projections => Err(Rejection::Unsupported("this query here".to_owned()).into()),
        }
    }
}

/// True where an audience may read an article; none asks for any.
fn is_for(audience: Option<Audience>, article: &PublishedArticle) -> bool {
    audience.is_none_or(|audience| audience.to_wire() == article.audience)
}

/// True for a category and everything below it.
fn is_within(category: &str, wanted: &str) -> bool {
    category.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn uses(reader: &Reader<'_>, article: &mut PublishedArticle) -> Result<(), Refusal> {
    let key = keys::article(reader.tenant(), &article.article);
    if let Some(bytes) = reader.view.get(keys::ARTICLE_USES, &key)? {
        let Uses { tickets, last_at } = decode(&bytes)?;
        (article.used, article.last_used_at) = (tickets, Some(last_at));
    }
    Ok(())
}

/// A version that the public might read is not given to it once the newest one is internal.
fn article(reader: &Reader<'_>, query: &ArticleQuery) -> Result<Found, Refusal> {
    let wanted = query.audience.and_then(|word| Audience::from_wire(word).ok());
    let absent = || Rejection::NotFound { what: format!("article {:?}", query.article) };
    let key = keys::article(reader.tenant(), &query.article);
    let newest = reader.view.get(keys::ARTICLES, &key)?.ok_or_else(absent)?;
    let newest: PublishedArticle = decode(&newest)?;
    let mut found = match query.version.filter(|version| *version != newest.version) {
        None => newest.clone(),
        Some(version) => {
            let key = keys::article_version(reader.tenant(), &query.article, version);
            let absent =
                || Rejection::NotFound { what: format!("version {version} of article {:?}", query.article) };
            decode(&reader.view.get(keys::ARTICLE_VERSIONS, &key)?.ok_or_else(absent)?)?
        }
    };
    if !is_for(wanted, &newest) || !is_for(wanted, &found) {
        return Err(absent().into());
    }
    found.newest_version = newest.version;
    (found.retired_at, found.retired_because) = (newest.retired_at, newest.retired_because);
    uses(reader, &mut found)?;
    Ok((Data::Article(found), None))
}

/// The newest version of every article that matches, in the order of their ids, without its text.
fn matching(
    reader: &Reader<'_>,
    is_wanted: impl Fn(&PublishedArticle) -> bool,
) -> Result<Vec<PublishedArticle>, Refusal> {
    let prefix = keys::tenant(reader.tenant());
    let mut found = Vec::new();
    for entry in reader.view.scan(keys::ARTICLES, prefix.clone(), &prefix) {
        let (_, bytes) = entry?;
        reader.entry(bytes.len())?;
        let mut article: PublishedArticle = decode(&bytes)?;
        if is_wanted(&article) {
            article.body = None;
            uses(reader, &mut article)?;
            found.push(article);
        }
    }
    Ok(found)
}

/// Gives each article its score for a text; a retired one has none.
fn score(reader: &Reader<'_>, found: &mut [PublishedArticle], text: &str) -> Result<(), Refusal> {
    let mut terms = Vec::with_capacity(found.len());
    for article in &*found {
        let key = keys::article(reader.tenant(), &article.article);
        let bytes = reader.view.get(keys::ARTICLE_TERMS, &key)?;
        reader.entry(bytes.as_ref().map_or(0, Vec::len))?;
        terms.push(bytes.map_or_else(|| Ok(Terms::default()), |bytes| Terms::read(&bytes))?);
    }
    for (article, score) in found.iter_mut().zip(scores(&terms, text)) {
        article.score = Some(score);
    }
    Ok(())
}

/// Those that fit at all, the best first; among equals by id.
fn best_first(found: &mut Vec<PublishedArticle>) {
    found.retain(|article| article.score.is_some_and(|score| score > 0.0));
    found.sort_by(|a, b| {
        let by_score = b.score.unwrap_or_default().total_cmp(&a.score.unwrap_or_default());
        by_score.then_with(|| a.article.cmp(&b.article))
    });
}

fn articles(reader: &Reader<'_>, query: &ArticlesQuery) -> Result<Found, Refusal> {
    let audience = query.audience.and_then(|word| Audience::from_wire(word).ok());
    let mut found = matching(reader, |article| {
        is_for(audience, article)
            && (query.retired || article.retired_at.is_none())
            && query.language.as_ref().is_none_or(|language| article.language.as_ref() == Some(language))
            && query
                .category
                .as_ref()
                .is_none_or(|wanted| article.categories.iter().any(|category| is_within(category, wanted)))
    })?;
    if let Some(text) = &query.text {
        score(reader, &mut found, text)?;
        best_first(&mut found);
    }
    let (articles, next) = page::list(found, reader.ask)?;
    Ok((Data::Articles(wire::ArticlesView { articles }), next))
}

fn suggested(reader: &Reader<'_>, which: &Which, audience: Option<Audience>) -> Result<Found, Refusal> {
    let id = reader.find(which)?;
    let row = reader.view.get(keys::ARTICLE_TICKETS, &keys::ticket(reader.tenant(), id))?;
    let row: Row = decode(&row.ok_or_else(|| absent(which))?)?;
    let category = row.category.clone();
    let text = words_of(reader, id, row)?;
    let mut found = matching(reader, |article| is_for(audience, article) && article.retired_at.is_none())?;
    score(reader, &mut found, text.as_deref().unwrap_or_default())?;
    for article in &mut found {
        let near = category.as_deref().map_or(0.0, |category| nearness(&article.categories, category));
        article.score = article.score.map(|score| score + near);
    }
    best_first(&mut found);
    let (articles, next) = page::list(found, reader.ask)?;
    let by_text = text.is_some();
    Ok((Data::SuggestedArticles(wire::SuggestedArticlesView { by_text, category, articles }), next))
}

fn nearness(categories: &[String], category: &str) -> f64 {
    let each = categories.iter().map(|of| {
        if of == category {
            SAME_CATEGORY
        } else if is_within(of, category) || is_within(category, of) {
            NEAR_CATEGORY
        } else {
            0.0
        }
    });
    each.fold(0.0, f64::max)
}

/// The words of a ticket; `None`: its texts are sealed under a key that is gone.
fn words_of(reader: &Reader<'_>, ticket: TicketId, mut row: Row) -> Result<Option<String>, Refusal> {
    let damaged = |_| StoreError::Damaged { what: "the ticket of a suggestion" };
    let command = CommandId::from_wire(row.command_id).map_err(damaged)?;
    let fields =
        [(TicketCreated::SUBJECT, &mut row.subject), (TicketCreated::DESCRIPTION, &mut row.description)];
    let texts = fields
        .into_iter()
        .filter_map(|(field, text)| text.as_mut().map(|text| Text { ticket, command, field, text }));
    reader.open(texts.collect());
    let mut words = Vec::new();
    for text in [row.subject, row.description].into_iter().flatten() {
        match text.form {
            Some(personal::Form::Plain(text)) => words.push(text),
            Some(personal::Form::Sealed(_)) | None => return Ok(None),
        }
    }
    Ok(Some(words.join("\n")))
}
