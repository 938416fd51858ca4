//! A configuration file: TOML with the field names of the bodies.
//!
//! `[calendar.<name>]` and `[tenant.<token>]` are named, everything else is one table: `[sla_policies]`, `[lifecycle]`.
//! Beside the fields of the body stand `effective_from`, `apply` and `retroactive`, and in a calendar `holidays_of` and
//! `holidays_ical`, which are replaced by the dates that they mean.

use std::sync::Arc;

use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Apply;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::body::Body;
use crate::canonical::canonical;
use crate::fault::Fault;
use crate::holidays::{TABLES, holidays_ical, of_table};
use crate::kind::{Kind, THE_ONE};

/// Something to publish, as a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Of what.
    pub kind: Kind,
    pub id: String,
    /// From when on; `None`: from its publication on.
    pub effective_from: Option<Timestamp>,
    /// For which clocks.
    pub apply: Apply,
    /// `effective_from` may be past.
    pub retroactive: bool,
    /// Canonical JSON.
    pub body: Arc<str>,
}

/// Reads a file that names no other files.
///
/// # Errors
/// It is no TOML, names a kind that there is not, or a body has another shape. What a body says is checked by
/// [`Configuration::check`](crate::Configuration::check), in the order of the drafts: each comes after those that it may
/// refer to.
///
/// ```
/// let file = r#"
///     [lifecycle]
///     pending_guard = "warn"
///
///     [calendar.paris]
///     tz = "Europe/Paris"
///     weekly.mon = [["09:00", "12:30"], ["14:00", "18:00"]]
///     holidays_of = { table = "fr", years = [2026, 2027] }
/// "#;
/// let drafts = guichet_config::read_toml(file).unwrap();
/// assert_eq!((drafts[0].kind.as_str(), drafts[0].id.as_str()), ("calendar", "paris"));
/// assert!(drafts[0].body.contains("\"2026-04-06\""));
/// assert_eq!(drafts[1].kind.as_str(), "lifecycle");
/// ```
pub fn read_toml(text: &str) -> Result<Vec<Draft>, Fault> {
    read_toml_with(text, |_| Err("no file is read here".to_owned()))
}

/// Reads a file; `reader` gives the text of another one, by the path that `holidays_ical` names.
///
/// # Errors
/// As [`read_toml`]; and what `reader` says.
pub fn read_toml_with(
    text: &str,
    mut reader: impl FnMut(&str) -> Result<String, String>,
) -> Result<Vec<Draft>, Fault> {
    let file: toml::Table = text.parse().map_err(|fault| syntax(text, &fault))?;
    let mut drafts = Vec::new();
    for (name, value) in file {
        let Some(kind) = Kind::parse(&name) else {
            let kinds = Kind::names();
            return Err(Fault::at(name, format!("there is no such kind; kinds are {kinds}")));
        };
        let toml::Value::Table(table) = value else {
            return Err(Fault::at(name, format!("is a table: [{kind}]")));
        };
        if !kind.is_named() {
            let read = draft(kind, THE_ONE, table, &mut reader).map_err(|fault| fault.below(&name))?;
            drafts.push(read);
            continue;
        }
        for (id, value) in table {
            let path = format!("{name}.{id}");
            let toml::Value::Table(table) = value else {
                return Err(Fault::at(
                    path,
                    format!("each {kind} is a table with its name: [{kind}.<name>]"),
                ));
            };
            drafts.push(draft(kind, &id, table, &mut reader).map_err(|fault| fault.below(&path))?);
        }
    }
    drafts.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
    Ok(drafts)
}

/// The words beside a body.
#[derive(Debug, Default, Deserialize)]
struct Beside {
    effective_from: Option<String>,
    #[serde(default)]
    apply: Apply,
    #[serde(default)]
    retroactive: bool,
}

