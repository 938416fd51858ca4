//! The knowledge base: its articles, one of them, and the solutions that it lacks.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::{self, query, query_reply};
use guichet_schemas::words::Audience;
use serde::Deserialize;

use super::failed;
use super::form;
use super::frame::{Frame, Here, question, unexpected};
use super::fresh::Fresh;
use super::html;
use super::text::{Text, fill};
use crate::refusal::Refusal;
use crate::shared::Shared;

/// Articles, and gaps, on a page.
const SHOWN: u32 = 100;
/// Articles that are suggested on the page of a ticket.
const SUGGESTED: u32 = 5;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    text: String,
}

#[derive(Template)]
#[template(path = "knowledge.html")]
struct Page {
    f: Frame,
    text: String,
    articles: Vec<Line>,
    /// Says that there are more.
    more: Option<String>,
    gaps: Vec<Gap>,
    more_gaps: Option<String>,
    fresh: Fresh,
}

/// An article in a list.
pub(super) struct Line {
    pub(super) id: String,
    /// The id as an address has it.
    pub(super) address: String,
    pub(super) title: String,
    version: u32,
    audience: &'static str,
    categories: String,
    used: String,
}

struct Gap {
    number: String,
    category: String,
    at: String,
    at_text: String,
    by: String,
}

#[derive(Template)]
#[template(path = "article.html")]
struct Article {
    f: Frame,
    title: String,
    lang: Option<String>,
    body: String,
    facts: Vec<(&'static str, String)>,
    fresh: Fresh,
}

/// `GET …/knowledge?text=…`.
pub(super) async fn page(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    let f = match Frame::new(&shared, &tenant, &headers, Here::Knowledge).await {
        Ok(frame) => frame,
        Err(failed) => return *failed,
    };
    let text = wanted.text.trim().to_owned();
    let filter = wire::ArticlesQuery {
        text: (!text.is_empty()).then(|| text.clone()),
        ..wire::ArticlesQuery::default()
    };
    let mut articles = question(query::Data::Articles(filter));
    articles.limit = Some(SHOWN);
    let mut gaps = question(query::Data::KnowledgeGaps(wire::KnowledgeGapsQuery::default()));
    gaps.limit = Some(SHOWN);
    let asked = tokio::try_join!(f.ask(&shared, articles), f.ask(&shared, gaps));
    let ((articles, behind), (gaps, _)) = match asked {
        Ok(asked) => asked,
        Err(refusal) => return failed::page(f.t, Some(&f.tenant), &refusal),
    };
    let (Some(query_reply::Data::Articles(found)), Some(query_reply::Data::KnowledgeGaps(lacking))) =
        (articles.data, gaps.data)
    else {
        return failed::page(f.t, Some(&f.tenant), &unexpected());
    };
    let more = |next: Option<String>, shown: usize| {
        next.map(|_| fill(f.t.articles_cut, &[&form::count(f.t, shown as u64)]))
    };
    html(&Page {
        text,
        more: more(articles.next_cursor, found.articles.len()),
        articles: found.articles.iter().map(|article| Line::new(f.t, article)).collect(),
        more_gaps: more(gaps.next_cursor, lacking.gaps.len()),
        gaps: lacking.gaps.iter().map(Gap::new).collect(),
        fresh: Fresh::new(f.t, behind),
        f,
    })
}

/// `GET …/articles/{article}`.
pub(super) async fn article(
    State(shared): State<Shared>,
    Path((tenant, article)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let f = match Frame::new(&shared, &tenant, &headers, Here::Knowledge).await {
        Ok(frame) => frame,
        Err(failed) => return *failed,
    };
    let about = wire::ArticleQuery { article, ..wire::ArticleQuery::default() };
    let (reply, behind) = match f.ask(&shared, question(query::Data::Article(about))).await {
        Ok(answer) => answer,
        Err(refusal) => return failed::page(f.t, Some(&f.tenant), &refusal),
    };
    let Some(query_reply::Data::Article(article)) = reply.data else {
        return failed::page(f.t, Some(&f.tenant), &unexpected());
    };
    html(&Article {
        facts: facts(f.t, &article),
        title: article.title,
        lang: article.language,
        body: article.body.unwrap_or_default(),
        fresh: Fresh::new(f.t, behind),
        f,
    })
}

/// The articles that may solve a ticket.
///
/// # Errors
/// The refusal.
pub(super) async fn suggested(
    shared: &Shared,
    f: &Frame,
    about: wire::SuggestedArticlesQuery,
) -> Result<Vec<Line>, Refusal> {
    let mut asked = question(query::Data::SuggestedArticles(about));
    asked.limit = Some(SUGGESTED);
    let (reply, _) = f.ask(shared, asked).await?;
    let Some(query_reply::Data::SuggestedArticles(view)) = reply.data else { return Err(unexpected()) };
    Ok(view.articles.iter().map(|article| Line::new(f.t, article)).collect())
}

impl Line {
    fn new(t: &Text, article: &wire::PublishedArticle) -> Self {
        Self {
            id: article.article.clone(),
            address: form::in_address(&article.article),
            title: article.title.clone(),
            version: article.version,
            audience: audience(t, article.audience),
            categories: article.categories.join(", "),
            used: form::count(t, article.used.into()),
        }
    }
}

impl Gap {
    fn new(gap: &wire::KnowledgeGap) -> Self {
        Self {
            number: gap.number.clone(),
            category: gap.category.clone().unwrap_or_else(|| form::NOTHING.to_owned()),
            at: form::machine(gap.resolved_at),
            at_text: form::minute(gap.resolved_at),
            by: gap.resolved_by.clone(),
        }
    }
}

fn audience(t: &Text, wire: i32) -> &'static str {
    match Audience::from_wire(wire) {
        Ok(Audience::Public) => t.audience_public,
        Ok(Audience::Internal) => t.audience_internal,
        Err(_) => form::NOTHING,
    }
}

fn facts(t: &Text, article: &wire::PublishedArticle) -> Vec<(&'static str, String)> {
    let or_nothing = |text: String| if text.is_empty() { form::NOTHING.to_owned() } else { text };
    let mut facts = vec![
        (t.article, article.article.clone()),
        (t.version, article.version.to_string()),
        (t.audience, audience(t, article.audience).to_owned()),
        (t.category, or_nothing(article.categories.join(", "))),
        (t.tags, or_nothing(article.keywords.join(", "))),
        (t.article_used, form::count(t, article.used.into())),
        (t.article_published, format!("{}, {}", article.published_by, form::minute(article.published_at))),
    ];
    if let Some(at) = article.retired_at {
        let why = article.retired_because.as_deref().unwrap_or_default();
        facts.push((t.article_retired, format!("{}, {why}", form::minute(at))));
    }
    facts
}
