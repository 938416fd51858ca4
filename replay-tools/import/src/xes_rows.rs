//! Rows of an XES log (IEEE 1849): each event is a row, each trace a ticket. An event's columns are the
//! keys of its attributes; those of its trace are called `trace:` and their key, and those within others
//! the keys of all of them with points in between. What a list holds is a list.
//!
//! Entities are those of XML itself; a document that declares others and uses them is refused, none is ever
//! expanded.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use std::borrow::Cow;

use guichet_schemas::hash::Hash;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::balance::{Note, Reason};
use super::bounds::{
    DEPTH_MAX, ELEMENT_BYTES_MAX, Metered, NUMBER_MAX, ROW_BYTES_MAX, TooLong, VALUES_BYTES_MAX, shown,
};
use super::csv_rows::doubled;
use super::error::ImportError;
use super::mapping::{Column, Dedupe, Mapping, Slot};
use super::row::{Found, Row, RowSource};

const TRACE_PREFIX: &str = "trace:";
/// Bytes of the keys of attributes within each other; longer ones are no column.
const PATH_BYTES_MAX: usize = 1024;
/// Stands for a key that is no part of a column.
const NO_KEY: &str = "\u{1}";
/// Bytes of what the parser says of a damaged file.
const PROBLEM_SHOWN: usize = 500;

pub(super) struct XesRows {
    reader: quick_xml::Reader<Metered<Box<dyn BufRead + Send>>>,
    buffer: Vec<u8>,
    line: u64,
    columns: Vec<Column>,
    missing: Vec<String>,
    /// The trace's own attributes, by slot; they come before its events.
    trace: Vec<Vec<String>>,
    trace_bytes: usize,
    /// The fault that makes every event of the trace unusable.
    trace_problem: Option<String>,
    place: Place,
    /// Keys of the attributes that are open, outermost first; a list's own frame has none.
    within: Vec<Option<String>>,
    /// Events that stand in no trace.
    outside: u64,
    /// Elements that are open.
    open: u32,
    /// Of the present event, as it stands in the file.
    event_bytes: usize,
    /// The fault that makes the present event unusable.
    problem: Option<String>,
    whole: Option<String>,
    /// The event before, where doubles are not left out anyway and a comment would be told twice.
    before: Option<String>,
    path: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Log,
    Trace,
    Event,
}

impl XesRows {
    pub(super) fn new(text: Box<dyn BufRead + Send>, mapping: &Mapping, path: &Path) -> Self {
        let tells_twice = mapping.dedupe.is_none() && mapping.comment.text.is_some();
        Self {
            reader: quick_xml::Reader::from_reader(Metered::new(text, ELEMENT_BYTES_MAX)),
            buffer: Vec::new(),
            line: 1,
            columns: mapping.columns.clone(),
            missing: mapping.source.missing.clone(),
            trace: vec![Vec::new(); mapping.columns.len()],
            trace_bytes: 0,
            trace_problem: None,
            place: Place::Log,
            within: Vec::new(),
            outside: 0,
            open: 0,
            event_bytes: 0,
            problem: None,
            whole: (matches!(mapping.dedupe, Some(Dedupe::Row)) || tells_twice).then(String::new),
            before: tells_twice.then(String::new),
            path: path.to_owned(),
        }
    }

    fn begin_trace(&mut self) {
        self.place = Place::Trace;
        self.trace.iter_mut().for_each(Vec::clear);
        self.trace_bytes = 0;
        self.trace_problem = None;
        self.before.iter_mut().for_each(String::clear);
    }

    fn begin_event(&mut self, row: &mut Row) {
        self.place = Place::Event;
        self.event_bytes = 0;
        self.problem = self.trace_problem.clone();
        row.clear(self.line, self.columns.len());
        for (slot, values) in self.trace.iter().enumerate() {
            values.iter().for_each(|value| row.add(slot, value, &self.missing));
        }
        if let Some(whole) = &mut self.whole {
            whole.clear();
        }
    }

    fn end_event(&mut self, row: &mut Row) -> Found {
        self.place = Place::Trace;
        if let Some(problem) = self.problem.take() {
            return Found::Unusable(problem.into());
        }
        match (&mut self.whole, &mut self.before) {
            (Some(whole), Some(before)) => {
                if whole == before {
                    row.notes.push(doubled());
                }
                before.clone_from(whole);
            }
            (Some(whole), None) => row.identity = Some(Hash::of_record(whole.as_bytes())),
            (None, _) => {}
        }
        Found::Row
    }

