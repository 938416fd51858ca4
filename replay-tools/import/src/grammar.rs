//! The mapping file as it is written: the keys of the contract, each with its type, and nothing else.
//! What the values mean is checked in [`super::mapping`].

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grammar {
    pub(super) source: Source,
    pub(super) ticket: Ticket,
    pub(super) row: Option<Row>,
    pub(super) state: Option<State>,
    pub(super) group: Option<Group>,
    pub(super) agent: Option<Agent>,
    pub(super) priority: Option<Words>,
    pub(super) channel: Option<Words>,
    pub(super) r#type: Option<Words>,
    pub(super) urgency: Option<Words>,
    pub(super) impact: Option<Words>,
    pub(super) category: Option<CategoryWords>,
    pub(super) requester: Option<Requester>,
    pub(super) comment: Option<Comment>,
    pub(super) resolution: Option<Resolution>,
    pub(super) milestones: Option<Milestones>,
    pub(super) dedupe: Option<Dedupe>,
    pub(super) names: Option<Names>,
    pub(super) changes: Option<Changes>,
    pub(super) filter: Option<Filter>,
    pub(super) links: Option<Links>,
    #[serde(default)]
    pub(super) files: BTreeMap<String, File>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub(super) name: Option<String>,
    pub(super) format: Format,
    pub(super) encoding: Option<String>,
    pub(super) delimiter: Option<String>,
    pub(super) escape: Option<String>,
    pub(super) member: Option<String>,
    pub(super) records: Option<String>,
    pub(super) rows: Option<Columns>,
    pub(super) object_type: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) zone_column: Option<String>,
    pub(super) two_digit_years: Option<String>,
    #[serde(default)]
    pub(super) date_formats: Vec<String>,
    #[serde(default)]
    pub(super) missing: Vec<String>,
    pub(super) grouped: Option<bool>,
    #[serde(default)]
    pub(super) order: Order,
    pub(super) tie: Option<String>,
    pub(super) absent: Option<Absent>,
    #[serde(default)]
    pub(super) too_long: TooLong,
    pub(super) decimal: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    Csv,
    Xes,
    /// An object per line.
    Jsonl,
    /// Documents.
    Json,
    /// OCEL 2.0 in JSON.
    Ocel,
    /// An event of ours per line.
    Events,
}

/// The meaning of a column that a row does not have, or leaves empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Absent {
    Unchanged,
    Cleared,
}

/// The treatment of a text that is over a limit of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TooLong {
    #[default]
    Reject,
    Cut,
}

/// The order of the rows of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    #[default]
    File,
    Time,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ticket {
    pub(super) id: String,
    pub(super) created_at: Option<String>,
    pub(super) created_by: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) description: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) r#type: Option<String>,
    pub(super) category: Option<Columns>,
    pub(super) priority: Option<String>,
    pub(super) urgency: Option<String>,
    pub(super) impact: Option<String>,
    pub(super) product: Option<String>,
    pub(super) brand: Option<String>,
    pub(super) language: Option<String>,
    pub(super) organisation: Option<String>,
    pub(super) due_at: Option<String>,
    pub(super) tags: Option<String>,
    pub(super) tag_separator: Option<String>,
    #[serde(default)]
    pub(super) fields: Fields,
    #[serde(default)]
    pub(super) numbers: Fields,
    #[serde(default)]
    pub(super) flags: Fields,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) at: Columns,
    pub(super) by: Option<Columns>,
    pub(super) comment: Option<String>,
    pub(super) activity: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) column: Columns,
    pub(super) map: BTreeMap<String, Meaning>,
    #[serde(default)]
    pub(super) unknown: Unknown,
    pub(super) default: Option<Meaning>,
}

/// The treatment of a row with a value that the mapping does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unknown {
    #[default]
    Note,
    Ignore,
    Reject,
    Default,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) column: String,
    #[serde(default)]
    pub(super) level: BTreeMap<String, u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Agent {
    pub(super) column: Option<String>,
    #[serde(default)]
    pub(super) system: Vec<String>,
    #[serde(default)]
    pub(super) bot: Vec<String>,
}

