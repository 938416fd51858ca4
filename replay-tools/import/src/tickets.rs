//! Puts the rows of one ticket together: neighbours where the export is grouped, else after a sort on disk.

use std::collections::HashSet;
use std::sync::Arc;

use guichet_schemas::hash::Hash;

use super::balance::{Note, Reason, add};
use super::begun::Begun;
use super::bounds::{TICKET_SHOWN, shown};
use super::changes;
use super::error::ImportError;
use super::grammar::Order;
use super::mapping::Mapping;
use super::row::Row;
use super::sort::{Merge, Sorter, tie_of};
use super::usable::{Tally, Usable};

/// Rows of one ticket in memory at once. A ticket with more is a mapping with the wrong id column.
const TICKET_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Rows whose buffers are kept for the next ticket.
const KEPT_ROWS: usize = 1024;
/// Memory of the sort.
const SORT_BYTES: usize = 32 * 1024 * 1024;

pub(super) struct Tickets {
    stream: Stream,
    mapping: Arc<Mapping>,
    tally: Tally,
    /// Of the present ticket: the first `used`; the others are buffers to be used again.
    rows: Vec<Row>,
    used: usize,
    /// The row that showed that a ticket is complete.
    ahead: Row,
    has_ahead: bool,
    seen: HashSet<Hash>,
    /// Where the tickets of a grouped export begin: one that comes back was torn.
    begun: Begun,
}

enum Stream {
    Grouped(Usable),
    Scattered(Usable),
    Sorted(Merge),
}

impl Tickets {
    pub(super) fn new(rows: Usable) -> Self {
        let (mapping, tally) = (Arc::clone(&rows.mapping), rows.tally.clone());
        let stream = if mapping.source.grouped { Stream::Grouped(rows) } else { Stream::Scattered(rows) };
        Self {
            stream,
            mapping,
            tally,
            rows: Vec::new(),
            used: 0,
            ahead: Row::default(),
            has_ahead: false,
            seen: HashSet::new(),
            begun: Begun::new(),
        }
    }

