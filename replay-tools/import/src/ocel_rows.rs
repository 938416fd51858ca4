//! Rows of an OCEL 2.0 log in JSON: an event is a row of every object of the mapping's type that it is related
//! to. Objects are read first and held, within a bound; events are a stream.
//!
//! Columns: `event.id`, `event.type`, `event.time`, `object.id`, `object.qualifier`, `event.` and `object.`
//! with the name of an attribute (of an object, its value at the time of the event), and `related.` with a
//! type of object: the ids of those that the event is related to.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use guichet_schemas::hash::Hash;
use guichet_schemas::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::balance::{Note, Reason};
use super::bounds::{OBJECTS_BYTES_MAX, ROW_BYTES_MAX};
use super::dates::Dates;
use super::error::ImportError;
use super::json_paths::Step;
use super::json_record::plain;
use super::json_records::{Document, Next, Stop};
use super::mapping::{Column, Dedupe, Mapping};
use super::row::{Found, Row, RowSource};

/// Tickets of one event.
const TICKETS_MAX: usize = 256;
/// Bytes of an object beside its texts.
const OBJECT_BYTES: usize = 96;

pub(super) struct OcelRows {
    events: Document,
    objects: Objects,
    columns: Vec<Column>,
    wanted: Vec<Wanted>,
    ticket_type: String,
    dates: Dates,
    missing: Vec<String>,
    whole: bool,
    /// Rows of the present event that were given.
    given: usize,
    /// The present event is read, and has more rows.
    pending: bool,
    without_ticket: u64,
    path: PathBuf,
}

/// The part of a document that a column of the mapping asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    EventId,
    EventType,
    EventTime,
    EventAttribute(String),
    ObjectId,
    Qualifier,
    ObjectAttribute(String),
    Related(String),
}

/// `Err` holds what a column may be called.
fn wanted(name: &str) -> Result<Wanted, &'static str> {
    let wrong = "does not have, as an OCEL log has event.NAME, object.NAME and related.TYPE";
    Ok(match name.split_once('.').ok_or(wrong)? {
        ("event", "id") => Wanted::EventId,
        ("event", "type") => Wanted::EventType,
        ("event", "time") => Wanted::EventTime,
        ("event", attribute) => Wanted::EventAttribute(attribute.to_owned()),
        ("object", "id") => Wanted::ObjectId,
        ("object", "qualifier") => Wanted::Qualifier,
        ("object", attribute) => Wanted::ObjectAttribute(attribute.to_owned()),
        ("related", kind) => Wanted::Related(kind.to_owned()),
        _ => return Err(wrong),
    })
}

/// The objects that rows speak of.
#[derive(Debug, Default)]
struct Objects {
    by_id: HashMap<String, Object>,
    bytes: usize,
}

#[derive(Debug)]
struct Object {
    kind: String,
    /// Attribute, since when, value.
    values: Vec<(String, Timestamp, String)>,
}

#[derive(Deserialize)]
struct ObjectRecord<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Deserialize)]
struct EventRecord<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow, default)]
    attributes: Vec<Attribute<'a>>,
    #[serde(borrow, default)]
    relationships: Vec<Relationship<'a>>,
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Option<Cow<'a, str>>,
    #[serde(borrow)]
    value: &'a RawValue,
}

#[derive(Deserialize)]
struct Relationship<'a> {
    #[serde(borrow, rename = "objectId")]
    object: Cow<'a, str>,
    #[serde(borrow, default)]
    qualifier: Option<Cow<'a, str>>,
}

fn each_of(list: &str) -> Vec<Step> {
    vec![Step::Key(list.to_owned()), Step::Each]
}

