//! What is promised, and to which tickets.

use std::collections::BTreeMap;

use guichet_schemas::words::{SlaMetric, TicketState};
use serde::{Deserialize, Serialize};

use crate::word::Word;

/// Attributes of a ticket that conditions read; each may have several values, as tags do. A custom field is named
/// `fields.<name>`.
pub type Attributes = BTreeMap<String, Vec<String>>;

/// The attributes that conditions may name, beside `fields.<name>`. Whoever folds tickets fills in each that a ticket
/// has; a condition on any other would never hold, and is refused when it is published.
pub const ATTRIBUTES: [&str; 16] = [
    "priority",
    "type",
    "category",
    "channel",
    "origin",
    "urgency",
    "impact",
    "requester_kind",
    "organisation",
    "product",
    "brand",
    "language",
    "tags",
    "group",
    "assignee",
    // Of the ticket itself: it is no attribute that a fold keeps, but the tier that it asks with.
    "tier",
];

/// The longest that a target or a rule may wait: fifteen years, as far as calendars look ahead.
pub const SECONDS_MAX: u32 = 15 * 366 * 86_400;

/// Policies in their order: the first that matches is the one that counts.
pub type PolicySet = Vec<Policy>;

/// One promise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name.
    pub id: String,
    /// Its version; absent: that of the publication in which it stands. A set that is in force has it always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// For each attribute that is named, the ticket has one of these values. Nothing: every ticket.
    #[serde(default, rename = "match", skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, Values>,
    pub targets: Vec<Target>,
    #[serde(default)]
    pub on_reopen: OnReopen,
    /// How time before a change of target counts.
    #[serde(default)]
    pub on_target_change: OnTargetChange,
}

/// One value, or several of which one must be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a text, or a list of texts")]
pub enum Values {
    /// One.
    One(String),
    /// One of these.
    Any(Vec<String>),
}

impl Values {
    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Any(values) => values,
        }
    }
}

/// One clock of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub metric: SlaMetric,
    /// How long it may take, 1 to [`SECONDS_MAX`].
    pub seconds: u32,
    pub hours: HoursKind,
    /// The calendar of business hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// For tickets of this priority; `*`: any.
    #[serde(default = "any")]
    pub priority: String,
    /// In this tier only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u32>,
    /// Warn when so many percent of the target are used up; beyond 100: so long after the breach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warn_pct: Vec<u32>,
    /// States in which the clock stands still, instead of those of its metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pauses_in: Option<Vec<Word<TicketState>>>,
}

fn any() -> String {
    "*".to_owned()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoursKind {
    /// Open time of a calendar.
    Business,
    /// All time.
    Calendar,
}

impl HoursKind {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Business => "business",
            Self::Calendar => "calendar",
        }
    }
}

/// The effect of a reopening on the clock of the resolution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnReopen {
    /// It goes on; the time resolved does not count.
    #[default]
    ResumeExcludingResolved,
    /// It goes on as if it had never stopped.
    ResumeIncludingResolved,
    /// Another one begins.
    Restart,
    /// Nothing: the first resolution is what was promised.
    FirstOnly,
}

/// How time before a change of target counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTargetChange {
    /// As if the new target had held from the beginning.
    #[default]
    Retroactive,
    /// Not at all: the new target counts from the change on.
    Prospective,
}

impl OnTargetChange {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retroactive => "retroactive",
            Self::Prospective => "prospective",
        }
    }
}

/// A target and the policy that it stands in.
#[derive(Debug, Clone, Copy)]
pub struct Promise<'a> {
    /// The policy, the first that matches.
    pub policy: &'a Policy,
    /// The target, the first of the policy that is for this ticket.
    pub target: &'a Target,
}

/// The promise that a set of policies makes to a ticket about one metric.
///
/// ```
/// use guichet_config::{Attributes, SlaMetric, PolicySet, promise};
/// let set: PolicySet = serde_json::from_str(
///     r#"[{"id": "all", "targets": [{"metric": "first_reply", "seconds": 3600, "hours": "calendar"}]}]"#,
/// ).unwrap();
/// let promised = promise(&set, &Attributes::new(), 1, SlaMetric::FirstReply).unwrap();
/// assert_eq!(promised.target.seconds, 3600);
/// ```
#[must_use]
pub fn promise<'a>(
    policies: &'a [Policy],
    attributes: &Attributes,
    tier: u32,
    metric: SlaMetric,
) -> Option<Promise<'a>> {
    let policy = policies.iter().find(|policy| matches(policy, attributes, tier))?;
    let has = |wanted: &str| wanted == "*" || has_value(attributes, "priority", wanted);
    let target = policy.targets.iter().find(|target| {
        target.metric == metric && has(&target.priority) && target.tier.is_none_or(|only| only == tier)
    })?;
    Some(Promise { policy, target })
}

/// True where a policy is for a ticket with these attributes in this tier.
#[must_use]
pub fn matches(policy: &Policy, attributes: &Attributes, tier: u32) -> bool {
    policy.conditions.iter().all(|(name, wanted)| {
        wanted.as_slice().iter().any(|wanted| match name.as_str() {
            "tier" => *wanted == tier.to_string(),
            _ => has_value(attributes, name, wanted),
        })
    })
}

fn has_value(attributes: &Attributes, name: &str, wanted: &str) -> bool {
    attributes.get(name).is_some_and(|values| values.iter().any(|value| covers(name, wanted, value)))
}

/// True where a condition on one value holds for a ticket that has another. A category is also what lies below it:
/// `technical` holds `technical/printer`.
pub(crate) fn covers(name: &str, wanted: &str, value: &str) -> bool {
    match value.strip_prefix(wanted) {
        Some("") => true,
        Some(rest) => name == "category" && rest.starts_with('/'),
        None => false,
    }
}
