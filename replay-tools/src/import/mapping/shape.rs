//! What a mapping is made of, once it is checked.

use std::collections::BTreeMap;

use guichet_schemas::words::{
    AuthorKind, HoldReason, RequesterKind, ResolutionCode, TicketState, Visibility,
};

use crate::import::dates::Dates;
use crate::import::grammar::{Absent, Format, Order, TooLong, Unknown};
use crate::import::json_paths::Step;
use crate::import::words::Words;

/// Index of a column of the mapping.
pub(in crate::import) type Slot = usize;

/// A column, and the key that named it first.
#[derive(Debug, Clone)]
pub(in crate::import) struct Column {
    pub(in crate::import) name: String,
    pub(in crate::import) key: String,
    /// Whatever names it takes more than one value.
    pub(in crate::import) takes_list: bool,
    /// Its values are ids of tickets.
    pub(in crate::import) names_ticket: bool,
    /// Changes alone tell its values; no row has it.
    pub(in crate::import) optional: bool,
}

#[derive(Debug, Clone)]
pub(in crate::import) struct Source {
    pub(in crate::import) format: Format,
    /// `None` is found out.
    pub(in crate::import) encoding: Option<&'static encoding_rs::Encoding>,
    /// `None` is found out.
    pub(in crate::import) delimiter: Option<u8>,
    /// Takes the meaning from a quote within quotes.
    pub(in crate::import) escape: Option<u8>,
    /// Names the members of an archive.
    pub(in crate::import) member: Option<String>,
    pub(in crate::import) json: Json,
    /// Type of the objects of OCEL that are tickets.
    pub(in crate::import) object_type: Option<String>,
    pub(in crate::import) dates: Dates,
    pub(in crate::import) missing: Vec<String>,
    pub(in crate::import) grouped: bool,
    pub(in crate::import) order: Order,
    /// Puts rows of one instant in order, where `order` is that of time.
    pub(in crate::import) tie: Option<Slot>,
    pub(in crate::import) absent: Option<Absent>,
    pub(in crate::import) too_long: TooLong,
    /// What stands before the decimals of a number.
    pub(in crate::import) decimal: char,
}

/// Where rows stand in an export of JSON.
#[derive(Debug, Clone, Default)]
pub(in crate::import) struct Json {
    /// The way through a document to its records. Without one they are the elements of its list, or it is one.
    pub(in crate::import) records: Option<Vec<Step>>,
    /// The way through a record to the lists whose elements are rows.
    pub(in crate::import) rows: Vec<Vec<Step>>,
}

#[derive(Debug, Clone)]
pub(in crate::import) struct Ticket {
    pub(in crate::import) id: Slot,
    pub(in crate::import) created_at: Option<Slot>,
    pub(in crate::import) created_by: Option<Slot>,
    pub(in crate::import) subject: Option<Slot>,
    pub(in crate::import) description: Option<Slot>,
    pub(in crate::import) channel: Option<Slot>,
    pub(in crate::import) r#type: Option<Slot>,
    pub(in crate::import) category: Vec<Slot>,
    pub(in crate::import) priority: Option<Slot>,
    pub(in crate::import) urgency: Option<Slot>,
    pub(in crate::import) impact: Option<Slot>,
    pub(in crate::import) product: Option<Slot>,
    pub(in crate::import) brand: Option<Slot>,
    pub(in crate::import) language: Option<Slot>,
    pub(in crate::import) organisation: Option<Slot>,
    pub(in crate::import) due_at: Option<Slot>,
    pub(in crate::import) tags: Option<Slot>,
    pub(in crate::import) tag_separator: Option<String>,
    /// With the name of each field here.
    pub(in crate::import) fields: Vec<(Slot, String)>,
    /// Fields whose values are numbers.
    pub(in crate::import) numbers: Vec<Slot>,
    /// Fields whose values are yes or no.
    pub(in crate::import) flags: Vec<Slot>,
}

/// Who has the problem.
#[derive(Debug, Clone)]
pub(in crate::import) struct Requester {
    pub(in crate::import) id: Slot,
    pub(in crate::import) name: Option<Slot>,
    pub(in crate::import) email: Option<Slot>,
    pub(in crate::import) phone: Option<Slot>,
    pub(in crate::import) kind: Option<Slot>,
    pub(in crate::import) kinds: Words<RequesterKind>,
}

/// What was written, by whom and for whom.
#[derive(Debug, Clone)]
pub(in crate::import) struct Comment {
    pub(in crate::import) text: Option<Slot>,
    pub(in crate::import) author: Option<Slot>,
    pub(in crate::import) author_kind: Option<Slot>,
    pub(in crate::import) author_kinds: Words<AuthorKind>,
    pub(in crate::import) visibility: Option<Slot>,
    pub(in crate::import) visibilities: Words<Visibility>,
    pub(in crate::import) default_visibility: Visibility,
    /// The export has every public comment.
    pub(in crate::import) complete: bool,
    /// What a text is made of, such as its time, its author and itself, and what parts them.
    pub(in crate::import) parts: Option<(Vec<Part>, String)>,
}

/// A part of the text of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) enum Part {
    At,
    Author,
    Text,
}

/// How a ticket was resolved.
#[derive(Debug, Clone)]
pub(in crate::import) struct Resolution {
    pub(in crate::import) code: Option<Slot>,
    pub(in crate::import) summary: Option<Slot>,
    pub(in crate::import) codes: Words<ResolutionCode>,
}

/// Something that happens to a ticket once, and whose time a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::import) enum Milestone {
    Created,
    Assigned,
    FirstReply,
    Reopened,
    Resolved,
    Closed,
}

/// How a ticket hangs together with another one of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) enum Link {
    FollowUpOf,
    MergedInto,
    Related,
}

#[derive(Debug, Clone)]
pub(in crate::import) struct State {
    pub(in crate::import) columns: Vec<Slot>,
    pub(in crate::import) map: BTreeMap<String, Meaning>,
    pub(in crate::import) unknown: Unknown,
    pub(in crate::import) default: Option<Meaning>,
}

/// What a state of the source means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) enum Meaning {
    Ignore,
    /// No state of ours says it: it becomes a note.
    Note,
    State {
        to: TicketState,
        hold_reason: Option<HoldReason>,
        /// Whether it may bring back a ticket that is done.
        reopens: bool,
    },
}

#[derive(Debug, Clone)]
pub(in crate::import) enum Dedupe {
    Row,
    Columns(Vec<Slot>),
}