impl OcelRows {
    /// Reads the objects from the first text, and rows from the second, which is the same.
    pub(super) fn new(
        objects: Box<dyn BufRead + Send>,
        events: Box<dyn BufRead + Send>,
        mapping: &Mapping,
        path: &Path,
    ) -> Result<Self, ImportError> {
        let names = mapping.columns.iter().map(|column| {
            wanted(&column.name).map_err(|problem| ImportError::Column {
                path: path.to_owned(),
                key: column.key.clone(),
                column: column.name.clone(),
                problem,
                columns: "event.id, event.type, event.time, object.id, object.qualifier, …".to_owned(),
            })
        });
        let mut rows = Self {
            events: Document::new(events, Some(each_of("events"))),
            objects: Objects::default(),
            columns: mapping.columns.clone(),
            wanted: names.collect::<Result<_, _>>()?,
            ticket_type: mapping.source.object_type.clone().unwrap_or_default(),
            dates: mapping.source.dates.clone(),
            missing: mapping.source.missing.clone(),
            whole: matches!(mapping.dedupe, Some(Dedupe::Row)),
            given: 0,
            pending: false,
            without_ticket: 0,
            path: path.to_owned(),
        };
        rows.read_objects(Document::new(objects, Some(each_of("objects"))))?;
        Ok(rows)
    }

