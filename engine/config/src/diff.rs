//! What a file would change: the places that differ, before anything is published.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::configuration::Configuration;
use crate::kind::Kind;
use crate::toml_file::Draft;

/// One place that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Of what.
    pub kind: Kind,
    pub id: String,
    /// Where: `policies[vip].targets[0].seconds`. What has an id is found by it, everything else by its number.
    pub path: String,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Added(Value),
    Removed(Value),
    Changed { from: Value, to: Value },
}

/// One line: `sla_policies policies[vip].targets[0].seconds: 3600 -> 1800`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.kind.is_named() {
            write!(f, ".{}", self.id)?;
        }
        if !self.path.is_empty() {
            write!(f, " {}", self.path)?;
        }
        match &self.what {
            What::Added(value) => write!(f, ": + {value}"),
            What::Removed(value) => write!(f, ": - {value}"),
            What::Changed { from, to } => write!(f, ": {from} -> {to}"),
        }
    }
}

/// The changes that the drafts would make to the newest publication of each item. An item that no draft names stays as
/// it is.
#[must_use]
pub fn diff(configuration: &Configuration, drafts: &[Draft]) -> Vec<Change> {
    let mut changes = Vec::new();
    for draft in drafts {
        let newest = configuration.history(draft.kind, &draft.id).last().filter(|newest| !newest.retired);
        let read = |body: &str| serde_json::from_str::<Value>(body).unwrap_or_default();
        let to = read(&draft.body);
        let mut found = Vec::new();
        match newest {
            None => found.push((String::new(), What::Added(to))),
            Some(newest) => compare("", &read(&newest.body), &to, &mut found),
        }
        let (kind, id) = (draft.kind, &draft.id);
        changes.extend(found.into_iter().map(|(path, what)| Change { kind, id: id.clone(), path, what }));
    }
    changes
}

type Found = Vec<(String, What)>;

fn compare(path: &str, from: &Value, to: &Value, found: &mut Found) {
    match (from, to) {
        _ if from == to => {}
        (Value::Object(from), Value::Object(to)) => objects(path, from, to, found),
        (Value::Array(from), Value::Array(to)) => match (by_id(from), by_id(to)) {
            (Some(from), Some(to)) => named(path, &from, &to, found),
            _ if is_set(from) && is_set(to) => sets(path, from, to, found),
            _ => lists(path, from, to, found),
        },
        _ => found.push((path.to_owned(), What::Changed { from: from.clone(), to: to.clone() })),
    }
}

fn objects(path: &str, from: &Map<String, Value>, to: &Map<String, Value>, found: &mut Found) {
    let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    for name in names {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        pair(path, from.get(name), to.get(name), found);
    }
}

fn pair(path: String, from: Option<&Value>, to: Option<&Value>, found: &mut Found) {
    match (from, to) {
        (Some(from), Some(to)) => compare(&path, from, to, found),
        (Some(from), None) => found.push((path, What::Removed(from.clone()))),
        (None, Some(to)) => found.push((path, What::Added(to.clone()))),
        (None, None) => {}
    }
}

/// The elements with their ids, where each has one of its own.
fn by_id(list: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let named: Vec<_> =
        list.iter().map(|value| Some((value.get("id")?.as_str()?, value))).collect::<Option<_>>()?;
    let ids: BTreeSet<&str> = named.iter().map(|(id, _)| *id).collect();
    (ids.len() == named.len()).then_some(named)
}

fn named(path: &str, from: &[(&str, &Value)], to: &[(&str, &Value)], found: &mut Found) {
    let get =
        |list: &[(&str, &Value)], id: &str| list.iter().find(|(of, _)| *of == id).map(|(_, v)| (*v).clone());
    let added = to.iter().filter(|(id, _)| get(from, id).is_none());
    for (id, _) in from.iter().chain(added) {
        pair(format!("{path}[{id}]"), get(from, id).as_ref(), get(to, id).as_ref(), found);
    }
    // The first policy that matches counts: another order of the same policies is another promise.
    let order = |list: &[(&str, &Value)], other: &[(&str, &Value)]| -> Vec<Value> {
        list.iter().filter(|(id, _)| get(other, id).is_some()).map(|(id, _)| Value::from(*id)).collect()
    };
    let (before, after) = (order(from, to), order(to, from));
    if before != after {
        let what = What::Changed { from: Value::Array(before), to: Value::Array(after) };
        found.push((format!("{path} (order)"), what));
    }
}

