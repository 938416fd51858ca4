//! XES (IEEE 1849): a trace per ticket. The events of a ticket stand far apart in the log, so they are gathered on disk
//! first; memory holds the tickets of one portion at a time.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};

use guichet_schemas::codec::Head;
use guichet_schemas::event::{Change, Event, FieldValue, Meaning as _, TicketEvent};
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::time::Timestamp;
use quick_xml::escape::escape;

use super::activity;
use crate::HistoryError;
use crate::filter::ticket_of;
use crate::rows::Decoded;
use crate::write::Events;

/// Tickets of one portion.
const PORTION: usize = 4096;
/// Bytes that wait before they go to the file of their portion.
const BUFFER: usize = 16 << 10;

const BEGIN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
  <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
  <global scope="trace">
    <string key="concept:name" value=""/>
  </global>
  <global scope="event">
    <string key="concept:name" value=""/>
    <date key="time:timestamp" value="1970-01-01T00:00:00.000Z"/>
    <string key="org:resource" value=""/>
    <string key="lifecycle:transition" value="complete"/>
  </global>
  <classifier name="Activity" keys="concept:name"/>
"#;

/// Writes one document.
pub struct XesFile<W: Write> {
    to: W,
    /// Place of each ticket, in the order in which they came.
    places: HashMap<TicketId, usize>,
    /// Number and group of each ticket, by place.
    tickets: Vec<(TicketId, Option<TicketNumber>, Option<String>)>,
    portions: Vec<Portion>,
    /// Only where this field of a ticket was set is an event, named by its value.
    activity: Option<String>,
}

/// Events of some tickets, each behind the place of its ticket and its length.
#[derive(Default)]
struct Portion {
    waiting: Vec<u8>,
    spilled: Option<File>,
}

impl<W: Write> XesFile<W> {
    /// Begins a document.
    #[must_use]
    pub fn new(to: W) -> Self {
        Self { to, places: HashMap::new(), tickets: Vec::new(), portions: Vec::new(), activity: None }
    }

    /// Writes one event each time that a field of a ticket was set, named by its value, at the time of the source.
    #[must_use]
    pub fn with_activity(self, field: Option<String>) -> Self {
        Self { activity: field, ..self }
    }

    fn trace(&mut self, place: usize, events: &[Vec<u8>]) -> Result<(), HistoryError> {
        let Some((id, number, _)) = self.tickets.get(place) else { return Ok(()) };
        let name = number.map_or_else(|| id.to_string(), |number| number.to_string());
        writeln!(self.to, "  <trace>\n    <string key=\"concept:name\" value=\"{}\"/>", escape(&name))?;
        writeln!(self.to, "    <string key=\"guichet:ticket_id\" value=\"{id}\"/>")?;
        for event in events {
            self.to.write_all(event)?;
        }
        Ok(self.to.write_all(b"  </trace>\n")?)
    }
}

impl<W: Write> Events for XesFile<W> {
    fn event(&mut self, head: &Head<'_>, decoded: &Decoded) -> Result<(), HistoryError> {
        let Some(id) = ticket_of(head) else { return Ok(()) };
        let next = self.tickets.len();
        let place = *self.places.entry(id).or_insert(next);
        if place == next {
            self.tickets.push((id, None, None));
        }
        let Some(ticket) = self.tickets.get_mut(place) else { return Ok(()) };
        if let Some(created) = decoded.event.as_ref().and_then(Event::created) {
            ticket.1 = Some(TicketNumber(created.number));
            ticket.2.clone_from(&created.group);
        }
        if let Some(Event::Ticket(event)) = &decoded.event {
            note_group(event, &mut ticket.2);
        }
        let group = ticket.2.as_deref();
        let xml = match &self.activity {
            None => event_xml(head, decoded, (activity(head, decoded).as_ref(), head.occurred_at), group),
            Some(field) => match set_to(decoded, field) {
                Some(name) => {
                    event_xml(head, decoded, (name, head.source_time.unwrap_or(head.occurred_at)), group)
                }
                None => return Ok(()),
            },
        };
        let portion = place / PORTION;
        if self.portions.len() <= portion {
            self.portions.resize_with(portion + 1, Portion::default);
        }
        Ok(self.portions[portion].push(place, xml.as_bytes())?)
    }

    fn end(mut self: Box<Self>) -> Result<(), HistoryError> {
        self.to.write_all(BEGIN.as_bytes())?;
        for portion in std::mem::take(&mut self.portions) {
            for (place, events) in portion.gathered()? {
                self.trace(place, &events)?;
            }
        }
        self.to.write_all(b"</log>\n")?;
        Ok(self.to.flush()?)
    }
}

impl Portion {
    fn push(&mut self, place: usize, xml: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(&(place as u64).to_be_bytes());
        self.waiting.extend_from_slice(&(xml.len() as u64).to_be_bytes());
        self.waiting.extend_from_slice(xml);
        if self.waiting.len() < BUFFER {
            return Ok(());
        }
        if self.spilled.is_none() {
            self.spilled = Some(tempfile::tempfile()?);
        }
        if let Some(file) = &mut self.spilled {
            file.write_all(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }

    /// Its events by ticket, in the order in which they came.
    fn gathered(self) -> io::Result<BTreeMap<usize, Vec<Vec<u8>>>> {
        let mut bytes = Vec::new();
        if let Some(mut file) = self.spilled {
            file.seek(SeekFrom::Start(0))?;
            BufReader::new(file).read_to_end(&mut bytes)?;
        }
        bytes.extend_from_slice(&self.waiting);
        let (mut tickets, mut rest) = (BTreeMap::<usize, Vec<Vec<u8>>>::new(), bytes.as_slice());
        while let Some((place, after)) = number(rest) {
            let Some((xml, after)) = number(after).and_then(|(length, after)| after.split_at_checked(length))
            else {
                return Err(io::Error::other("a temporary file was cut short"));
            };
            tickets.entry(place).or_default().push(xml.to_vec());
            rest = after;
        }
        Ok(tickets)
    }
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((usize::try_from(u64::from_be_bytes(*number)).ok()?, rest))
}

/// The group that has the ticket from the event on.
fn note_group(event: &TicketEvent, group: &mut Option<String>) {
    event.changes(|change| {
        if let Change::Group(to) = change {
            *group = to.map(str::to_owned);
        }
    });
}

/// The text that an event sets a field to.
fn set_to<'a>(decoded: &'a Decoded, field: &str) -> Option<&'a str> {
    let Some(Event::Ticket(event)) = &decoded.event else { return None };
    let mut found = None;
    event.changes(|change| {
        if let Change::Field { name, to: Some(FieldValue::Text(text)), .. } = change
            && name == field
        {
            found = Some(text.as_str());
        }
    });
    found
}

fn event_xml(head: &Head<'_>, decoded: &Decoded, (name, at): (&str, i64), group: Option<&str>) -> String {
    let mut xml = String::with_capacity(512);
    let mut string = |key: &str, value: &str| {
        xml.push_str("      <string key=\"");
        xml.push_str(key);
        xml.push_str("\" value=\"");
        xml.push_str(&escape(value));
        xml.push_str("\"/>\n");
    };
    string("concept:name", name);
    string("lifecycle:transition", "complete");
    string("org:resource", &decoded.actor.id);
    if let Some(group) = group {
        string("org:group", group);
    }
    if let Some(state) = decoded.state() {
        string("guichet:state", state);
    }
    format!(
        "    <event>\n{xml}      <date key=\"time:timestamp\" value=\"{}\"/>\n      <int key=\"guichet:position\" value=\"{}\"/>\n    </event>\n",
        Timestamp(at),
        head.position
    )
}
