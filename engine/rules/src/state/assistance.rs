//! What the rules know of the help of others: side conversations, and what models suggested.

use std::collections::BTreeMap;

use guichet_schemas::ids::{SideId, SuggestionId};
use serde::{Deserialize, Serialize};

/// A conversation with somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// With whom.
    pub with: String,
    /// Of another organisation, not a peer.
    pub is_third_party: bool,
    pub closed: bool,
}

/// What a model suggested. The kind is the word of its list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    pub kind: String,
    pub value: String,
    pub model: String,
    pub accepted: bool,
}

/// The help of others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assistance {
    pub sides: BTreeMap<SideId, Side>,
    pub suggestions: BTreeMap<SuggestionId, Suggestion>,
}
