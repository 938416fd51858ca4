//! The rows of an export: of its only text, or of each member of an archive in turn. Knows which columns of
//! the mapping were met, and what is wrong with the letters of a row, whatever the format.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::balance::{Note, Reason};
use super::csv_rows::CsvRows;
use super::encoding::{self, Finding};
use super::error::ImportError;
use super::event_rows::EventRows;
use super::grammar::Format;
use super::input::{Text, Texts};
use super::json_rows::JsonRows;
use super::mapping::{Mapping, Slot};
use super::ocel_rows::OcelRows;
use super::pieces::Pieces;
use super::row::{Aside, Found, Row, RowSource};
use super::xes_rows::XesRows;

pub(super) struct Rows {
    texts: Texts,
    mapping: Arc<Mapping>,
    current: Option<Current>,
    notes: Vec<Note>,
    unmet: Vec<Slot>,
    /// Of lists whose elements are rows: columns of some that were empty, and of some that were not.
    empty: Vec<Slot>,
    filled: Vec<Slot>,
    /// Rows that are about no ticket.
    passed_over: u64,
    any: bool,
}

/// The text that is read.
struct Current {
    rows: Box<dyn RowSource>,
    number: u32,
    member: Option<String>,
    finding: Finding,
    /// The note about the encoding was given.
    said: bool,
}

impl Rows {
    pub(super) fn open(pieces: &Arc<Pieces>, mapping: &Arc<Mapping>) -> Result<Self, ImportError> {
        Self::counting(pieces, mapping, &Arc::new(AtomicU64::new(0)))
    }

    /// One of several whose bytes are counted together.
    pub(super) fn counting(
        pieces: &Arc<Pieces>,
        mapping: &Arc<Mapping>,
        bytes_read: &Arc<AtomicU64>,
    ) -> Result<Self, ImportError> {
        let mut rows = Self {
            texts: Texts::open(pieces, mapping, bytes_read)?,
            mapping: Arc::clone(mapping),
            current: None,
            notes: Vec::new(),
            unmet: (0..mapping.columns.len()).filter(|slot| !mapping.columns[*slot].optional).collect(),
            empty: Vec::new(),
            filled: Vec::new(),
            passed_over: 0,
            any: false,
        };
        // The header of the first text is checked before anything is done.
        rows.next_text()?;
        Ok(rows)
    }

    pub(super) fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.texts.bytes_read)
    }

    pub(super) const fn bytes_total(&self) -> u64 {
        self.texts.bytes_total
    }

    /// Refuses a mapping with a column, or a path, that no row has. Looks no further than to the last one
    /// that is met; without a row there is nothing to say.
    pub(super) fn refuse_absent(mut self) -> Result<(), ImportError> {
        let mut row = Row::default();
        while !self.unmet.is_empty() {
            if self.next(&mut row)? == Found::End {
                let first = self.absent().first().copied();
                let Some(column) = first.and_then(|slot| self.mapping.columns.get(slot)) else { break };
                return Err(ImportError::Absent { key: column.key.clone(), column: column.name.clone() });
            }
        }
        Ok(())
    }

    fn next_text(&mut self) -> Result<bool, ImportError> {
        let Some(Text { number, member, path, text }) = self.texts.next()? else { return Ok(false) };
        let finding = text.finding();
        let rows: Box<dyn RowSource> = match self.mapping.source.format {
            Format::Csv => Box::new(CsvRows::new(Box::new(text), &self.mapping, &path)?),
            Format::Xes => Box::new(XesRows::new(Box::new(text), &self.mapping, &path)),
            Format::Ocel => {
                // Objects may stand behind the events, so the text is read twice.
                let (objects, events) = (Box::new(self.texts.again(number)?.text), Box::new(text));
                Box::new(OcelRows::new(objects, events, &self.mapping, &path)?)
            }
            Format::Events => {
                let event = self.mapping.event.unwrap_or(self.mapping.ticket.id);
                Box::new(EventRows::new(text, &self.mapping, event, &path))
            }
            Format::Jsonl | Format::Json => Box::new(JsonRows::new(text, &self.mapping, &path)),
        };
        self.current = Some(Current { rows, number, member, finding, said: false });
        Ok(true)
    }

    /// Looks at the letters of a row, and notes what is wrong with them.
    fn look_at(&mut self, row: &mut Row) {
        self.any = true;
        self.unmet.retain(|slot| !row.mentions(*slot));
        let encoding = self.current.as_ref().and_then(|current| current.finding.encoding());
        if row.text().is_ascii() {
            return;
        }
        for (slot, column) in self.mapping.columns.iter().enumerate() {
            if let Some(fault) = row.get(slot).and_then(|value| encoding::fault_of(value, encoding)) {
                row.notes.push(Note::new(Reason::Undecodable, format!("{:?} {fault}", column.name)));
            }
        }
    }

    fn take_lists(&mut self) {
        let Some(current) = &self.current else { return };
        let (empty, filled) = current.rows.lists();
        self.passed_over = self.passed_over.saturating_add(current.rows.aside().read);
        self.empty.extend(empty);
        self.filled.extend(filled);
    }

    fn take_notes(&mut self) {
        let Some(current) = &mut self.current else { return };
        let mut notes = current.rows.notes();
        if !current.said
            && let Some(note) = current.finding.note()
        {
            current.said = true;
            notes.push(note);
        }
        let member = current.member.as_deref();
        self.notes.extend(notes.into_iter().map(|note| of_member(note, member)));
    }
}

/// Says which member of an archive a note is about.
fn of_member(mut note: Note, member: Option<&str>) -> Note {
    if let Some(member) = member {
        note.text = format!("in {member:?}: {}", note.text);
    }
    note
}

impl RowSource for Rows {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError> {
        loop {
            let Some(current) = &mut self.current else { return Ok(Found::End) };
            let found = current.rows.next(row)?;
            row.piece = current.number;
            match found {
                Found::Row => {
                    self.look_at(row);
                    return Ok(Found::Row);
                }
                Found::Unusable(note) => return Ok(Found::Unusable(note)),
                Found::End => {
                    self.take_notes();
                    self.take_lists();
                    if !self.next_text()? {
                        return Ok(Found::End);
                    }
                }
            }
        }
    }

    fn aside(&self) -> Aside {
        Aside { read: self.passed_over, ..Aside::default() }
    }

    fn absent(&self) -> Vec<Slot> {
        // Where a list never has an element, nobody can tell what its elements would have.
        let bare = |slot: &Slot| self.empty.contains(slot) && !self.filled.contains(slot);
        let unmet = self.unmet.iter().copied();
        if self.any { unmet.filter(|slot| !bare(slot)).collect() } else { Vec::new() }
    }

    fn notes(&mut self) -> Vec<Note> {
        self.take_notes();
        std::mem::take(&mut self.notes)
    }
}