    /// Counts what stands within an event; one that is too long is passed over without being held.
    fn weigh(&mut self, bytes: usize) {
        if self.place == Place::Event {
            self.event_bytes = self.event_bytes.saturating_add(bytes);
            if self.event_bytes > ROW_BYTES_MAX && self.problem.is_none() {
                self.problem = Some(format!("it has more than {ROW_BYTES_MAX} bytes"));
            }
        }
    }

    /// Takes over `<string key="…" value="…"/>` and its like. Answers the key, for what stands within.
    fn attribute(&mut self, element: &BytesStart<'_>, row: &mut Row) -> Result<Option<String>, String> {
        let (mut key, mut value) = (None, None);
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(|e| e.to_string())?;
            let wanted = match attribute.key.as_ref() {
                "key" => &mut key,
                "value" => &mut value,
                _ => continue,
            };
            *wanted = Some(attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| e.to_string())?);
        }
        let Some(key) = key else { return Ok(None) };
        if let Some(value) = value {
            let path = self.path_to(&key);
            match self.place {
                Place::Log => {}
                Place::Trace => {
                    if let Some(slot) = self.slot(|name| name.strip_prefix(TRACE_PREFIX) == Some(&*path)) {
                        self.of_trace(slot, element, &value);
                    }
                }
                Place::Event if self.problem.is_some() => {}
                Place::Event => {
                    if let Some(whole) = &mut self.whole {
                        // No attribute value holds these two: they are not characters of XML.
                        whole.extend([&*path, "\u{1}", &*value, "\u{2}"]);
                    }
                    if let Some(slot) = self.slot(|name| name == path) {
                        self.of_event(slot, element, &value, row);
                    }
                }
            }
        }
        let short = key.len() <= PATH_BYTES_MAX;
        Ok(Some(if short { key.into_owned() } else { NO_KEY.to_owned() }))
    }

    /// The name of a column: the key, behind those of the attributes that it stands in.
    fn path_to<'k>(&self, key: &'k str) -> Cow<'k, str> {
        let above = || self.within.iter().flatten();
        let bytes = above().fold(0, |sum: usize, key| sum.saturating_add(key.len()).saturating_add(1));
        match bytes {
            0 => Cow::Borrowed(key),
            bytes if bytes > PATH_BYTES_MAX => Cow::Borrowed(NO_KEY),
            _ => Cow::Owned(above().fold(String::new(), |path, key| path + key + ".") + key),
        }
    }

    fn of_event(&mut self, slot: Slot, element: &BytesStart<'_>, value: &str, row: &mut Row) {
        let column = &self.columns[slot];
        if let Some(problem) = inexact(element, &column.name, value) {
            self.problem = Some(problem);
        } else if column.takes_list {
            row.add(slot, value, &self.missing);
        } else if row.mentions(slot) {
            self.problem = Some(format!("{:?} is there twice", column.name));
        } else {
            row.set(slot, value, &self.missing);
        }
    }

    fn of_trace(&mut self, slot: Slot, element: &BytesStart<'_>, value: &str) {
        let Column { name, takes_list, .. } = &self.columns[slot];
        self.trace_bytes = self.trace_bytes.saturating_add(value.len());
        if self.trace_bytes > VALUES_BYTES_MAX {
            self.trace_problem = Some(format!(
                "the mapped attributes of its trace have more than {VALUES_BYTES_MAX} bytes together, {name:?} alone {}",
                value.len()
            ));
            return;
        }
        if let Some(problem) = inexact(element, name, value) {
            self.trace_problem = Some(problem);
        }
        if self.trace[slot].is_empty() || *takes_list {
            self.trace[slot].push(value.to_owned());
        } else {
            self.trace_problem = Some(format!("{name:?} is there twice"));
        }
    }

    fn slot(&self, is: impl Fn(&str) -> bool) -> Option<Slot> {
        self.columns.iter().position(|c| is(&c.name))
    }

    fn step(&mut self, event: &Event<'_>, row: &mut Row) -> Result<Option<Found>, String> {
        self.weigh(event.len());
        self.nest(event)?;
        match event {
            Event::Start(e) => match (self.place, e.local_name().as_ref()) {
                (Place::Log, "trace") => self.begin_trace(),
                (Place::Trace, "event") if self.within.is_empty() => self.begin_event(row),
                (Place::Log, "event") => self.outside = self.outside.saturating_add(1),
                (Place::Log, _) => {}
                (Place::Trace | Place::Event, _) => {
                    let key = self.attribute(e, row)?;
                    self.within.push(key);
                }
            },
            Event::Empty(e) => match (self.place, e.local_name().as_ref()) {
                (Place::Trace, "event") if self.within.is_empty() => {
                    self.begin_event(row);
                    return Ok(Some(self.end_event(row)));
                }
                (Place::Trace | Place::Event, _) => {
                    self.attribute(e, row)?;
                }
                (Place::Log, "event") => self.outside = self.outside.saturating_add(1),
                (Place::Log, _) => {}
            },
            Event::End(_) => match self.place {
                Place::Log => {}
                Place::Trace | Place::Event if !self.within.is_empty() => {
                    self.within.pop();
                }
                Place::Trace => self.place = Place::Log,
                Place::Event => return Ok(Some(self.end_event(row))),
            },
            Event::Eof if self.open > 0 && self.place == Place::Log => {
                return Err("it ends inside an element".to_owned());
            }
            Event::Eof if self.place == Place::Log => return Ok(Some(Found::End)),
            Event::Eof => return Err("it ends inside a trace".to_owned()),
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
        Ok(None)
    }
}

