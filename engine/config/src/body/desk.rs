//! The desk and its words: tenant, tiers, groups, agents, statuses, categories, tags, custom fields.
//!
//! What is not configured is not limited: any group, agent, category and tag name is accepted.

use guichet_schemas::words::TicketState;
use serde::{Deserialize, Serialize};

use crate::word::Word;

/// The body of `tenant`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tenant {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Written before the numbers of tickets: 1 to 8 of `A-Z0-9`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_prefix: Option<String>,
    /// IANA zone of pages and reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Language of pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// A language of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it")]
pub enum Language {
    En,
    Fr,
}

/// The body of `tiers`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// Each number once.
    pub tiers: Vec<Tier>,
}

/// A level of support.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// 0 to 4. Tickets enter at 1.
    pub tier: u32,
    /// For people.
    pub name: String,
}

/// The body of `groups`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Each id once.
    pub groups: Vec<Group>,
}

/// A team.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name in commands.
    pub id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Tiers whose tickets it takes; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<u32>,
    /// When it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
}

/// The body of `agents`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    /// Each id once.
    pub agents: Vec<Agent>,
}

/// Somebody who works on tickets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Their name in commands.
    pub id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Groups that they are in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The highest tier that they work in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u32>,
    /// What they know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
}

/// The body of `statuses`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statuses {
    /// Each id once.
    pub statuses: Vec<Status>,
}

/// A name of a state, with what is expected of whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Its name in commands.
    pub id: String,
    /// The state that it is a name of.
    pub state: Word<TicketState>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StatusName>,
    /// What it means for an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectation: Option<String>,
    /// What an agent does next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_action: Option<String>,
}

/// A name in the languages of the pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the codes of the languages say it")]
pub struct StatusName {
    pub en: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fr: Option<String>,
}

/// The body of `categories`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Categories {
    /// Paths: `technical`, `technical/network`. What is below a path is named for itself.
    pub categories: Vec<String>,
}

/// The body of `tags`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tags {
    /// Each word once, synonyms included.
    pub tags: Vec<TagWord>,
    /// What becomes of a tag that is not listed.
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

/// What becomes of a tag that is not listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownTags {
    /// It is taken. Nobody is warned yet: an answer that is given again would have to warn again.
    #[default]
    Warn,
    /// The command is refused.
    Refuse,
}

/// The body of `fields`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// Each id once.
    pub fields: Vec<Field>,
}

/// A custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name in commands; conditions call it `fields.<id>`.
    pub id: String,
    /// What it holds.
    pub kind: FieldKind,
    /// No ticket without it.
    #[serde(default)]
    pub required_on_create: bool,
    /// No resolution without it.
    #[serde(default)]
    pub required_on_resolve: bool,
    /// The only values of a text; none: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// What a custom field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it")]
pub enum FieldKind {
    Text,
    Number,
    Flag,
}

impl Categories {
    /// True where tickets may have this category.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.categories.iter().any(|known| known == path)
    }
}

impl Tags {
    /// The tag that a word means; `None`: it is not listed.
    #[must_use]
    pub fn meant_by(&self, word: &str) -> Option<&str> {
        let means = |tag: &&TagWord| tag.id == word || tag.synonyms.iter().any(|synonym| synonym == word);
        self.tags.iter().find(means).map(|tag| tag.id.as_str())
    }
}

impl Groups {
    /// The group of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }
}

impl Agents {
    /// The agent of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.id == id)
    }
}

impl Statuses {
    /// The status of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Status> {
        self.statuses.iter().find(|status| status.id == id)
    }
}

impl Fields {
    /// The field of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }
}
