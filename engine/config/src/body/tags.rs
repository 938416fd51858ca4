//! The vocabulary of tags.

use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::names;
use crate::fault::Fault;
use crate::item::Item;

/// The body of `tags`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tags {
    /// Each word once, synonyms included.
    pub tags: Vec<TagWord>,
    #[serde(default)]
    pub unknown: UnknownTags,
}

/// A tag, and what people also call it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagWord {
    /// The tag.
    pub id: String,
    /// Words that mean it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
}

/// How a tag that is not listed is treated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownTags {
    /// It is taken. Nobody is warned yet: an answer that is given again would have to warn again.
    #[default]
    Warn,
    /// The command is refused.
    Refuse,
}

impl Tags {
    /// The tag that a word means; `None`: it is not listed.
    #[must_use]
    pub fn meant_by(&self, word: &str) -> Option<&str> {
        let means = |tag: &&TagWord| tag.id == word || tag.synonyms.iter().any(|synonym| synonym == word);
        self.tags.iter().find(means).map(|tag| tag.id.as_str())
    }
}

impl Item for Tags {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let tags = &self.tags;
        let mut faults = names::faults::<64>("tags", ".id", tags.iter().map(|tag| tag.id.as_str()));
        for (n, tag) in tags.iter().enumerate() {
            let list = format!("tags[{n}].synonyms");
            faults.extend(names::faults::<64>(&list, "", tag.synonyms.iter().map(String::as_str)));
            for (s, word) in tag.synonyms.iter().enumerate() {
                let means = |other: &TagWord| other.id == *word;
                let earlier = tags.iter().take(n).position(|other| other.synonyms.contains(word));
                if let Some(other) = tags.iter().position(means).or(earlier) {
                    let rule = format!("{word:?} means tags[{other}] already: a word has one meaning");
                    faults.push(Fault::at(format!("{list}[{s}]"), rule));
                }
            }
        }
        faults
    }
}
