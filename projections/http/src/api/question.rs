//! From a query string to the JSON of a question: numbers and flags where the schema has numbers and flags, texts
//! elsewhere. What does not fit stays a text and is refused where every question is checked.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::routes::{Place, Route};

/// 2^53 - 1: beyond it JSON readers disagree about whole numbers.
const EXACT_MAX: u64 = 9_007_199_254_740_991;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
}

/// The fields of a query that are not texts.
#[derive(Debug)]
pub(super) struct Fields {
    place: Place,
    kinds: BTreeMap<String, Kind>,
}

impl Fields {
    /// Reads them off the published schema.
    pub(super) fn of(route: &Route) -> Self {
        let schema: Value = serde_json::from_str(route.question).expect("the published schemas are JSON");
        let properties = schema["properties"].as_object().into_iter().flatten();
        let kinds = properties.map(|(name, property)| (name.clone(), kind(&property["type"]))).collect();
        Self { place: route.place, kinds }
    }

    /// The question. A field that is given twice stands in it twice, and is refused like in any other question.
    pub(super) fn question(&self, place: Option<&str>, pairs: &[(String, String)]) -> String {
        let named = place.map(|value| (self.named_by_the_path(value), value));
        let given = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let members = named
            .into_iter()
            .chain(given)
            .map(|(name, value)| format!("{}:{}", Value::from(name), self.value(name, value)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    fn named_by_the_path(&self, value: &str) -> &'static str {
        match self.place {
            Place::Ticket if value.len() == 36 => "ticket_id",
            Place::Ticket => "number",
            Place::ExternalRef => "external_id",
            Place::Article => "article",
            Place::Group | Place::Nothing => "group",
        }
    }

    fn value(&self, name: &str, text: &str) -> Value {
        match self.kinds.get(name).copied().unwrap_or(Kind::Text) {
            Kind::Number => {
                let exact = text.parse::<u64>().ok().filter(|n| *n <= EXACT_MAX);
                exact.map_or_else(|| text.into(), Value::from)
            }
            Kind::Flag => text.parse::<bool>().map_or_else(|_| text.into(), Value::from),
            Kind::Text => text.into(),
        }
    }
}

fn kind(of: &Value) -> Kind {
    let is = |name: &str| of == name || of.as_array().is_some_and(|names| names.iter().any(|n| n == name));
    if is("integer") {
        Kind::Number
    } else if is("boolean") {
        Kind::Flag
    } else {
        Kind::Text
    }
}

/// How long the read model may wait before it answers; it refuses what is more than it allows.
pub(super) fn waits(pairs: &[(String, String)]) -> Duration {
    const MAX_MS: u64 = 30_000;
    let asked = pairs.iter().find(|(name, _)| name == "wait_ms").and_then(|(_, v)| v.parse().ok());
    Duration::from_millis(asked.unwrap_or(0).min(MAX_MS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;

    fn question(path: &str, place: Option<&str>, pairs: &[(&str, &str)]) -> String {
        let route = ROUTES.iter().find(|r| r.path == path).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Fields::of(route).question(place, &pairs)
    }

    #[test]
    fn texts_become_what_the_schema_says() {
        assert_eq!(
            question(
                "/queue",
                None,
                &[("unassigned", "true"), ("limit", "5"), ("group", "7"), ("cursor", "a\"b")]
            ),
            r#"{"unassigned":true,"limit":5,"group":"7","cursor":"a\"b"}"#
        );
        assert_eq!(question("/events", None, &[("from", "007")]), r#"{"from":7}"#);
        assert_eq!(question("/reports/backlog", None, &[("from", "2026")]), r#"{"from":"2026"}"#);
    }

    #[test]
    fn what_does_not_fit_stays_for_the_read_model_to_refuse() {
        assert_eq!(
            question("/tickets", None, &[("limit", "-1"), ("limit", "1e3"), ("nonsense", "null")]),
            r#"{"limit":"-1","limit":"1e3","nonsense":"null"}"#
        );
        let beyond = question("/events", None, &[("to", "9007199254740992")]);
        assert_eq!(beyond, r#"{"to":"9007199254740992"}"#);
        assert_eq!(question("/queue", None, &[("unassigned", "")]), r#"{"unassigned":""}"#);
    }

    #[test]
    fn a_ticket_is_named_by_number_or_id() {
        assert_eq!(question("/tickets/{ticket}", Some("T-42"), &[]), r#"{"number":"T-42"}"#);
        let id = "01980000-0000-7000-8000-000000000001";
        assert_eq!(question("/tickets/{ticket}", Some(id), &[]), format!(r#"{{"ticket_id":"{id}"}}"#));
        assert_eq!(question("/queues/{group}", Some("a b"), &[]), r#"{"group":"a b"}"#);
        assert_eq!(
            question("/external-refs/{external_id}", Some("4711"), &[("external_source", "zendesk")]),
            r#"{"external_id":"4711","external_source":"zendesk"}"#
        );
    }
}
