//! By which words an article is found, and how well it fits: Okapi BM25 over the stems of its words.

use std::collections::{BTreeMap, BTreeSet};

use guichet_schemas::event::ArticlePublished;
use rust_stemmers::{Algorithm, Stemmer};
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::store::StoreError;

/// How soon a word that comes again says no more.
const K1: f64 = 1.2;
/// How much a long text is held against an article.
const B: f64 = 0.75;
/// A word of the title or a keyword counts as so many of the text.
const TITLE_WEIGHT: u32 = 4;
/// From so many articles on, a word of more than half of them says nothing.
const COMMON_FROM: usize = 10;

/// The stems of a text, each with how often it comes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) language: Option<String>,
    counts: BTreeMap<String, u32>,
}

impl Terms {
    pub(super) fn of(e: &ArticlePublished) -> Self {
        let mut terms = Self { language: e.language.clone(), counts: BTreeMap::new() };
        let words = Words::of(e.language.as_deref());
        terms.add(&words, &e.body, 1);
        for text in [&e.title].into_iter().chain(&e.keywords) {
            terms.add(&words, text, TITLE_WEIGHT);
        }
        terms
    }

    fn add(&mut self, words: &Words, text: &str, weight: u32) {
        for stem in words.stems(text) {
            let count = self.counts.entry(stem).or_default();
            *count = count.saturating_add(weight);
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        postcard::from_bytes(bytes).map_err(|_| StoreError::Damaged { what: "the words of an article" })
    }

    /// Their bytes.
    ///
    /// # Panics
    /// Never: a vector takes whatever is put into it.
    pub(super) fn write(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("a vector grows")
    }

    fn len(&self) -> f64 {
        f64::from(self.counts.values().fold(0, |sum: u32, count| sum.saturating_add(*count)))
    }
}

/// Cuts texts of a language into stems.
struct Words(Option<Stemmer>);

impl Words {
    /// By the language of a tag such as `fr-FR`; words of a language without rules stand as they are.
    fn of(tag: Option<&str>) -> Self {
        let language = tag.and_then(|tag| tag.split(['-', '_']).next()).unwrap_or_default();
        Self(algorithm(&language.to_lowercase()).map(Stemmer::create))
    }

    fn stems(&self, text: &str) -> Vec<String> {
        let text = text.to_lowercase();
        let stem = |word: &str| match &self.0 {
            Some(stemmer) => stemmer.stem(word).into_owned(),
            None => word.to_owned(),
        };
        text.unicode_words().map(stem).collect()
    }
}

fn algorithm(language: &str) -> Option<Algorithm> {
    Some(match language {
        "ar" => Algorithm::Arabic,
        "da" => Algorithm::Danish,
        "de" => Algorithm::German,
        "el" => Algorithm::Greek,
        "en" => Algorithm::English,
        "es" => Algorithm::Spanish,
        "fi" => Algorithm::Finnish,
        "fr" => Algorithm::French,
        "hu" => Algorithm::Hungarian,
        "it" => Algorithm::Italian,
        "nb" | "nn" | "no" => Algorithm::Norwegian,
        "nl" => Algorithm::Dutch,
        "pt" => Algorithm::Portuguese,
        "ro" => Algorithm::Romanian,
        "ru" => Algorithm::Russian,
        "sv" => Algorithm::Swedish,
        "ta" => Algorithm::Tamil,
        "tr" => Algorithm::Turkish,
        _ => return None,
    })
}

/// How well each article fits a text, in the order in which they were given; 0: it shares no word that says something. The text is
/// read in the language of each article.
pub(super) fn scores(articles: &[Terms], text: &str) -> Vec<f64> {
    let mut asked: BTreeMap<Option<&str>, BTreeSet<String>> = BTreeMap::new();
    for article in articles {
        let language = article.language.as_deref();
        asked.entry(language).or_insert_with(|| Words::of(language).stems(text).into_iter().collect());
    }
    let all = u32::try_from(articles.len()).map_or(f64::MAX, f64::from);
    let mean = (articles.iter().map(Terms::len).sum::<f64>() / all.max(1.0)).max(1.0);
    let mut weights: BTreeMap<&str, f64> = BTreeMap::new();
    for stem in asked.values().flatten() {
        let with = articles.iter().filter(|article| article.counts.contains_key(stem)).count();
        let is_common = articles.len() >= COMMON_FROM && with.saturating_mul(2) > articles.len();
        let with = u32::try_from(with).map_or(f64::MAX, f64::from);
        let weight = if is_common { 0.0 } else { (1.0 + (all - with + 0.5) / (with + 0.5)).ln() };
        weights.insert(stem, weight);
    }
    let score = |article: &Terms| {
        let stems = asked.get(&article.language.as_deref()).into_iter().flatten();
        let each = stems.map(|stem| {
            let count = article.counts.get(stem).copied().map_or(0.0, f64::from);
            let weight = weights.get(stem.as_str()).copied().unwrap_or_default();
            weight * count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * article.len() / mean))
        });
        each.sum()
    };
    articles.iter().map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article(language: Option<&str>, text: &str) -> Terms {
        let mut terms = Terms { language: language.map(str::to_owned), counts: BTreeMap::new() };
        terms.add(&Words::of(language), text, 1);
        terms
    }

    #[test]
    fn a_word_is_found_by_its_stem_in_the_language_of_the_article() {
        let articles = [
            article(Some("en-GB"), "Resetting printers"),
            article(Some("fr"), "Réinitialiser les imprimantes"),
            article(None, "printers"),
        ];
        let found = |text: &str| scores(&articles, text).iter().map(|score| *score > 0.0).collect::<Vec<_>>();
        assert_eq!(found("the PRINTER was reset"), [true, false, false]);
        assert_eq!(found("imprimante"), [false, true, false]);
        assert_eq!(found("printers"), [true, false, true]);
        assert_eq!(found("?!"), [false, false, false]);
    }

    #[test]
    fn a_rare_word_counts_more_than_a_frequent_one_and_one_of_most_articles_nothing() {
        let mut articles: Vec<Terms> =
            (0..20).map(|n| article(None, &format!("please call desk{n}"))).collect();
        articles.push(article(None, "please restart"));
        let scored = scores(&articles, "please restart");
        assert!(scored[20] > 0.0);
        assert!(scored[..20].iter().all(|score| *score == 0.0), "{scored:?}");
        let few = [article(None, "vpn drops"), article(None, "vpn slow"), article(None, "mail slow")];
        let scored = scores(&few, "vpn drops");
        assert!(scored[0] > scored[1] && scored[1] > scored[2] && scored[2] == 0.0, "{scored:?}");
    }
}
