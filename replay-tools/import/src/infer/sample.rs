//! The beginning of an export as rows of named values, without a mapping: what its columns are called, how often they
//! are filled, and with what.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, Read as _};
use std::path::Path;
use std::sync::Arc;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

use super::super::bounds::DEPTH_MAX;
use super::super::csv_records::{Next, Records, text_of};
use super::super::csv_split::Dialect;
use super::super::encoding::Decoded;
use super::super::error::ImportError;
use super::super::input::Texts;
use super::super::mapping::Mapping;
use super::super::pieces::Pieces;

/// Rows that are looked at.
pub(super) const ROWS_MAX: usize = 20_000;
/// Bytes of text that are looked at; a JSON document is looked at whole, so it must not be longer.
const TEXT_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Columns that are looked at.
const COLUMNS_MAX: usize = 512;
/// Delimiters of CSV; a mapping need not name the first.
const DELIMITERS: &[u8] = b",;\t|";

/// How the export is written, in the words of `source.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Csv,
    Jsonl,
    Json,
    Xes,
    Ocel,
}

impl Shape {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Xes => "xes",
            Self::Ocel => "ocel",
        }
    }
}

#[derive(Debug)]
pub(super) struct Sample {
    pub(super) shape: Shape,
    /// Of CSV, where it is not the usual one.
    pub(super) delimiter: Option<char>,
    /// Of JSON documents: the path to the records; none: the elements of a list, or the document itself.
    pub(super) records: Option<String>,
    /// Lists of records that were not chosen, and the types of objects of OCEL, with how often they occur.
    pub(super) others: Vec<(String, usize)>,
    /// Of OCEL: the type of object that is taken for a ticket.
    pub(super) object_type: Option<String>,
    pub(super) columns: Vec<String>,
    /// The values of each row; those of a list are all there.
    pub(super) rows: Vec<Vec<Vec<String>>>,
    /// There is more in the file than was looked at.
    pub(super) is_cut: bool,
    /// Columns beyond those that are looked at.
    pub(super) columns_left_out: usize,
    places: HashMap<String, usize>,
    /// Of all values.
    bytes: usize,
}

/// Looks at the beginning of an export.
///
/// # Errors
/// It cannot be read, or is nothing of which rows could be told.
pub(super) fn of(pieces: &Arc<Pieces>) -> Result<Sample, ImportError> {
    let path = &pieces.label();
    let read = |source| ImportError::Read { path: path.to_owned(), source };
    let probe = "[source]\nformat = \"csv\"\n[ticket]\nid = \"id\"\n[row]\nat = \"at\"\n";
    let mut texts = Texts::open(pieces, &Mapping::parse(probe)?, &Arc::default())?;
    let Some(mut text) = texts.next()?.map(|text| text.text) else {
        return Err(nothing(path, "it holds no text"));
    };
    let begins = loop {
        let head = text.fill_buf().map_err(read)?;
        if head.is_empty() {
            return Err(nothing(path, "it is empty"));
        }
        let blank = head.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        match head.get(blank) {
            Some(byte) => break *byte,
            None => text.consume(blank),
        }
    };
    let sample = match begins {
        b'{' | b'[' => of_json(path, text)?,
        b'<' => of_xes(path, text)?,
        _ => of_csv(text).map_err(read)?,
    };
    if sample.rows.is_empty() {
        return Err(nothing(path, "it has no row to look at"));
    }
    Ok(sample)
}

pub(super) fn nothing(path: &Path, problem: &str) -> ImportError {
    ImportError::NotInferred { path: path.to_owned(), problem: problem.to_owned() }
}

impl Sample {
    fn new(shape: Shape) -> Self {
        Self {
            shape,
            delimiter: None,
            records: None,
            others: Vec::new(),
            object_type: None,
            columns: Vec::new(),
            rows: Vec::new(),
            is_cut: false,
            columns_left_out: 0,
            places: HashMap::new(),
            bytes: 0,
        }
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= ROWS_MAX || self.bytes as u64 >= TEXT_BYTES_MAX
    }

    fn begin_row(&mut self) {
        self.rows.push(Vec::new());
    }

    /// The present row has a column, with a value or without.
    fn add(&mut self, column: &str, value: Option<&str>) {
        let place = match self.places.get(column) {
            Some(place) => *place,
            None if self.columns.len() >= COLUMNS_MAX => {
                self.columns_left_out = self.columns_left_out.saturating_add(1);
                return;
            }
            None => {
                self.columns.push(column.to_owned());
                let place = self.columns.len().saturating_sub(1);
                self.places.insert(column.to_owned(), place);
                place
            }
        };
        let Some(row) = self.rows.last_mut() else { return };
        if row.len() <= place {
            row.resize(place.saturating_add(1), Vec::new());
        }
        if let (Some(values), Some(value)) =
            (row.get_mut(place), value.map(str::trim).filter(|v| !v.is_empty()))
        {
            self.bytes = self.bytes.saturating_add(value.len());
            values.push(value.to_owned());
        }
    }

