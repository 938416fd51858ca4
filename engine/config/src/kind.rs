//! What there is to configure.

use serde::{Deserialize, Serialize};

/// The id of everything of which a tenant has one.
pub const THE_ONE: &str = "default";

/// A kind of configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The tenant itself; its id is the token of the tenant.
    Tenant,
    /// Opening hours; one item for each name.
    Calendar,
    /// Levels of support.
    Tiers,
    /// Teams.
    Groups,
    /// Names of states, and what is expected in them.
    Statuses,
    /// The tree of categories.
    Categories,
    /// Custom fields.
    Fields,
    /// The vocabulary of tags.
    Tags,
    /// People who work on tickets.
    Agents,
    /// Guards and delays of the life of a ticket.
    Lifecycle,
    /// What is promised, and to which tickets.
    SlaPolicies,
    /// What happens to tickets that stay as they are.
    TimeRules,
    /// Who may do what.
    Callers,
}

impl Kind {
    /// All of them, each after those that it may refer to, and the tenant first: publishing it makes one.
    pub const ALL: [Self; 13] = [
        Self::Tenant,
        Self::Calendar,
        Self::Tiers,
        Self::Groups,
        Self::Statuses,
        Self::Categories,
        Self::Fields,
        Self::Tags,
        Self::Agents,
        Self::Lifecycle,
        Self::SlaPolicies,
        Self::TimeRules,
        Self::Callers,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::Tiers => "tiers",
            Self::Groups => "groups",
            Self::Statuses => "statuses",
            Self::Categories => "categories",
            Self::Fields => "fields",
            Self::Tags => "tags",
            Self::Agents => "agents",
            Self::Lifecycle => "lifecycle",
            Self::SlaPolicies => "sla_policies",
            Self::TimeRules => "time_rules",
            Self::Callers => "callers",
            Self::Tenant => "tenant",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// True where items have names of their own; else the id is [`THE_ONE`].
    #[must_use]
    pub const fn is_named(self) -> bool {
        match self {
            Self::Calendar | Self::Tenant => true,
            Self::Tiers
            | Self::Groups
            | Self::Statuses
            | Self::Categories
            | Self::Fields
            | Self::Tags
            | Self::Agents
            | Self::Lifecycle
            | Self::SlaPolicies
            | Self::TimeRules
            | Self::Callers => false,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