    fn read_objects(&mut self, mut document: Document) -> Result<(), ImportError> {
        loop {
            match document.next().map_err(|stop| self.stopped(stop))? {
                Next::End => return Ok(()),
                Next::TooLong => {
                    let problem = format!("an object has more than {ROW_BYTES_MAX} bytes");
                    return Err(self.damaged(document.line, problem));
                }
                Next::Record => {}
            }
            let object: ObjectRecord<'_> = serde_json::from_slice(&document.record)
                .map_err(|e| self.damaged(document.line, format!("an object is none of OCEL: {e}")))?;
            let ours = object.r#type == self.ticket_type;
            if ours || self.wanted.contains(&Wanted::Related(object.r#type.clone().into_owned())) {
                self.keep(&object, ours).map_err(|problem| self.damaged(document.line, problem))?;
            }
        }
    }

    fn keep(&mut self, object: &ObjectRecord<'_>, ours: bool) -> Result<(), String> {
        let mut values = Vec::new();
        let mut bytes = sum([OBJECT_BYTES, object.id.len(), object.r#type.len()]);
        for attribute in &object.attributes {
            let name = attribute.name.as_ref();
            if !ours || !self.wanted.contains(&Wanted::ObjectAttribute(name.to_owned())) {
                continue;
            }
            let since = match attribute.time.as_deref() {
                None => Timestamp(i64::MIN),
                Some(time) => {
                    self.dates.parse(time).map_err(|e| format!("the time of {name:?} is {time:?}, {e}"))?
                }
            };
            if let Some(value) = plain(name, attribute.value.get())? {
                bytes = sum([bytes, OBJECT_BYTES, name.len(), value.len()]);
                values.push((name.to_owned(), since, value.into_owned()));
            }
        }
        self.objects.bytes = sum([self.objects.bytes, bytes]);
        if self.objects.bytes > OBJECTS_BYTES_MAX {
            return Err(format!("its objects have more than {OBJECTS_BYTES_MAX} bytes; split the log"));
        }
        let kept = Object { kind: object.r#type.clone().into_owned(), values };
        match self.objects.by_id.insert(object.id.clone().into_owned(), kept) {
            None => Ok(()),
            Some(_) => Err(format!("the object {:?} is there twice", object.id)),
        }
    }

    fn stopped(&self, stop: Stop) -> ImportError {
        match stop {
            Stop::Io(source) => ImportError::Read { path: self.path.clone(), source },
            Stop::Damaged(line, problem) => self.damaged(line, problem),
        }
    }

    fn damaged(&self, line: u64, problem: String) -> ImportError {
        ImportError::Format { path: self.path.clone(), line, problem }
    }

    /// Fills the row with the next one of the present event; false where it has no more.
    fn fill(&mut self, row: &mut Row) -> Result<bool, String> {
        let event: EventRecord<'_> = serde_json::from_slice(&self.events.record)
            .map_err(|e| format!("it is no event of OCEL: {e}"))?;
        // The same ticket under two qualifiers is one ticket.
        let mut tickets: Vec<&Relationship<'_>> = Vec::new();
        for related in &event.relationships {
            let known = self.objects.by_id.get(related.object.as_ref());
            if known.is_some_and(|object| object.kind == self.ticket_type)
                && tickets.iter().all(|ticket| ticket.object != related.object)
            {
                if tickets.len() >= TICKETS_MAX {
                    return Err(format!("it is related to more than {TICKETS_MAX} tickets"));
                }
                tickets.push(related);
            }
        }
        let Some(ticket) = tickets.get(self.given).copied() else {
            self.without_ticket = self.without_ticket.saturating_add(u64::from(self.given == 0));
            return Ok(false);
        };
        self.given = self.given.saturating_add(1);
        self.fill_from(&event, ticket, row)?;
        if self.whole {
            let given = (self.given as u64).to_be_bytes();
            row.identity = Some(Hash::of_record(&[self.events.record.as_slice(), &given].concat()));
        }
        Ok(true)
    }

    fn fill_from(
        &self,
        event: &EventRecord<'_>,
        ticket: &Relationship<'_>,
        row: &mut Row,
    ) -> Result<(), String> {
        let at = self.dates.parse(&event.time).ok();
        for (slot, wanted) in self.wanted.iter().enumerate() {
            match wanted {
                Wanted::EventId => row.set(slot, &event.id, &self.missing),
                Wanted::EventType => row.set(slot, &event.r#type, &self.missing),
                Wanted::EventTime => row.set(slot, &event.time, &self.missing),
                Wanted::ObjectId => row.set(slot, &ticket.object, &self.missing),
                Wanted::Qualifier => {
                    row.set(slot, ticket.qualifier.as_deref().unwrap_or_default(), &self.missing);
                }
                Wanted::EventAttribute(name) => {
                    for attribute in event.attributes.iter().filter(|a| a.name == *name) {
                        if row.mentions(slot) {
                            return Err(format!("{:?} is there twice", self.columns[slot].name));
                        }
                        let value = plain(name, attribute.value.get())?;
                        row.set(slot, value.as_deref().unwrap_or_default(), &self.missing);
                    }
                }
                Wanted::ObjectAttribute(name) => {
                    let values = self.objects.by_id.get(ticket.object.as_ref()).map(|o| o.values.as_slice());
                    let so_far = values
                        .unwrap_or_default()
                        .iter()
                        .filter(|(n, since, _)| n == name && at.is_some_and(|at| *since <= at));
                    if let Some((_, _, value)) = so_far.max_by_key(|(_, since, _)| *since) {
                        row.set(slot, value, &self.missing);
                    }
                }
                Wanted::Related(kind) => {
                    for related in &event.relationships {
                        let is =
                            self.objects.by_id.get(related.object.as_ref()).is_some_and(|o| o.kind == *kind);
                        if is && (self.columns[slot].takes_list || !row.mentions(slot)) {
                            row.add(slot, &related.object, &self.missing);
                        } else if is && row.get(slot) != Some(related.object.as_ref()) {
                            return Err(format!("it has several {:?}", self.columns[slot].name));
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn sum<const N: usize>(bytes: [usize; N]) -> usize {
    bytes.into_iter().fold(0, usize::saturating_add)
}

impl RowSource for OcelRows {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError> {
        loop {
            if !self.pending {
                let next = self.events.next().map_err(|stop| self.stopped(stop))?;
                self.given = 0;
                row.clear(self.events.line, self.columns.len());
                match next {
                    Next::End => return Ok(Found::End),
                    Next::TooLong => {
                        let problem = format!("it has more than {ROW_BYTES_MAX} bytes");
                        return Ok(Found::Unusable(Note::new(Reason::TooLarge, problem)));
                    }
                    Next::Record => self.pending = true,
                }
            }
            row.clear(self.events.line, self.columns.len());
            match self.fill(row) {
                Ok(true) => return Ok(Found::Row),
                Ok(false) => self.pending = false,
                Err(problem) => {
                    self.pending = false;
                    row.clear(self.events.line, self.columns.len());
                    return Ok(Found::Unusable(problem.into()));
                }
            }
        }
    }

    fn notes(&mut self) -> Vec<Note> {
        match std::mem::take(&mut self.without_ticket) {
            0 => Vec::new(),
            n => {
                let kind = &self.ticket_type;
                let line = self.events.line;
                let text =
                    format!("{n} events, near line {line}, are related to no object of the type {kind:?}");
                vec![Note::new(Reason::LeftOut, text)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const LOG: &str = r#"{"objectTypes": [], "eventTypes": [],
"events": [
{"id": "e1", "type": "open", "time": "2026-03-02T09:00:00Z", "attributes": [{"name": "cost", "value": 1.50}],
 "relationships": [{"objectId": "T1", "qualifier": "ticket"}, {"objectId": "a1", "qualifier": "by"}]},
{"id": "e2", "type": "merge", "time": "2026-03-02T11:00:00Z",
 "relationships": [{"objectId": "T1"}, {"objectId": "T2"}, {"objectId": "T1", "qualifier": "again"}]},
{"id": "e3", "type": "lunch", "time": "2026-03-02T12:00:00Z", "relationships": [{"objectId": "a1", "qualifier": "who"}]}
],
"objects": [
{"id": "T1", "type": "ticket", "attributes": [{"name": "priority", "time": "1970-01-01T00:00:00Z", "value": "low"}, {"name": "priority", "time": "2026-03-02T10:00:00Z", "value": "high"}]},
{"id": "T2", "type": "ticket", "attributes": []},
{"id": "a1", "type": "agent"}
]}"#;

    fn mapping() -> Mapping {
        Mapping::parse("[source]\nformat = \"ocel\"\nobject_type = \"ticket\"\n[ticket]\nid = \"object.id\"\npriority = \"object.priority\"\nfields = [\"event.cost\"]\n[row]\nat = \"event.time\"\nby = \"related.agent\"\n").unwrap()
    }

    #[test]
    fn an_event_is_a_row_of_each_ticket_with_what_holds_at_its_time() {
        let mapping = mapping();
        let text = || Box::new(Cursor::new(LOG.as_bytes().to_vec()));
        let mut rows = OcelRows::new(text(), text(), &mapping, Path::new("log")).unwrap();
        let (mut row, mut told) = (Row::default(), Vec::new());
        while rows.next(&mut row).unwrap() == Found::Row {
            let values = (0..row.slots()).map(|slot| row.get(slot).unwrap_or("-"));
            told.push(format!("{} {}", row.line, values.collect::<Vec<_>>().join(" ")));
        }
        // In the order of the columns: id, priority, cost, time, agent.
        assert_eq!(
            told,
            [
                "3 T1 low 1.50 2026-03-02T09:00:00Z a1",
                "5 T1 high - 2026-03-02T11:00:00Z -",
                "5 T2 - - 2026-03-02T11:00:00Z -"
            ]
        );
        let notes = rows.notes();
        assert!(notes.len() == 1 && notes[0].text.starts_with("1 events"), "{notes:?}");
    }

    #[test]
    fn a_log_that_is_none_of_ocel_is_refused() {
        let mapping = mapping();
        for (log, why) in [
            (LOG.replace("\"id\": \"T2\"", "\"id\": \"T1\""), "twice"),
            (LOG.replace("\"objects\"", "\"things\""), "source.records"),
            (LOG.replace("\"1970-01-01T00:00:00Z\"", "\"never\""), "never"),
        ] {
            let text = || Box::new(Cursor::new(log.clone().into_bytes()));
            let error = OcelRows::new(text(), text(), &mapping, Path::new("log")).err().unwrap().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