    /// The rows of the next ticket, in order; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<&[Row]>, ImportError> {
        loop {
            let too_many = self.fill()?;
            if self.used == 0 {
                return Ok(None);
            }
            self.stands_together()?;
            add(&self.tally.counts.tickets, 1);
            if too_many == 0 && self.lacks_its_ticket()? {
                continue;
            }
            if too_many == 0 {
                break;
            }
            let first = &self.rows[0];
            let ticket = first.get(self.mapping.ticket.id).unwrap_or_default();
            let reason = format!(
                "its rows have more than {} MiB; is ticket.id the right column",
                TICKET_BYTES_MAX >> 20
            );
            let rows = (self.used as u64).saturating_add(too_many);
            self.tally.reject(first.place(), ticket, &Note::new(Reason::TooLarge, reason), rows)?;
            add(&self.tally.counts.tickets_rejected, 1);
        }
        let rows = &mut self.rows[..self.used];
        let tie = self.mapping.source.tie;
        if self.mapping.source.order == Order::Time && !rows.is_sorted_by_key(|r| (r.at, tie_of(r, tie))) {
            rows.sort_by_key(|r| (r.at, tie_of(r, tie)));
        }
        self.tickets_first()?;
        self.unfold()?;
        Ok(Some(&self.rows[..self.used]))
    }

    /// Rows of other files alone are no ticket.
    fn lacks_its_ticket(&self) -> Result<bool, ImportError> {
        let rows = &self.rows[..self.used];
        if rows.iter().any(|row| row.file == 0) {
            return Ok(false);
        }
        let ticket = rows[0].get(self.mapping.ticket.id).unwrap_or_default();
        for row in rows {
            let file = self.mapping.files.get(usize::from(row.file)).map_or("", |file| file.name.as_str());
            let text = format!("the file {file} names a ticket that the file of tickets does not have");
            self.tally.reject(row.place(), ticket, &Note::new(Reason::NoPartner, text), 1)?;
        }
        add(&self.tally.counts.tickets_rejected, 1);
        Ok(true)
    }

    /// The row of the ticket comes before those of other files: it alone can say how a ticket begins.
    fn tickets_first(&mut self) -> Result<(), ImportError> {
        let rows = &mut self.rows[..self.used];
        let Some(first) = rows.iter().position(|row| row.file == 0).filter(|first| *first > 0) else {
            return Ok(());
        };
        rows[..=first].rotate_right(1);
        let m = &self.mapping;
        if m.changes.is_some() || !m.milestones.is_empty() {
            return Ok(());
        }
        let ticket = rows[0].get(m.ticket.id).unwrap_or_default();
        for row in &rows[1..=first] {
            let text = "it happened before the first row of its ticket, whose time stands for it";
            self.tally.note(Some(row.place()), ticket, &Note::new(Reason::GuessedTime, text))?;
        }
        Ok(())
    }

    /// Makes rows that tell a change rows that tell the ticket.
    fn unfold(&mut self) -> Result<(), ImportError> {
        let ticket = self.rows[0].get(self.mapping.ticket.id).unwrap_or_default().to_owned();
        let tally = &self.tally;
        changes::unfold(&self.mapping, &mut self.rows, &mut self.used, |place, note| {
            tally.note(Some(place), &ticket, &note)
        })
    }

    /// Reads until another ticket begins. Answers how many rows did not fit.
    fn fill(&mut self) -> Result<u64, ImportError> {
        self.forget();
        let (mut bytes, mut too_many) = (0_usize, 0_u64);
        let id = self.mapping.ticket.id;
        loop {
            if !self.has_ahead && !self.stream.next(&mut self.ahead)? {
                return Ok(too_many);
            }
            self.has_ahead = self.used > 0 && self.rows[0].get(id) != self.ahead.get(id);
            if self.has_ahead {
                return Ok(too_many);
            }
            if too_many > 0 {
                // All of it is rejected; what else is the same does not matter, and is not remembered.
                too_many = too_many.saturating_add(1);
                continue;
            }
            if self.ahead.identity.is_some_and(|identity| !self.seen.insert(identity)) {
                add(&self.tally.counts.duplicates, 1);
                continue;
            }
            bytes = bytes.saturating_add(self.ahead.bytes());
            if bytes > TICKET_BYTES_MAX && self.used > 0 {
                too_many = 1;
                continue;
            }
            if self.used == self.rows.len() {
                self.rows.push(Row::default());
            }
            std::mem::swap(&mut self.rows[self.used], &mut self.ahead);
            self.used = self.used.saturating_add(1);
        }
    }

    /// The mapping promised it. A promise that does not hold would make two halves of one history.
    fn stands_together(&mut self) -> Result<(), ImportError> {
        if !matches!(self.stream, Stream::Grouped(_)) {
            return Ok(());
        }
        let row = &self.rows[0];
        let ticket = row.get(self.mapping.ticket.id).unwrap_or_default();
        match self.begun.insert(ticket, row.place()).map_err(ImportError::Sort)? {
            None => Ok(()),
            Some(begun) => Err(ImportError::Torn {
                ticket: shown(ticket, TICKET_SHOWN),
                line: row.line,
                of: self.tally.rejects.of(row.piece),
                begun: begun.line,
                begun_of: self.tally.rejects.of(begun.piece),
            }),
        }
    }

    /// Lets go of the ticket before, and of the memory that only an uncommon one needs.
    fn forget(&mut self) {
        self.rows[..self.used].iter_mut().for_each(Row::rest);
        self.rows.truncate(KEPT_ROWS);
        self.rows.shrink_to(KEPT_ROWS);
        self.used = 0;
        self.seen.clear();
        self.seen.shrink_to(KEPT_ROWS);
    }
}

impl Stream {
    fn next(&mut self, row: &mut Row) -> Result<bool, ImportError> {
        match self {
            Self::Grouped(rows) => rows.next(row),
            Self::Scattered(rows) => {
                *self = Self::Sorted(sort(rows)?);
                self.next(row)
            }
            Self::Sorted(rows) => rows.next(row).map_err(ImportError::Sort),
        }
    }
}

fn sort(rows: &mut Usable) -> Result<Merge, ImportError> {
    let mut sorter = Sorter::new(
        rows.mapping.ticket.id,
        rows.mapping.source.order == Order::Time,
        rows.mapping.source.tie,
        SORT_BYTES,
    );
    let mut row = Row::default();
    while rows.next(&mut row)? {
        sorter.add(&row).map_err(ImportError::Sort)?;
    }
    sorter.finish().map_err(ImportError::Sort)
}