/// A number of XES that is not exact everywhere; texts may hold any digits.
fn inexact(element: &BytesStart<'_>, key: &str, value: &str) -> Option<String> {
    let beyond = match element.local_name().as_ref() {
        "int" => {
            let digits = value.trim().trim_start_matches(['+', '-']);
            let all = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            all && digits.parse::<u64>().map_or(true, |n| n > NUMBER_MAX)
        }
        "float" => value.trim().parse::<f64>().is_ok_and(|n| n.abs() > NUMBER_MAX as f64),
        _ => false,
    };
    beyond.then(|| {
        format!(
            "{key:?} is {value:?}; numbers beyond 2^53 are not exact, the export must have it as a string"
        )
    })
}

impl RowSource for XesRows {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let found = loop {
            buffer.clear();
            self.reader.get_mut().refill();
            let event = match self.reader.read_event_into(&mut buffer) {
                Ok(event) => event,
                Err(quick_xml::Error::Io(e)) => {
                    let too_long = e.get_ref().and_then(|e| e.downcast_ref::<TooLong>());
                    break Err(too_long.map_or_else(|| self.read_error(&e), |e| self.damaged(e.to_string())));
                }
                Err(e) => break Err(self.damaged(e.to_string())),
            };
            match self.step(&event, row) {
                Ok(Some(found)) => break Ok(found),
                Ok(None) => {}
                Err(problem) => break Err(self.damaged(problem)),
            }
            let lines = event.bytes().filter(|b| *b == b'\n').count() as u64;
            self.line = self.line.saturating_add(lines);
        };
        self.buffer = buffer;
        found
    }

    fn notes(&mut self) -> Vec<Note> {
        match std::mem::take(&mut self.outside) {
            0 => Vec::new(),
            n => vec![Note::new(
                Reason::LeftOut,
                format!("{n} events stand in no trace, near line {}", self.line),
            )],
        }
    }
}

impl XesRows {
    /// The parser remembers the name of every element that is open.
    fn nest(&mut self, event: &Event<'_>) -> Result<(), String> {
        self.open = match event {
            Event::Start(_) => self.open.saturating_add(1),
            Event::End(_) => self.open.saturating_sub(1),
            Event::Empty(_)
            | Event::Eof
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => self.open,
        };
        if self.open > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} elements within each other"));
        }
        Ok(())
    }

    fn damaged(&self, problem: String) -> ImportError {
        let problem = shown(&problem, PROBLEM_SHOWN);
        ImportError::Format { path: self.path.clone(), line: self.line, problem }
    }

    fn read_error(&self, error: &std::io::Error) -> ImportError {
        ImportError::Read {
            path: self.path.clone(),
            source: std::io::Error::new(error.kind(), error.to_string()),
        }
    }
}
