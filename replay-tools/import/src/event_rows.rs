//! Rows of our own export: a line is an event in the JSON format of CloudEvents. Events that are no facts of a ticket are
//! passed over: what a desk recorded about itself, its configuration and its promises belongs to that desk.

use std::path::{Path, PathBuf};

use guichet_schemas::ids::TicketId;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::balance::{Note, Reason};
use super::bounds::ROW_BYTES_MAX;
use super::encoding::Decoded;
use super::error::ImportError;
use super::json_records::{Lines, Next};
use super::mapping::{Mapping, Slot};
use super::row::{Aside, Found, Row, RowSource};

/// Events of tickets that another desk records by itself, or not at all.
const OF_THE_DESK: [&str; 5] =
    ["TicketImported", "SlaWarned", "SlaBreached", "SlaBreachVoided", "TimeRuleFired"];

pub(super) struct EventRows {
    lines: Lines,
    slots: usize,
    ticket: Slot,
    at: Slot,
    event: Slot,
    passed_over: u64,
    path: PathBuf,
}

/// What of a line is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    pub(super) r#type: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    subject: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    pub(super) time: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    pub(super) actorkind: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    pub(super) actor: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) onbehalfof: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) data: &'a RawValue,
}

impl<'a> Envelope<'a> {
    pub(super) fn read(line: &'a str) -> Result<Self, Note> {
        serde_json::from_str(line)
            .map_err(|e| Note::from(format!("it is no event of an export of ours: {e}")))
    }

    /// The name of the event: `TicketResolved` of `guichet.TicketResolved.v1`.
    pub(super) fn name(&self) -> Option<&str> {
        let (name, version) = self.r#type.strip_prefix("guichet.")?.rsplit_once(".v")?;
        version.parse::<u32>().is_ok().then_some(name)
    }
}

impl EventRows {
    pub(super) fn new(text: Decoded, mapping: &Mapping, event: Slot, path: &Path) -> Self {
        Self {
            lines: Lines::new(Box::new(text)),
            slots: mapping.columns.len(),
            ticket: mapping.ticket.id,
            at: mapping.at,
            event,
            passed_over: 0,
            path: path.to_owned(),
        }
    }

    /// Fills the row; false where the line is about something else than a ticket.
    fn fill(&self, row: &mut Row) -> Result<bool, Note> {
        row.clear(self.lines.line, self.slots);
        let undecodable = |_| Note::new(Reason::Undecodable, "it is not UTF-8");
        let line = std::str::from_utf8(self.lines.record.trim_ascii()).map_err(undecodable)?;
        let envelope = Envelope::read(line)?;
        let Some(name) = envelope.name() else {
            return Err(Note::from(format!("{:?} is no type of an event of ours", envelope.r#type)));
        };
        if TicketId::parse(&envelope.subject).is_none() || OF_THE_DESK.contains(&name) {
            return Ok(false);
        }
        row.put(self.ticket, &envelope.subject);
        row.put(self.at, &envelope.time);
        row.put(self.event, line);
        Ok(true)
    }
}

impl RowSource for EventRows {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError> {
        loop {
            let next = self.lines.next();
            match next.map_err(|source| ImportError::Read { path: self.path.clone(), source })? {
                Next::End => return Ok(Found::End),
                Next::TooLong => {
                    row.clear(self.lines.line, self.slots);
                    let problem = format!("it has more than {ROW_BYTES_MAX} bytes");
                    return Ok(Found::Unusable(Note::new(Reason::TooLarge, problem)));
                }
                Next::Record => match self.fill(row) {
                    Ok(true) => return Ok(Found::Row),
                    Ok(false) => self.passed_over = self.passed_over.saturating_add(1),
                    Err(note) => return Ok(Found::Unusable(note)),
                },
            }
        }
    }

    fn aside(&self) -> Aside {
        Aside { read: self.passed_over, ..Aside::default() }
    }
}
