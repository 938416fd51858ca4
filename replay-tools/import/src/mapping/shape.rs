//! What a mapping is made of, once it is checked.

use std::collections::BTreeMap;

use guichet_schemas::words::{
    AuthorKind, HoldReason, RequesterKind, ResolutionCode, TicketState, Visibility,
};

use crate::dates::Dates;
use crate::grammar::{Absent, Format, Order, TooLong, Unknown};
use crate::json_paths::Step;
use crate::words::Words;

/// Index of a column of the mapping.
pub(crate) type Slot = usize;

/// A column, and the key that named it first.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) key: String,
    /// Whatever names it takes more than one value.
    pub(crate) takes_list: bool,
    /// Its values are ids of tickets.
    pub(crate) names_ticket: bool,
    /// Changes alone tell its values; no row has it.
    pub(crate) optional: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) format: Format,
    /// `None` is found out.
    pub(crate) encoding: Option<&'static encoding_rs::Encoding>,
    /// `None` is found out.
    pub(crate) delimiter: Option<u8>,
    /// Takes the meaning from a quote within quotes.
    pub(crate) escape: Option<u8>,
    /// Names the members of an archive.
    pub(crate) member: Option<String>,
    pub(crate) json: Json,
    /// Type of the objects of OCEL that are tickets.
    pub(crate) object_type: Option<String>,
    pub(crate) dates: Dates,
    pub(crate) missing: Vec<String>,
    pub(crate) grouped: bool,
    pub(crate) order: Order,
    /// Puts rows of one instant in order, where `order` is that of time.
    pub(crate) tie: Option<Slot>,
    pub(crate) absent: Option<Absent>,
    pub(crate) too_long: TooLong,
    /// The decimal mark of a number.
    pub(crate) decimal: char,
}

/// Where rows stand in an export of JSON.
#[derive(Debug, Clone, Default)]
pub(crate) struct Json {
    /// The way through a document to its records. Without one they are the elements of its list, or it is one.
    pub(crate) records: Option<Vec<Step>>,
    /// The way through a record to the lists whose elements are rows.
    pub(crate) rows: Vec<Vec<Step>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) id: Slot,
    pub(crate) created_at: Option<Slot>,
    pub(crate) created_by: Option<Slot>,
    pub(crate) subject: Option<Slot>,
    pub(crate) description: Option<Slot>,
    pub(crate) channel: Option<Slot>,
    pub(crate) r#type: Option<Slot>,
    pub(crate) category: Vec<Slot>,
    pub(crate) priority: Option<Slot>,
    pub(crate) urgency: Option<Slot>,
    pub(crate) impact: Option<Slot>,
    pub(crate) product: Option<Slot>,
    pub(crate) brand: Option<Slot>,
    pub(crate) language: Option<Slot>,
    pub(crate) organisation: Option<Slot>,
    pub(crate) due_at: Option<Slot>,
    pub(crate) tags: Option<Slot>,
    pub(crate) tag_separator: Option<String>,
    /// With the name of each field here.
    pub(crate) fields: Vec<(Slot, String)>,
    /// Fields whose values are numbers.
    pub(crate) numbers: Vec<Slot>,
    /// Fields whose values are yes or no.
    pub(crate) flags: Vec<Slot>,
}

#[derive(Debug, Clone)]
pub(crate) struct Requester {
    pub(crate) id: Slot,
    pub(crate) name: Option<Slot>,
    pub(crate) email: Option<Slot>,
    pub(crate) phone: Option<Slot>,
    pub(crate) kind: Option<Slot>,
    pub(crate) kinds: Words<RequesterKind>,
}

/// A comment, its author and its readers.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) text: Option<Slot>,
    pub(crate) author: Option<Slot>,
    pub(crate) author_kind: Option<Slot>,
    pub(crate) author_kinds: Words<AuthorKind>,
    pub(crate) visibility: Option<Slot>,
    pub(crate) visibilities: Words<Visibility>,
    pub(crate) default_visibility: Visibility,
    /// The export has every public comment.
    pub(crate) complete: bool,
    /// The parts of a text, such as its time, its author and itself, and the mark between them.
    pub(crate) parts: Option<(Vec<Part>, String)>,
}

/// A part of the text of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    At,
    Author,
    Text,
}

#[derive(Debug, Clone)]
pub(crate) struct Resolution {
    pub(crate) code: Option<Slot>,
    pub(crate) summary: Option<Slot>,
    pub(crate) codes: Words<ResolutionCode>,
}

/// Something that happens to a ticket once, and whose time a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Milestone {
    Created,
    Assigned,
    FirstReply,
    Reopened,
    Resolved,
    Closed,
}

/// How a ticket hangs together with another one of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    FollowUpOf,
    MergedInto,
    Related,
}

#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) columns: Vec<Slot>,
    pub(crate) map: BTreeMap<String, Meaning>,
    pub(crate) unknown: Unknown,
    pub(crate) default: Option<Meaning>,
}

/// The meaning of a state of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
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
pub(crate) enum Dedupe {
    Row,
    Columns(Vec<Slot>),
}
