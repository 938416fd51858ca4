//! What a filter can ask of an event.

use guichet_schemas::words::{AuthorKind, Channel, Origin, Priority, TicketState};

/// A value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact<'a> {
    /// A text; empty: there is none.
    Text(&'a str),
    /// A number.
    Count(i64),
    /// Yes or no.
    Flag(bool),
}

/// An event, and the ticket as the event left it.
pub trait Facts: Send + Sync {
    /// The value of a field, of the kind that the field has.
    fn fact(&self, field: Field) -> Fact<'_>;
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Count,
    Flag,
}

macro_rules! fields {
    ($($variant:ident $name:literal: $kind:ident $doc:literal;)*) => {
        /// What a filter can ask of an event: of the event itself, and of its ticket as the event left it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Field { $(#[doc = $doc] $variant,)* }

        impl Field {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in a filter.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it says, for people.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }

            /// Reads a name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            pub(crate) const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }
        }
    };
}

fields! {
    Event "event": Text "The type of the event, such as `TicketResolved`.";
    Status "status": Text "The state of the ticket: `new`, `open`, `pending`, `hold`, `resolved`, `closed`, `cancelled`.";
    StatusBefore "status_before": Text "The state before the event; empty at the creation.";
    Unresolved "unresolved": Flag "The ticket is new, open, pending or on hold.";
    UnresolvedBefore "unresolved_before": Flag "It was so before the event.";
    Channel "channel": Text "Where the ticket came from.";
    Origin "origin": Text "Who noticed first: `requester`, `agent`, `system`.";
    Priority "priority": Text "The priority.";
    Category "category": Text "The category, as a path.";
    Group "group": Text "The group that has the ticket.";
    Agent "agent": Text "The assignee.";
    Product "product": Text "The product concerned.";
    Tier "tier": Count "The tier, from 0 to 4.";
    Author "author": Text "Who wrote, in a `CommentAdded`: `requester`, `agent` or `bot`.";
    ByPerson "by_person": Flag "A person resolved, or wrote; not a bot, a service or the system.";
    Reason "reason": Text "Why, in a `TicketClosed`, `TicketCancelled` or `TicketEscalated`.";
    Resolutions "resolutions": Count "Resolutions so far, this one included.";
    Reopens "reopens": Count "Reopenings so far, this one included.";
    Replies "replies": Count "Public answers of people so far, this one included.";
    Escalations "escalations": Count "Escalations so far, this one included.";
    SinceCreated "since_created_s": Count "Seconds since the creation.";
    SinceResolved "since_resolved_s": Count "Seconds since the last resolution; -1: there was none.";
    Merged "merged": Flag "The ticket went into another one, before or after the event.";
    Cancelled "cancelled": Flag "The ticket was given up, before or after the event.";
}

/// The events that reports keep, and filters can tell of. Reports read no other: one that is left out here is found by
/// their test.
pub const EVENTS: &[&str] = &[
    "TicketCreated",
    "StatusChanged",
    "TicketResolved",
    "TicketReopened",
    "TicketClosed",
    "TicketCancelled",
    "TicketRouted",
    "TicketAssigned",
    "TicketUnassigned",
    "TicketEscalated",
    "TicketDeescalated",
    "CommentAdded",
    "FollowUpCreated",
    "ResolutionProposed",
    "PriorityChanged",
    "CategoryChanged",
    "TimeLogged",
    "ArticleUsed",
    "SurveyRequested",
    "TicketRated",
    "NpsRecorded",
];

impl Field {
    /// The only words that its values can be; `None`: any text.
    pub(crate) fn words(self) -> Option<Vec<&'static str>> {
        Some(match self {
            Self::Event => EVENTS.to_vec(),
            Self::Status => TicketState::ALL.iter().map(|word| word.as_str()).collect(),
            Self::StatusBefore => TicketState::ALL.iter().map(|word| word.as_str()).chain([""]).collect(),
            Self::Channel => Channel::ALL.iter().map(|word| word.as_str()).collect(),
            Self::Origin => Origin::ALL.iter().map(|word| word.as_str()).collect(),
            Self::Priority => Priority::ALL.iter().map(|word| word.as_str()).collect(),
            Self::Author => [AuthorKind::Requester, AuthorKind::Agent, AuthorKind::Bot]
                .map(AuthorKind::as_str)
                .into_iter()
                .chain([""])
                .collect(),
            Self::Category
            | Self::Group
            | Self::Agent
            | Self::Product
            | Self::Reason
            | Self::Unresolved
            | Self::UnresolvedBefore
            | Self::Tier
            | Self::ByPerson
            | Self::Resolutions
            | Self::Reopens
            | Self::Replies
            | Self::Escalations
            | Self::SinceCreated
            | Self::SinceResolved
            | Self::Merged
            | Self::Cancelled => return None,
        })
    }
}
