//! What the comparison looks at of a ticket view.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A ticket as the query `tickets` answers it. Times in milliseconds UTC.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Ticket {
    pub(super) state: String,
    #[serde(default)]
    pub(super) custom_status: Option<String>,
    #[serde(default)]
    pub(super) hold_reason: Option<String>,
    #[serde(default)]
    pub(super) category: Option<String>,
    pub(super) priority: String,
    #[serde(default)]
    pub(super) group: Option<String>,
    #[serde(default)]
    pub(super) assignee: Option<String>,
    pub(super) tier: u32,
    pub(super) max_tier: u32,
    pub(super) fields: BTreeMap<String, Value>,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: i64,
    #[serde(default, deserialize_with = "optional_time")]
    pub(super) first_resolved_at: Option<i64>,
    #[serde(default, deserialize_with = "optional_time")]
    pub(super) last_resolved_at: Option<i64>,
    #[serde(default, deserialize_with = "optional_time")]
    pub(super) closed_at: Option<i64>,
    pub(super) resolve_count: u64,
    pub(super) reopen_count: u64,
    pub(super) close_count: u64,
    pub(super) group_changes: u64,
    pub(super) agent_changes: u64,
    pub(super) escalations: u64,
    pub(super) deescalations: u64,
    pub(super) imported: bool,
}

impl Ticket {
    /// The tickets by their name in the source.
    pub(super) fn all(views: &[Value]) -> BTreeMap<String, Self> {
        let mut tickets = BTreeMap::new();
        for view in views {
            let name = external_id(view).to_owned();
            let ticket: Self = serde_json::from_value(view.clone()).expect("a ticket view");
            assert!(ticket.imported, "{name}");
            assert!(tickets.insert(name.clone(), ticket).is_none(), "{name} is there twice");
        }
        tickets
    }
}

/// Name of a ticket in its source.
pub(crate) fn external_id(view: &Value) -> &str {
    view["external_ref"]["id"].as_str().expect("an imported ticket")
}

/// A view without what depends on when it was asked for.
pub(crate) fn timeless(view: &Value) -> Value {
    without(view, &["age_ms", "time_in_state_ms"])
}

/// The views by their name in the source, without what may differ between two imports of one file: when it was
/// asked for, where the engine put it, and which id and number it gave.
pub(crate) fn comparable(views: &[Value]) -> BTreeMap<String, Value> {
    let mut tickets = BTreeMap::new();
    for view in views {
        let own = without(&timeless(view), &["ticket_id", "number", "position"]);
        let name = external_id(view).to_owned();
        assert!(tickets.insert(name.clone(), own).is_none(), "{name} is there twice");
    }
    tickets
}

pub(super) fn without(view: &Value, fields: &[&str]) -> Value {
    let mut view = view.as_object().expect("a view").clone();
    for field in fields {
        assert!(view.remove(*field).is_some(), "a view has {field}");
    }
    Value::Object(view)
}

/// Milliseconds UTC of a time with an offset.
pub(super) fn millis(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap_or_else(|e| panic!("{text}: {e}")).timestamp_millis()
}

fn time<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
    String::deserialize(d).map(|text| millis(&text))
}

fn optional_time<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<String>::deserialize(d)?.map(|text| millis(&text)))
}
