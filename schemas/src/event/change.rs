//! What of a ticket an event makes another, by attribute: for whoever reads tickets and need not know the event.

use super::FieldValue;
use crate::ids::TicketId;
use crate::time::Timestamp;
use crate::words::{Channel, Impact, LinkKind, Priority, TicketType, Urgency};

/// An attribute that is another from an event on; what it was before, where the event says it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change<'a> {
    /// The group that has the ticket; none: it is cleared.
    Group(Option<&'a str>),
    /// The agent who has the ticket.
    Assignee {
        /// Before.
        from: Option<&'a str>,
        /// From now on; none: nobody.
        to: Option<&'a str>,
    },
    /// The level of support.
    Tier {
        /// Before.
        from: u32,
        /// From now on.
        to: u32,
    },
    /// The order of work.
    Priority {
        /// Before.
        from: Priority,
        /// From now on.
        to: Priority,
    },
    /// How soon it hurts.
    Urgency(Option<Urgency>),
    /// How much it hurts.
    Impact(Option<Impact>),
    /// The kind of request.
    Type {
        /// Before.
        from: TicketType,
        /// From now on.
        to: TicketType,
    },
    /// The category, a path.
    Category {
        /// Before.
        from: Option<&'a str>,
        /// From now on.
        to: Option<&'a str>,
    },
    /// The tags.
    Tags {
        /// That come.
        added: &'a [String],
        /// That go.
        removed: &'a [String],
    },
    /// A custom field.
    Field {
        /// Its name.
        name: &'a str,
        /// Before.
        from: Option<&'a FieldValue>,
        /// From now on.
        to: Option<&'a FieldValue>,
    },
    /// The instant by which somebody wants it done; none: no longer any.
    DueAt(Option<Timestamp>),
    /// Who works on it alone, and until when; none: nobody any more.
    Claim(Option<(&'a str, Timestamp)>),
    /// Who reads along.
    Participants {
        /// Who comes.
        added: &'a [String],
        /// Who goes.
        removed: &'a [String],
    },
    /// The groups that alone see it; none: everybody does.
    Restriction {
        /// Before.
        from: &'a [String],
        /// From now on.
        to: &'a [String],
    },
    /// Where the contact goes on.
    Channel {
        /// Before.
        from: Channel,
        /// From now on.
        to: Channel,
    },
    /// A tie to another ticket that comes or goes.
    Link {
        /// The other ticket.
        other: TicketId,
        /// Its number.
        number: u64,
        /// How it is tied.
        kind: LinkKind,
        /// The tie is read from the other ticket.
        from_other: bool,
        /// It comes.
        comes: bool,
    },
}

/// An attribute of a ticket that can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    Group,
    Assignee,
    Tier,
    Priority,
    Urgency,
    Impact,
    Type,
    Category,
    Tags,
    Field,
    DueAt,
    Claim,
    Participants,
    Restriction,
    Channel,
    Link,
}

impl Change<'_> {
    /// Which attribute it is.
    #[must_use]
    pub const fn attribute(&self) -> Attribute {
        match self {
            Self::Group(_) => Attribute::Group,
            Self::Assignee { .. } => Attribute::Assignee,
            Self::Tier { .. } => Attribute::Tier,
            Self::Priority { .. } => Attribute::Priority,
            Self::Urgency(_) => Attribute::Urgency,
            Self::Impact(_) => Attribute::Impact,
            Self::Type { .. } => Attribute::Type,
            Self::Category { .. } => Attribute::Category,
            Self::Tags { .. } => Attribute::Tags,
            Self::Field { .. } => Attribute::Field,
            Self::DueAt(_) => Attribute::DueAt,
            Self::Claim(_) => Attribute::Claim,
            Self::Participants { .. } => Attribute::Participants,
            Self::Restriction { .. } => Attribute::Restriction,
            Self::Channel { .. } => Attribute::Channel,
            Self::Link { .. } => Attribute::Link,
        }
    }
}
