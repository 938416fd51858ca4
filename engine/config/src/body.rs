//! What a publication says, typed: JSON in, one structure for each kind out.

mod callers;
mod desk;
mod lifecycle;

use guichet_rules::calendar::Definition;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::callers::{Caller, Callers, Role};
pub use self::desk::{
    Agent, Agents, Categories, Field, FieldKind, Fields, Group, Groups, Language, Status, StatusName,
    Statuses, TagWord, Tags, Tenant, Tier, Tiers, UnknownTags,
};
pub use self::lifecycle::{AUTO_CLOSE_MAX_S, Lifecycle};
use crate::fault::Fault;
use crate::kind::Kind;
use crate::policy::Policy;
use crate::time_rule::TimeRule;

/// The body of `sla_policies`: the first policy that matches a ticket is the one that counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// In their order.
    pub policies: Vec<Policy>,
}

/// The body of `time_rules`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeRules {
    /// In their order.
    pub rules: Vec<TimeRule>,
}

/// A body of any kind.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is the body of the kind of its name")]
pub enum Body {
    Calendar(Definition),
    Tiers(Tiers),
    Groups(Groups),
    Statuses(Statuses),
    Categories(Categories),
    Fields(Fields),
    Tags(Tags),
    Agents(Agents),
    Lifecycle(Lifecycle),
    SlaPolicies(Policies),
    TimeRules(TimeRules),
    Callers(Callers),
    Tenant(Tenant),
}

impl Body {
    /// Reads a body of a kind: its shape only, not what it says.
    ///
    /// # Errors
    /// A field that is missing, unknown or of another type, with its place.
    pub fn read(kind: Kind, body: &Value) -> Result<Self, Fault> {
        Ok(match kind {
            Kind::Calendar => Self::Calendar(read(body)?),
            Kind::Tiers => Self::Tiers(read(body)?),
            Kind::Groups => Self::Groups(read(body)?),
            Kind::Statuses => Self::Statuses(read(body)?),
            Kind::Categories => Self::Categories(read(body)?),
            Kind::Fields => Self::Fields(read(body)?),
            Kind::Tags => Self::Tags(read(body)?),
            Kind::Agents => Self::Agents(read(body)?),
            Kind::Lifecycle => Self::Lifecycle(read(body)?),
            Kind::SlaPolicies => Self::SlaPolicies(read(body)?),
            Kind::TimeRules => Self::TimeRules(read(body)?),
            Kind::Callers => Self::Callers(read(body)?),
            Kind::Tenant => Self::Tenant(read(body)?),
        })
    }
}

fn read<T: DeserializeOwned>(body: &Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(body).map_err(|fault| {
        let path = fault.path().to_string();
        // The path of the whole is a dot, which says nothing.
        Fault::at(if path == "." { "body".to_owned() } else { path }, fault.into_inner().to_string())
    })
}
