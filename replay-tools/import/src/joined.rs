//! The rows of an export of several files. What rows ask for, such as people, is sorted on disk first and found
//! by its key; then come the tickets, and then the rows of other files that belong to tickets. Memory holds one
//! row of each, and an index of the sorted files.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::balance::{Note, Reason};
use super::bounds::{TICKET_SHOWN, shown};
use super::error::ImportError;
use super::files::{File, Role};
use super::mapping::{Mapping, Slot};
use super::pieces::Pieces;
use super::row::{Aside, Found, Row, RowSource};
use super::rows::Rows;
use super::sort::{Sorter, Table};

/// Memory of the sort of one file.
const SORT_BYTES: usize = 8 * 1024 * 1024;

pub(super) struct Joined {
    mapping: Arc<Mapping>,
    asked: Vec<Asked>,
    /// The tickets first.
    parts: Vec<Part>,
    own: Row,
    bytes_read: Arc<AtomicU64>,
    bytes_total: u64,
}

struct Part {
    file: File,
    /// Place among the files of the mapping.
    number: u8,
    rows: Rows,
    over: bool,
}

/// A file whose rows others ask for.
struct Asked {
    part: Part,
    on: Slot,
    key: Slot,
    sorter: Option<Sorter>,
    table: Option<Table>,
    read: u64,
}

impl Joined {
    pub(super) fn open(pieces: &Arc<Pieces>, mapping: &Arc<Mapping>) -> Result<Self, ImportError> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let (mut asked, mut parts, mut bytes_total) = (Vec::new(), Vec::new(), 0_u64);
        for (number, file) in (0..u8::MAX).zip(&mapping.files) {
            let rows = Rows::counting(pieces, &file.mapping, &bytes_read)?;
            bytes_total = bytes_total.saturating_add(rows.bytes_total());
            let part = Part { file: file.clone(), number, rows, over: false };
            match file.role {
                Role::Tickets | Role::Rows(_) => parts.push(part),
                Role::Asked { on, key } => {
                    let sorter = Some(Sorter::new(key, false, None, SORT_BYTES));
                    asked.push(Asked { part, on, key, sorter, table: None, read: 0 });
                }
            }
        }
        Ok(Self { mapping: Arc::clone(mapping), asked, parts, own: Row::default(), bytes_read, bytes_total })
    }

    pub(super) fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes_read)
    }

    pub(super) const fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    pub(super) fn refuse_absent(self) -> Result<(), ImportError> {
        let asked = self.asked.into_iter().map(|asked| asked.part);
        self.parts.into_iter().chain(asked).try_for_each(|part| part.rows.refuse_absent())
    }

    /// Reads a file that others ask for into its table; a row that cannot be used is handed out.
    fn read_asked(&mut self, row: &mut Row) -> Result<Option<Note>, ImportError> {
        for asked in self.asked.iter_mut().filter(|asked| asked.table.is_none()) {
            while let Some(sorter) = &mut asked.sorter {
                let problem = match asked.part.rows.next(&mut self.own)? {
                    Found::End => break,
                    Found::Unusable(note) => Some(note),
                    Found::Row if self.own.get(asked.key).is_none() => Some(Note::new(
                        Reason::NoPartner,
                        "its key is missing, so that no row can ask for it",
                    )),
                    Found::Row => None,
                };
                if let Some(note) = problem {
                    row.clear(self.own.line, self.mapping.columns.len());
                    row.piece = self.own.piece;
                    return Ok(Some(asked.part.says(note)));
                }
                asked.read = asked.read.saturating_add(1);
                sorter.add(&self.own).map_err(ImportError::Sort)?;
            }
            let sorted = asked.sorter.take().map(Sorter::finish).transpose().map_err(ImportError::Sort)?;
            asked.table = sorted.map(Table::new).transpose().map_err(ImportError::Sort)?;
        }
        Ok(None)
    }

    /// Puts the values that the row asks for beside it.
    fn fill(&mut self, row: &mut Row) -> Result<(), ImportError> {
        for asked in &mut self.asked {
            let (Some(key), Some(table)) = (row.get(asked.on).map(str::to_owned), &mut asked.table) else {
                continue;
            };
            if table.find(&key, &mut self.own).map_err(ImportError::Sort)? {
                asked.part.file.copy(&self.own, row);
            } else {
                let text = format!(
                    "no row of the file {} has {:?} as its {:?}",
                    asked.part.file.name,
                    shown(&key, TICKET_SHOWN),
                    asked.part.file.mapping.columns[asked.key].name
                );
                row.notes.push(Note::new(Reason::NoPartner, text));
            }
        }
        Ok(())
    }
}

impl RowSource for Joined {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError> {
        if let Some(note) = self.read_asked(row)? {
            return Ok(Found::Unusable(note));
        }
        for part in &mut self.parts {
            if part.over {
                continue;
            }
            let found = part.rows.next(&mut self.own)?;
            if found == Found::End {
                part.over = true;
                continue;
            }
            row.clear(self.own.line, self.mapping.columns.len());
            (row.file, row.piece, row.print) = (part.number, self.own.piece, self.own.print);
            row.identity = self.own.identity;
            row.notes.extend(self.own.notes.drain(..).map(|note| part.says(note)));
            part.file.copy(&self.own, row);
            if let Role::Rows(key) = part.file.role
                && let Some(ticket) = self.own.get(key)
            {
                row.put(self.mapping.ticket.id, ticket);
            }
            if let Found::Unusable(note) = found {
                return Ok(Found::Unusable(part.says(note)));
            }
            self.fill(row)?;
            return Ok(Found::Row);
        }
        Ok(Found::End)
    }

    fn absent(&self) -> Vec<Slot> {
        let parts = self.parts.iter().chain(self.asked.iter().map(|asked| &asked.part));
        parts
            .flat_map(|part| {
                part.rows.absent().into_iter().filter_map(|own| part.file.slots.get(own).copied())
            })
            .collect()
    }

    fn notes(&mut self) -> Vec<Note> {
        let parts = self.parts.iter_mut().chain(self.asked.iter_mut().map(|asked| &mut asked.part));
        let notes = parts.flat_map(|part| {
            let notes = part.rows.notes();
            notes.into_iter().map(|note| part.says(note)).collect::<Vec<_>>()
        });
        notes.collect()
    }

    fn aside(&self) -> Aside {
        let mut all = Aside::default();
        for asked in &self.asked {
            let Some(table) = &asked.table else { continue };
            all.read = all.read.saturating_add(asked.read);
            all.used = all.used.saturating_add(table.found());
            all.replaced = all.replaced.saturating_add(table.replaced());
        }
        all
    }
}

impl Part {
    /// Says of which file a note is.
    fn says(&self, mut note: Note) -> Note {
        if !self.file.name.is_empty() {
            note.text = format!("in the file {}: {}", self.file.name, note.text);
        }
        note
    }
}

impl File {
    /// Takes over what a row of the file says.
    fn copy(&self, own: &Row, whole: &mut Row) {
        for (slot, to) in self.slots.iter().enumerate() {
            if own.get(slot).is_some() {
                whole.put_all(*to, own, slot);
            } else if own.mentions(slot) {
                whole.put_empty(*to);
            }
        }
    }
}