    /// The first value of a column in each row.
    pub(super) fn values(&self, column: usize) -> impl Iterator<Item = Option<&str>> {
        self.rows.iter().map(move |row| row.get(column).and_then(|values| values.first()).map(String::as_str))
    }

    /// Every value of a column, those of lists one by one.
    pub(super) fn each_value(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).flatten().map(String::as_str)
    }

    pub(super) fn place(&self, column: &str) -> Option<usize> {
        self.places.get(column).copied()
    }
}

fn of_csv(text: Decoded) -> std::io::Result<Sample> {
    let mut sample = Sample::new(Shape::Csv);
    let mut records = Records::new(Box::new(text), Dialect { delimiter: DELIMITERS[0], escape: None });
    if let Some(stated) = records.separator_line()? {
        records.set_delimiter(stated);
    } else {
        let mut best = (0, DELIMITERS[0]);
        for delimiter in DELIMITERS {
            let width = records.header(*delimiter)?.len();
            if width > best.0 {
                best = (width, *delimiter);
            }
        }
        if best.1 != DELIMITERS[0] {
            sample.delimiter = Some(char::from(best.1));
        }
        records.set_delimiter(best.1);
    }
    let header: Vec<String> = match records.next()? {
        Next::Record => (0..records.width()).map(|n| text_of(records.field(n))).collect(),
        Next::TooLong(_) | Next::OpenQuote(_) | Next::End => Vec::new(),
    };
    while let Next::Record = records.next()? {
        if sample.is_full() {
            sample.is_cut = true;
            break;
        }
        sample.begin_row();
        for (n, name) in header.iter().enumerate() {
            sample.add(name, Some(&text_of(records.field(n))));
        }
    }
    Ok(sample)
}

fn of_json(path: &Path, text: Decoded) -> Result<Sample, ImportError> {
    let mut whole = Vec::new();
    text.take(TEXT_BYTES_MAX)
        .read_to_end(&mut whole)
        .map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let is_cut = whole.len() as u64 >= TEXT_BYTES_MAX;
    // The cut may part a letter, and a damaged one is for --check to name.
    let whole = String::from_utf8_lossy(&whole);
    if let Some(sample) = of_lines(&whole, is_cut) {
        return Ok(sample);
    }
    if is_cut {
        return Err(nothing(
            path,
            "it is one long JSON document; look at a part of it with some whole records",
        ));
    }
    let documents: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&whole).into_iter().collect();
    let documents = documents.map_err(|e| nothing(path, &format!("it is no JSON that can be read: {e}")))?;
    let is_ocel = |value: &Value| value.get("events").is_some() && value.get("objectTypes").is_some();
    match documents.first() {
        Some(log) if is_ocel(log) => Ok(of_ocel(log)),
        Some(_) => Ok(of_documents(&documents)),
        None => Err(nothing(path, "it holds no JSON value")),
    }
}

/// An object per line, at least two of them.
fn of_lines(text: &str, is_cut: bool) -> Option<Sample> {
    let mut sample = Sample::new(Shape::Jsonl);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.clone().nth(1)?;
    for line in lines {
        let Ok(Value::Object(record)) = serde_json::from_str(line) else {
            // The last line may be cut off by us; a line that is no object makes it another shape at the beginning only.
            if sample.rows.len() < 2 {
                return None;
            }
            continue;
        };
        if sample.is_full() {
            sample.is_cut = true;
            break;
        }
        sample.begin_row();
        flatten(&mut sample, "", &Value::Object(record), 0);
    }
    sample.is_cut |= is_cut;
    (!sample.rows.is_empty()).then_some(sample)
}

fn of_documents(documents: &[Value]) -> Sample {
    let mut sample = Sample::new(Shape::Json);
    let is_records = |value: &&Value| value.as_array().is_some_and(|list| list.iter().any(Value::is_object));
    let mut lists: Vec<(String, usize)> = Vec::new();
    if let Some(Value::Object(first)) = documents.first() {
        let found = first.iter().filter(|(_, value)| is_records(value));
        lists =
            found.map(|(key, value)| (format!("{key}[]"), value.as_array().map_or(0, Vec::len))).collect();
        // The longest first, in the order of the document where they are as long.
        lists.sort_by_key(|(_, records)| std::cmp::Reverse(*records));
    }
    let key = lists.first().map(|(path, _)| path.trim_end_matches("[]").to_owned());
    sample.records = lists.first().map(|(path, _)| path.clone());
    sample.others = lists.into_iter().skip(1).collect();
    for document in documents {
        let records = match (&key, document) {
            (Some(key), document) => document.get(key).and_then(Value::as_array),
            (None, Value::Array(list)) => Some(list),
            (None, _) => None,
        };
        let alone = std::slice::from_ref(document);
        for record in records.map_or(alone, Vec::as_slice).iter().filter(|record| record.is_object()) {
            if sample.is_full() {
                sample.is_cut = true;
                return sample;
            }
            sample.begin_row();
            flatten(&mut sample, "", record, 0);
        }
    }
    sample
}

