//! What a ticket is at one moment, field by field: what can be explained and compared.

use clap::ValueEnum;
use guichet_rules::Ticket;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::HoldReason;

/// A field of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Field {
    /// State of the life cycle
    Status,
    /// Status that the desk has configured within the state
    CustomStatus,
    HoldReason,
    /// Group that has it
    Group,
    /// Agent that has it
    Assignee,
    /// Level of support
    Tier,
    /// Order of work
    Priority,
    Urgency,
    Impact,
    /// Kind of request
    Type,
    /// Path of its category
    Category,
    /// Tags, in the order in which they came
    Tags,
    /// When the next running clock is due
    Due,
    /// By when somebody wants it done
    DueDate,
}

impl Field {
    /// Its name on the command line and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::CustomStatus => "custom_status",
            Self::HoldReason => "hold_reason",
            Self::Group => "group",
            Self::Assignee => "assignee",
            Self::Tier => "tier",
            Self::Priority => "priority",
            Self::Urgency => "urgency",
            Self::Impact => "impact",
            Self::Type => "type",
            Self::Category => "category",
            Self::Tags => "tags",
            Self::Due => "due",
            Self::DueDate => "due_date",
        }
    }
}

/// The fields of a ticket that have a value, in the order of [`Field`]. Nothing in it is personal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture(Vec<(Field, String)>);

impl Picture {
    /// A ticket, and when the next of its clocks is due.
    #[must_use]
    pub fn of(ticket: &Ticket, due: Option<Timestamp>) -> Self {
        let word = |text: &str| Some(text.to_owned());
        let values = [
            (Field::Status, word(ticket.state().as_str())),
            (Field::CustomStatus, ticket.custom_status.clone()),
            (Field::HoldReason, ticket.hold_reason().map(HoldReason::as_str).and_then(word)),
            (Field::Group, ticket.group.clone()),
            (Field::Assignee, ticket.assignee.clone()),
            (Field::Tier, Some(ticket.tier.to_string())),
            (Field::Priority, word(ticket.priority.as_str())),
            (Field::Urgency, ticket.urgency.and_then(|urgency| word(urgency.as_str()))),
            (Field::Impact, ticket.impact.and_then(|impact| word(impact.as_str()))),
            (Field::Type, word(ticket.r#type.as_str())),
            (Field::Category, ticket.category.clone()),
            (Field::Tags, (!ticket.tags.is_empty()).then(|| ticket.tags.join(", "))),
            (Field::Due, due.map(|at| at.to_string())),
            (Field::DueDate, ticket.due_at.map(|at| at.to_string())),
        ];
        Self(values.into_iter().filter_map(|(field, value)| Some((field, value?))).collect())
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&str> {
        self.each().find(|(of, _)| *of == field).map(|(_, value)| value)
    }

    /// The fields that have a value.
    pub fn each(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(field, value)| (*field, value.as_str()))
    }

    /// The fields in which two differ.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<Field> {
        Field::value_variants()
            .iter()
            .copied()
            .filter(|field| self.get(*field) != other.get(*field))
            .collect()
    }
}
