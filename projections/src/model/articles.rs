//! The read model "articles": the knowledge base, by which words it is found, and which solutions it lacks.

mod answers;
mod fold;
mod row;
mod terms;

use crate::keys;
use crate::projection::ReadModel;
use crate::store::Family;

/// The knowledge base.
pub static ARTICLES: ReadModel = ReadModel {
    name: "articles",
    version: 1,
    families: &[
        Family::ranges(keys::ARTICLES),
        Family::points(keys::ARTICLE_VERSIONS),
        Family::ranges(keys::ARTICLE_TERMS),
        Family::points(keys::ARTICLE_USES),
        Family::points(keys::ARTICLE_TICKETS),
        Family::points(keys::NUMBERS),
        Family::ranges(keys::KNOWLEDGE_GAPS),
    ],
    answers: &["article", "articles", "suggested_articles", "knowledge_gaps"],
    in_memory: false,
    open: fold::open,
};

#[cfg(test)]
#[path = "articles_tests.rs"]
mod tests;