/// Texts, each once: holidays, tags, paths.
fn is_set(list: &[Value]) -> bool {
    let texts: BTreeSet<&str> = list.iter().filter_map(Value::as_str).collect();
    texts.len() == list.len()
}

fn sets(path: &str, from: &[Value], to: &[Value], found: &mut Found) {
    let only = |list: &[Value], other: &[Value]| -> Vec<Value> {
        list.iter().filter(|value| !other.contains(value)).cloned().collect()
    };
    let (removed, added) = (only(from, to), only(to, from));
    found.extend(removed.into_iter().map(|value| (path.to_owned(), What::Removed(value))));
    found.extend(added.into_iter().map(|value| (path.to_owned(), What::Added(value))));
}

fn lists(path: &str, from: &[Value], to: &[Value], found: &mut Found) {
    for n in 0..from.len().max(to.len()) {
        pair(format!("{path}[{n}]"), from.get(n), to.get(n), found);
    }
}

#[cfg(test)]
mod tests {
    use guichet_schemas::time::Timestamp;
    use guichet_schemas::words::Apply;

    use super::diff;
    use crate::configuration::{Configuration, Publication};
    use crate::toml_file::{Draft, read_toml};

    fn published(drafts: &[Draft]) -> Configuration {
        let mut configuration = Configuration::new("default");
        for draft in drafts {
            configuration.publish(Publication {
                kind: draft.kind,
                id: draft.id.clone(),
                version: 1,
                effective_from: Timestamp(0),
                apply: Apply::default(),
                retired: false,
                body: draft.body.clone(),
            });
        }
        configuration
    }

    fn shown(before: &str, after: &str) -> Vec<String> {
        let before = published(&read_toml(before).unwrap());
        diff(&before, &read_toml(after).unwrap()).iter().map(ToString::to_string).collect()
    }

    const BEFORE: &str = r#"
        [calendar.paris]
        tz = "Europe/Paris"
        weekly.mon = [["09:00", "18:00"]]
        holidays = ["2026-01-01", "2026-05-01"]

        [[sla_policies.policies]]
        id = "vip"
        match.priority = "urgent"
        targets = [{ metric = "first_reply", seconds = 3600, hours = "calendar" }]
        [[sla_policies.policies]]
        id = "all"
        targets = [{ metric = "first_reply", seconds = 7200, hours = "calendar" }]
    "#;

    #[test]
    fn the_same_file_changes_nothing() {
        assert_eq!(shown(BEFORE, BEFORE), Vec::<String>::new());
    }

    #[test]
    fn each_place_that_differs_is_one_line() {
        let after = BEFORE.replace("3600", "1800").replace("\"2026-05-01\"", "\"2026-05-08\"");
        assert_eq!(
            shown(BEFORE, &after),
            [
                "calendar.paris holidays: - \"2026-05-01\"",
                "calendar.paris holidays: + \"2026-05-08\"",
                "sla_policies policies[vip].targets[0].seconds: 3600 -> 1800",
            ]
        );
    }

    #[test]
    fn another_order_of_policies_is_a_change() {
        let swapped =
            BEFORE.replace("\"vip\"", "\"x\"").replace("\"all\"", "\"vip\"").replace("\"x\"", "\"all\"");
        let lines = shown(BEFORE, &swapped);
        assert!(
            lines
                .iter()
                .any(|line| line.contains("policies (order): [\"vip\",\"all\"] -> [\"all\",\"vip\"]"))
        );
    }

    #[test]
    fn what_is_new_is_shown_whole() {
        let lines = shown("", "[lifecycle]\npending_guard = \"warn\"");
        assert_eq!(lines, ["lifecycle: + {\"pending_guard\":\"warn\"}"]);
    }
}
