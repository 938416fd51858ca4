//! Rows of an XES log (IEEE 1849): each event is a row, each trace a ticket. An event's columns are the
//! keys of its attributes; those of its trace are called `trace:` and their key.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use guichet_schemas::hash::Hash;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::error::ImportError;
use super::mapping::{Column, Dedupe, Mapping, Slot};
use super::row::{Found, Row, RowSource};

const TRACE_PREFIX: &str = "trace:";

pub(super) struct XesRows {
    reader: quick_xml::Reader<Box<dyn BufRead + Send>>,
    buffer: Vec<u8>,
    line: u64,
    columns: Vec<Column>,
    missing: Vec<String>,
    /// The trace's own attributes, by slot; they come before its events.
    trace: Vec<Option<String>>,
    place: Place,
    /// Attributes within attributes are not ours.
    depth: u32,
    whole: Option<String>,
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
        Self {
            reader: quick_xml::Reader::from_reader(text),
            buffer: Vec::new(),
            line: 1,
            columns: mapping.columns.clone(),
            missing: mapping.source.missing.clone(),
            trace: vec![None; mapping.columns.len()],
            place: Place::Log,
            depth: 0,
            whole: matches!(mapping.dedupe, Some(Dedupe::Row)).then(String::new),
            path: path.to_owned(),
        }
    }

    fn begin_event(&mut self, row: &mut Row) {
        self.place = Place::Event;
        row.clear(self.line, self.columns.len());
        for (slot, value) in self.trace.iter().enumerate() {
            if let Some(value) = value {
                row.set(slot, value, &self.missing);
            }
        }
        if let Some(whole) = &mut self.whole {
            whole.clear();
        }
    }

    fn end_event(&mut self, row: &mut Row) -> Found {
        self.place = Place::Trace;
        row.identity = self.whole.as_ref().map(|w| Hash::of_record(w.as_bytes()));
        Found::Row
    }

    /// Takes over `<string key="…" value="…"/>` and its like.
    fn attribute(&mut self, element: &BytesStart<'_>, row: &mut Row) -> Result<(), String> {
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
        let (Some(key), Some(value)) = (key, value) else { return Ok(()) };
        match self.place {
            Place::Log => {}
            Place::Trace => {
                if let Some(slot) = self.slot(|name| name.strip_prefix(TRACE_PREFIX) == Some(&*key)) {
                    self.trace[slot] = Some(value.into_owned());
                }
            }
            Place::Event => {
                if let Some(whole) = &mut self.whole {
                    // No attribute value holds these two: they are not characters of XML.
                    whole.extend([&*key, "\u{1}", &*value, "\u{2}"]);
                }
                if let Some(slot) = self.slot(|name| name == key) {
                    row.set(slot, &value, &self.missing);
                }
            }
        }
        Ok(())
    }

    fn slot(&self, is: impl Fn(&str) -> bool) -> Option<Slot> {
        self.columns.iter().position(|c| is(&c.name))
    }

    fn step(&mut self, event: &Event<'_>, row: &mut Row) -> Result<Option<Found>, String> {
        match event {
            Event::Start(e) => match (self.place, e.local_name().as_ref()) {
                (Place::Log, "trace") => {
                    self.place = Place::Trace;
                    self.trace.fill(None);
                }
                (Place::Trace, "event") if self.depth == 0 => self.begin_event(row),
                (Place::Log, _) => {}
                (Place::Trace | Place::Event, _) => {
                    if self.depth == 0 {
                        self.attribute(e, row)?;
                    }
                    self.depth += 1;
                }
            },
            Event::Empty(e) => match (self.place, e.local_name().as_ref()) {
                (Place::Trace, "event") if self.depth == 0 => {
                    self.begin_event(row);
                    return Ok(Some(self.end_event(row)));
                }
                (Place::Trace | Place::Event, _) if self.depth == 0 => self.attribute(e, row)?,
                (Place::Log | Place::Trace | Place::Event, _) => {}
            },
            Event::End(_) => match self.place {
                Place::Log => {}
                Place::Trace | Place::Event if self.depth > 0 => self.depth -= 1,
                Place::Trace => self.place = Place::Log,
                Place::Event => return Ok(Some(self.end_event(row))),
            },
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

impl RowSource for XesRows {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let found = loop {
            buffer.clear();
            let event = match self.reader.read_event_into(&mut buffer) {
                Ok(event) => event,
                Err(quick_xml::Error::Io(e)) => break Err(self.read_error(&e)),
                Err(e) => break Err(self.damaged(e.to_string())),
            };
            match self.step(&event, row) {
                Ok(Some(found)) => break Ok(found),
                Ok(None) => {}
                Err(problem) => break Err(self.damaged(problem)),
            }
            self.line += event.bytes().filter(|b| *b == b'\n').count() as u64;
        };
        self.buffer = buffer;
        found
    }
}

impl XesRows {
    fn damaged(&self, problem: String) -> ImportError {
        ImportError::Format { path: self.path.clone(), line: self.line, problem }
    }

    fn read_error(&self, error: &std::io::Error) -> ImportError {
        ImportError::Read {
            path: self.path.clone(),
            source: std::io::Error::new(error.kind(), error.to_string()),
        }
    }
}
