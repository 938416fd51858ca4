//! What happens in a case, in the words of the file, and what that means for a ticket.

use std::collections::BTreeMap;

use guichet_config::{Apply, Attributes, PolicySet, SlaMetric};
use guichet_rules::calendar::Definition;
use guichet_schemas::words::TicketState;
use guichet_sla::{Happening, Ticket};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One line of a case.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    pub(super) at: String,
    #[serde(flatten)]
    pub(super) what: What,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum What {
    Created {
        #[serde(default)]
        by: Option<String>,
    },
    AgentReply {
        #[serde(default)]
        status: Option<String>,
    },
    BotReply,
    InternalNote,
    RequesterComment,
    Assigned,
    Unassigned,
    Status {
        to: String,
    },
    Changed {
        set: Map<String, Value>,
    },
    Escalated {
        to_tier: u32,
    },
    Merged,
    PoliciesPublished {
        policies: PolicySet,
        #[serde(default)]
        apply: Apply,
    },
    CalendarPublished {
        calendar: String,
        definition: Definition,
        effective_from: Option<String>,
    },
    VoidBreach {
        metric: SlaMetric,
        instance: u32,
        by: String,
        reason: String,
    },
    Tick,
}

impl What {
    /// True for what somebody does to a ticket that is there.
    pub(super) const fn is_update(&self) -> bool {
        match self {
            Self::AgentReply { .. }
            | Self::BotReply
            | Self::InternalNote
            | Self::RequesterComment
            | Self::Assigned
            | Self::Unassigned
            | Self::Status { .. }
            | Self::Changed { .. }
            | Self::Escalated { .. }
            | Self::Merged
            | Self::VoidBreach { .. } => true,
            Self::Created { .. }
            | Self::PoliciesPublished { .. }
            | Self::CalendarPublished { .. }
            | Self::Tick => false,
        }
    }

    /// The happenings of this ticket in it, one after the other. Publications are not of a ticket.
    pub(super) fn happenings(
        &self,
        ticket: &Ticket,
        attributes: &Attributes,
    ) -> Result<Vec<Happening>, String> {
        use TicketState::{Closed, Hold, New, Open, Pending, Resolved};
        let from_new = || (ticket.state() == New).then_some(Happening::Status(Open));
        Ok(match self {
            Self::Created { by } => {
                let assigned = attributes.contains_key("assignee");
                let created = Happening::Created { outbound: by.as_deref() == Some("agent"), assigned };
                [created].into_iter().chain(assigned.then_some(Happening::Status(Open))).collect()
            }
            Self::AgentReply { status: Some(status) } => {
                vec![Happening::PublicReply, Happening::Status(state(status)?)]
            }
            Self::AgentReply { status: None } => {
                [Happening::PublicReply].into_iter().chain(from_new()).collect()
            }
            Self::RequesterComment if matches!(ticket.state(), Pending | Hold | Resolved) => {
                vec![Happening::RequesterComment, Happening::Status(Open)]
            }
            // It begins a ticket of its own.
            Self::RequesterComment if ticket.state() == Closed => Vec::new(),
            Self::RequesterComment => vec![Happening::RequesterComment],
            Self::Assigned => [Happening::Assigned].into_iter().chain(from_new()).collect(),
            Self::Unassigned => vec![Happening::Unassigned],
            Self::Status { to } => vec![Happening::Status(state(to)?)],
            Self::Changed { set } => vec![Happening::Changed(self::attributes(set)?)],
            Self::Escalated { to_tier } => vec![Happening::Tier(*to_tier)],
            Self::Merged => vec![Happening::Merged],
            Self::VoidBreach { metric, instance, by, reason } => vec![Happening::BreachVoided {
                metric: *metric,
                instance: *instance,
                by: by.clone(),
                reason: reason.clone(),
            }],
            // A ticket hears of publications by itself.
            Self::PoliciesPublished { .. } | Self::CalendarPublished { .. } => Vec::new(),
            Self::BotReply | Self::InternalNote | Self::Tick => Vec::new(),
        })
    }
}

fn state(word: &str) -> Result<TicketState, String> {
    TicketState::parse(word).ok_or_else(|| format!("{word:?} is no state of a ticket"))
}

/// Attributes as conditions read them; what is null has no value.
pub(super) fn attributes(of: &Map<String, Value>) -> Result<Attributes, String> {
    let mut found = BTreeMap::new();
    for (name, value) in of {
        if let (Value::Object(fields), "fields") = (value, name.as_str()) {
            let fields = attributes(fields)?.into_iter();
            found.extend(fields.map(|(field, values)| (format!("fields.{field}"), values)));
        } else {
            let values = texts(value).ok_or_else(|| format!("attribute {name} is {value}"))?;
            found.insert(name.clone(), values);
        }
    }
    Ok(found)
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::String(text) => Some(vec![text.clone()]),
        Value::Bool(_) | Value::Number(_) => Some(vec![value.to_string()]),
        Value::Array(values) => {
            values.iter().map(texts).collect::<Option<Vec<_>>>().map(|lists| lists.concat())
        }
        Value::Object(_) => None,
    }
}
