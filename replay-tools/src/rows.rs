//! Rows of figures as a table: what the answer holds, in the order in which the contract lists it.

use guichet_schemas::json;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::show;
use guichet_client::ClientError;
use guichet_client::output::Output;

/// Fields that a person reads elsewhere: the period says when it is, the answer of which position.
const LEFT_OUT: &[&str] =
    &["from", "to", "as_of_position", "window_until", "no_denominator", "from_days", "to_days"];
/// Longest list that a cell shows.
const LIST_MAX: usize = 3;

/// A row in the order of its fields, which a map would lose.
struct Row(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Row;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Row(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// With which period a table begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// The one that was asked for.
    AsAsked,
    /// The first in which there was anything to count.
    WithFigures,
}

/// Prints rows; `nothing` is said where there is none.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn table<R: serde::Serialize>(
    output: &Output,
    rows: &[R],
    nothing: &str,
) -> Result<(), ClientError> {
    print(output, &read(rows), nothing)
}

/// Prints the rows of a report; how many empty periods at its beginning are left out is said.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn periods<R: serde::Serialize>(
    output: &Output,
    rows: &[R],
    nothing: &str,
    first: First,
) -> Result<(), ClientError> {
    let rows = read(rows);
    let left_out = if first == First::WithFigures { empty_before(&rows) } else { 0 };
    print(output, rows.get(left_out..).unwrap_or_default(), nothing)?;
    if left_out > 0 {
        let rows = show::count(left_out as u64, "earlier row", "earlier rows");
        output.note(&format!(
            "{rows} without any figure left out; --set from=DATE begins there, --json has all"
        ));
    }
    Ok(())
}

fn read<R: serde::Serialize>(rows: &[R]) -> Vec<Row> {
    // What we wrote can be read; a row that could not would be shown as an empty line.
    let read = |row| serde_json::from_slice(&json::to_vec(row)).unwrap_or(Row(Vec::new()));
    rows.iter().map(read).collect()
}

/// Rows of periods before the first that holds a figure; the last row always stays.
fn empty_before(rows: &[Row]) -> usize {
    let is_empty = |Row(fields): &Row| {
        let mut figures = fields.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
        fields.iter().any(|(name, _)| name == "period") && figures.all(|(_, value)| is_nothing(value))
    };
    rows.iter().take_while(|row| is_empty(row)).count().min(rows.len().saturating_sub(1))
}

/// Neither a figure nor something that holds one.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Array(values) => values.iter().all(is_nothing),
        Value::Object(members) => members.values().all(is_nothing),
    }
}

fn print(output: &Output, rows: &[Row], nothing: &str) -> Result<(), ClientError> {
    let mut names: Vec<&str> = Vec::new();
    for Row(fields) in rows {
        for (name, _) in fields {
            if !names.contains(&name.as_str()) && !LEFT_OUT.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    if names.is_empty() {
        output.note(nothing);
        return Ok(());
    }
    let heads: Vec<String> = names.iter().map(|name| name.replace('_', " ").to_uppercase()).collect();
    let cells = |Row(fields): &Row| {
        let of = |name: &&str| {
            fields.iter().find(|(known, _)| known == name).map_or_else(String::new, |(_, v)| cell(v))
        };
        names.iter().map(of).collect()
    };
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    output.table(&heads, rows.iter().map(cells).collect())?;
    Ok(())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "" }.to_owned(),
        Value::Number(number) => {
            number.as_f64().filter(|_| number.is_f64()).map_or_else(|| number.to_string(), decimals)
        }
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let more = if list.len() > LIST_MAX { ", …" } else { "" };
            list.iter().take(LIST_MAX).map(cell).collect::<Vec<_>>().join(", ") + more
        }
        Value::Object(fields) => object(fields),
    }
}

/// A share with its counts; durations by their median; else every field.
fn object(fields: &serde_json::Map<String, Value>) -> String {
    let of = |name: &str| fields.get(name).map_or_else(String::new, cell);
    if fields.contains_key("numerator") {
        return format!("{} ({}/{})", of("value"), of("numerator"), of("denominator"));
    }
    if fields.contains_key("p50") {
        return match fields.get("p50").and_then(Value::as_f64) {
            Some(seconds) => format!("{} (n {})", show::span((seconds * 1000.0) as u64), of("n")),
            None => "-".to_owned(),
        };
    }
    if let Some(text) = fields.get("plain") {
        return cell(text);
    }
    if fields.contains_key("resolver") {
        return format!("{} {}/{}", of("resolver"), of("reopens_charged"), of("resolved"));
    }
    if fields.contains_key("inputs") {
        return of("points");
    }
    if fields.contains_key("number") {
        return format!("{} {}", of("number"), of("at"));
    }
    fields.iter().map(|(name, value)| format!("{name} {}", cell(value))).collect::<Vec<_>>().join(", ")
}

/// As many decimals as a report needs, and no zeros behind.
fn decimals(value: f64) -> String {
    format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_read_as_a_person_writes_them() {
        assert_eq!(
            cell(&json!({"numerator": 2, "denominator": 7, "value": 0.285_714, "no_denominator": false})),
            "0.286 (2/7)"
        );
        assert_eq!(
            cell(&json!({"numerator": 2, "denominator": 0, "value": null, "no_denominator": true})),
            "- (2/0)"
        );
        assert_eq!(cell(&json!({"n": 6, "sum": 5, "p50": 273_900.0})), "3 d 4 h (n 6)");
        assert_eq!(cell(&json!({"n": 0, "sum": 0, "p50": null})), "-");
        assert_eq!(cell(&json!(1.0)), "1");
        assert_eq!(cell(&json!(["a", "b", "c", "d"])), "a, b, c, …");
    }

    #[test]
    fn a_row_keeps_the_order_of_its_fields() {
        let row: Row = serde_json::from_str(r#"{"period": "2026-W11", "created": 9, "agent": "a"}"#).unwrap();
        assert_eq!(
            row.0.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["period", "created", "agent"]
        );
    }
}