fn draft(
    kind: Kind,
    id: &str,
    table: toml::Table,
    reader: &mut impl FnMut(&str) -> Result<String, String>,
) -> Result<Draft, Fault> {
    let Value::Object(mut body) = json(toml::Value::Table(table)) else {
        return Err(Fault::at("", "is a table"));
    };
    let names = ["effective_from", "apply", "retroactive"];
    let beside = names.into_iter().filter_map(|name| Some((name.to_owned(), body.remove(name)?)));
    let beside = Value::Object(beside.collect());
    let beside: Beside = serde_path_to_error::deserialize(&beside)
        .map_err(|fault| Fault::at(fault.path().to_string(), fault.into_inner().to_string()))?;
    let effective_from = beside.effective_from.as_deref().map(instant).transpose()?;
    if kind == Kind::Calendar {
        expand_holidays(&mut body, reader)?;
    }
    let body = Value::Object(body);
    Body::read(kind, &body)?;
    Ok(Draft {
        kind,
        id: id.to_owned(),
        effective_from,
        apply: beside.apply,
        retroactive: beside.retroactive,
        body: canonical(&body)?.into(),
    })
}

fn instant(written: &str) -> Result<Timestamp, Fault> {
    let rule = || format!("{written:?} is no instant of the years 1970 to 2199: 2026-06-12T00:00:00+02:00");
    let read = Timestamp::parse(written).and_then(|at| Timestamp::given(at.0));
    read.ok_or_else(|| Fault::at("effective_from", rule()))
}

/// Which table of [`TABLES`], and for which years.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HolidaysOf {
    table: String,
    years: Vec<i32>,
}

/// Writes the dates in the place of where they come from. Without one of the two words nothing is touched.
fn expand_holidays(
    body: &mut Map<String, Value>,
    reader: &mut impl FnMut(&str) -> Result<String, String>,
) -> Result<(), Fault> {
    let mut days: Vec<String> = Vec::new();
    let (of, ical) = (body.remove("holidays_of"), body.remove("holidays_ical"));
    if of.is_none() && ical.is_none() {
        return Ok(());
    }
    if let Some(of) = of {
        let of: HolidaysOf = serde_path_to_error::deserialize(&of).map_err(|fault| {
            Fault::at(fault.path().to_string(), fault.into_inner().to_string()).below("holidays_of")
        })?;
        if of.years.is_empty() {
            return Err(Fault::at("holidays_of.years", "names at least one year"));
        }
        for (n, year) in of.years.iter().enumerate() {
            if !(1970..=2200).contains(year) {
                return Err(Fault::at(format!("holidays_of.years[{n}]"), "is 1970 to 2200"));
            }
            let Some(found) = of_table(&of.table, *year) else {
                let rule = format!("{:?} is not one of {}", of.table, TABLES.join(", "));
                return Err(Fault::at("holidays_of.table", rule));
            };
            days.extend(found.iter().map(ToString::to_string));
        }
    }
    if let Some(path) = ical {
        let Value::String(path) = path else {
            return Err(Fault::at("holidays_ical", "is the path of a calendar file"));
        };
        let text = reader(&path).map_err(|why| Fault::at("holidays_ical", format!("{path}: {why}")))?;
        days.extend(holidays_ical(&text)?.iter().map(ToString::to_string));
    }
    let listed = body.entry("holidays").or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(listed) = listed else {
        return Err(Fault::at("holidays", "is a list of dates"));
    };
    let mut all: Vec<Value> = std::mem::take(listed);
    all.extend(days.into_iter().map(Value::from));
    // In order and each once: the same holidays make the same body, wherever they come from.
    all.sort_by_key(ToString::to_string);
    all.dedup();
    *listed = all;
    Ok(())
}

/// As JSON. A date or an instant of TOML is the text of it.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(at) => at.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(name, value)| (name, json(value))).collect())
        }
    }
}

fn syntax(text: &str, fault: &toml::de::Error) -> Fault {
    let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or("");
    let line = before.matches('\n').count().saturating_add(1);
    Fault::at(format!("line {line}"), fault.message().replace('\n', ", "))
}

#[cfg(test)]
mod tests;