/// The source's words for something that has words of its own here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    #[serde(default)]
    pub(super) map: BTreeMap<String, String>,
    pub(super) unknown: Option<Unknown>,
    pub(super) default: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CategoryWords {
    pub(super) map: BTreeMap<String, String>,
    pub(super) unknown: Option<Unknown>,
    pub(super) default: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Requester {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) kinds: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Comment {
    pub(super) text: Option<String>,
    pub(super) author: Option<String>,
    pub(super) author_kind: Option<String>,
    #[serde(default)]
    pub(super) author_kinds: BTreeMap<String, String>,
    pub(super) visibility: Option<String>,
    #[serde(default)]
    pub(super) visibilities: BTreeMap<String, String>,
    pub(super) default_visibility: Option<String>,
    pub(super) complete: Option<bool>,
    pub(super) parts: Option<Vec<String>>,
    pub(super) separator: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolution {
    pub(super) code: Option<String>,
    pub(super) summary: Option<String>,
    #[serde(default)]
    pub(super) map: BTreeMap<String, String>,
    pub(super) unknown: Option<Unknown>,
    pub(super) default: Option<String>,
}

/// Columns that hold the time of something that happened once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Milestones {
    pub(super) created: Option<String>,
    pub(super) assigned: Option<String>,
    pub(super) first_reply: Option<String>,
    pub(super) resolved: Option<String>,
    pub(super) reopened: Option<String>,
    pub(super) closed: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dedupe {
    pub(super) by: Columns,
}

/// The treatment of names that the configuration of the desk does not list.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    /// Of those that have no key of their own here.
    pub(super) unknown: Option<Unlisted>,
    pub(super) groups: Option<Unlisted>,
    pub(super) agents: Option<Unlisted>,
    pub(super) tiers: Option<Unlisted>,
    pub(super) categories: Option<Unlisted>,
    pub(super) tags: Option<Unlisted>,
    pub(super) fields: Option<Unlisted>,
    pub(super) statuses: Option<Unlisted>,
}

/// The treatment of a row with a name that the configuration of the desk does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unlisted {
    /// As with a live command.
    Reject,
    /// The name is left out, and a note at the ticket says so.
    Note,
    /// The name is left out.
    Ignore,
    /// The name is taken over as it is.
    Keep,
}

/// Rows, or elements of a list, that say which field changed, from what and to what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    pub(super) field: String,
    pub(super) from: Option<String>,
    pub(super) to: String,
    pub(super) fields: BTreeMap<String, Changed>,
    #[serde(default)]
    pub(super) ignore: Vec<String>,
    #[serde(default)]
    pub(super) unknown: Unknown,
}

/// Which rows are read at all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    #[serde(default)]
    pub(super) keep: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) drop: BTreeMap<String, Vec<String>>,
}

/// Columns with the ids of other tickets of the source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Links {
    pub(super) follow_up_of: Option<String>,
    pub(super) merged_into: Option<String>,
    pub(super) related: Option<String>,
}

/// Another file of the same export, joined by a key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) member: String,
    pub(super) key: String,
    pub(super) on: Option<String>,
    pub(super) format: Option<Format>,
    pub(super) encoding: Option<String>,
    pub(super) delimiter: Option<String>,
    pub(super) records: Option<String>,
    pub(super) rows: Option<Columns>,
}

/// `["Site"]`, or `{ site = "custom_fields[id=360001].value" }`: the name of each field here, and its column.
#[derive(Debug, Default)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a list of columns, or a table such as { site = \"custom_fields[id=360001].value\" }",
                )
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(column) = seq.next_element::<String>()? {
                    fields.push((column.clone(), column));
                }
                Ok(Fields(fields))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// `"a"` or `["a", "b"]`.
#[derive(Debug, Clone)]
pub(super) enum Columns {
    One(String),
    Many(Vec<String>),
}

impl Columns {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(column) => vec![column],
            Self::Many(columns) => columns,
        }
    }
}

// By hand: what serde derives for an untagged enumeration does not say what was expected.
impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Columns;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column or a list of columns")
            }
            fn visit_str<E: Error>(self, column: &str) -> Result<Columns, E> {
                Ok(Columns::One(column.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Columns, A::Error> {
                let mut columns = Vec::new();
                while let Some(column) = seq.next_element()? {
                    columns.push(column);
                }
                Ok(Columns::Many(columns))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// `"status"` or `{ column = "assignee.id", from = "…", to = "…" }`.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) column: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedTable {
    column: String,
    from: Option<String>,
    to: Option<String>,
}

impl<'de> Deserialize<'de> for Changed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Changed;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column, or a table such as { column = \"assignee.id\", to = \"items[].to\" }")
            }
            fn visit_str<E: Error>(self, column: &str) -> Result<Changed, E> {
                Ok(Changed { column: column.to_owned(), from: None, to: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Changed, A::Error> {
                let table = ChangedTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Changed { column: table.column, from: table.from, to: table.to })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// `"pending"` or `{ state = "hold", hold_reason = "vendor" }`.
#[derive(Debug)]
pub(super) struct Meaning {
    pub(super) state: String,
    pub(super) hold_reason: Option<String>,
    /// Whether it may bring back a ticket that is done.
    pub(super) reopens: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MeaningTable {
    state: String,
    hold_reason: Option<String>,
    reopens: Option<bool>,
}

impl<'de> Deserialize<'de> for Meaning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Meaning;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a state, or a table such as { state = \"hold\", hold_reason = \"vendor\" }")
            }
            fn visit_str<E: Error>(self, state: &str) -> Result<Meaning, E> {
                Ok(Meaning { state: state.to_owned(), hold_reason: None, reopens: true })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Meaning, A::Error> {
                let table = MeaningTable::deserialize(MapAccessDeserializer::new(map))?;
                let reopens = table.reopens.unwrap_or(true);
                Ok(Meaning { state: table.state, hold_reason: table.hold_reason, reopens })
            }
        }
        deserializer.deserialize_any(Either)
    }
}