/// Each value of a record under its path, as a mapping names it.
fn flatten(sample: &mut Sample, path: &str, value: &Value, depth: u32) {
    if depth > DEPTH_MAX {
        return;
    }
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(sample, &path, member, depth.saturating_add(1));
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            for element in list {
                flatten(sample, &format!("{path}[]"), element, depth.saturating_add(1));
            }
        }
        // A list of plain values is named by its key alone.
        Value::Array(list) => {
            sample.add(path, None);
            for element in list {
                flatten(sample, path, element, depth.saturating_add(1));
            }
        }
        Value::Null => sample.add(path, None),
        Value::Bool(flag) => sample.add(path, Some(&flag.to_string())),
        Value::Number(number) => sample.add(path, Some(&number.to_string())),
        Value::String(text) => sample.add(path, Some(text)),
    }
}

fn of_ocel(log: &Value) -> Sample {
    let mut sample = Sample::new(Shape::Ocel);
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let objects: HashMap<String, Value> =
        list(log, "objects").into_iter().map(|object| (text(&object, "id"), object)).collect();
    let mut related: BTreeMap<String, usize> = BTreeMap::new();
    let events = list(log, "events");
    for relation in events.iter().flat_map(|event| list(event, "relationships")) {
        if let Some(object) = objects.get(&text(&relation, "objectId")) {
            let count = related.entry(text(object, "type")).or_default();
            *count = count.saturating_add(1);
        }
    }
    let mut types: Vec<(String, usize)> = related.into_iter().collect();
    types.sort_by_key(|(name, count)| (!is_ticket_word(name), std::cmp::Reverse(*count)));
    let Some((ticket, _)) = types.first().cloned() else { return sample };
    sample.others = types.into_iter().skip(1).collect();
    for event in &events {
        let of_event: Vec<&Value> = list(event, "relationships")
            .iter()
            .filter_map(|relation| objects.get(&text(relation, "objectId")))
            .collect();
        for object in of_event.iter().filter(|object| text(object, "type") == ticket) {
            if sample.is_full() {
                sample.is_cut = true;
                break;
            }
            sample.begin_row();
            for (column, value) in [
                ("event.type", text(event, "type")),
                ("event.time", text(event, "time")),
                ("object.id", text(object, "id")),
            ] {
                sample.add(column, Some(&value));
            }
            for (of, value) in [("event", event), ("object", *object)] {
                for attribute in list(value, "attributes") {
                    let column = format!("{of}.{}", text(&attribute, "name"));
                    flatten(&mut sample, &column, attribute.get("value").unwrap_or(&Value::Null), 0);
                }
            }
            for other in of_event.iter().filter(|other| text(other, "type") != ticket) {
                sample.add(&format!("related.{}", text(other, "type")), Some(&text(other, "id")));
            }
        }
    }
    sample.object_type = Some(ticket);
    sample
}

fn is_ticket_word(name: &str) -> bool {
    let name = name.to_lowercase();
    ["ticket", "incident", "case", "issue", "request"].iter().any(|word| name.contains(word))
}

fn of_xes(path: &Path, text: Decoded) -> Result<Sample, ImportError> {
    let mut sample = Sample::new(Shape::Xes);
    let mut reader = quick_xml::Reader::from_reader(text);
    let mut buffer = Vec::new();
    let mut trace: Vec<(String, String)> = Vec::new();
    // The elements that are open below the log: trace, event, attributes within each other.
    let mut open: Vec<String> = Vec::new();
    loop {
        buffer.clear();
        let event = reader
            .read_event_into(&mut buffer)
            .map_err(|e| nothing(path, &format!("it is no XML that can be read: {e}")))?;
        let (start, is_empty) = match event {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                open.pop();
                continue;
            }
            Event::Eof => break,
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => continue,
        };
        let name = start.local_name().as_ref().to_owned();
        match (name.as_str(), open.last().map(String::as_str)) {
            ("trace", _) => trace.clear(),
            ("event", _) => {
                if sample.is_full() {
                    sample.is_cut = true;
                    break;
                }
                sample.begin_row();
                for (key, value) in &trace {
                    sample.add(key, Some(value));
                }
            }
            (_, Some("trace")) => {
                trace.extend(attribute(&start).map(|(key, value)| (format!("trace:{key}"), value)));
            }
            (_, Some("event")) => {
                if let Some((key, value)) = attribute(&start) {
                    sample.add(&key, Some(&value));
                }
            }
            _ => {}
        }
        if !is_empty {
            open.push(name);
        }
    }
    Ok(sample)
}

fn attribute(start: &BytesStart<'_>) -> Option<(String, String)> {
    let of = |name: &str| {
        let attribute = start.try_get_attribute(name).ok()??;
        attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
    };
    Some((of("key")?, of("value")?))
}
