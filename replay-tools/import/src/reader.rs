//! An export as a stream of `Import` commands. Holds one ticket at a time.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use guichet_schemas::command::Import;
use guichet_schemas::text::Label;

use super::balance::{Balance, Counts, Note, Reason, add};
use super::bounds::FACTS_BYTES_MAX;
use super::error::ImportError;
use super::history::{Heard, Told};
use super::joined::Joined;
use super::mapping::Mapping;
use super::pieces::{Export, Pieces};
use super::rejects::Rejects;
use super::row::RowSource;
use super::rows::Rows;
use super::tickets::Tickets;
use super::usable::{Tally, Usable};
use super::{history, parts, recorded};

/// Opens an export. What cannot be used goes to `rejects`, a CSV file that must not be there yet.
///
/// # Errors
/// The file cannot be read, or lacks a column of the mapping; the rejects file is there already.
pub fn open(
    export: impl Into<Export>,
    mapping: &Mapping,
    rejects: Option<&Path>,
) -> Result<Reader, ImportError> {
    let (pieces, mapping) = (Pieces::open(export.into())?, Arc::new(mapping.clone()));
    // Before a rejects file is made, and long before anything is sent. A pipe can be read only once.
    if pieces.can_be_read_again() {
        if mapping.files.is_empty() {
            Rows::open(&pieces, &mapping)?.refuse_absent()?;
        } else {
            Joined::open(&pieces, &mapping)?.refuse_absent()?;
        }
    }
    open_with(&pieces, mapping, Rejects::create(rejects)?)
}

/// Opens an export without a look ahead.
pub(super) fn open_with(
    pieces: &Arc<Pieces>,
    mapping: Arc<Mapping>,
    rejects: Rejects,
) -> Result<Reader, ImportError> {
    let (rows, bytes_read, bytes_total): (Box<dyn RowSource>, _, _) = if mapping.files.is_empty() {
        let rows = Rows::open(pieces, &mapping)?;
        let (read, total) = (rows.bytes_read(), rows.bytes_total());
        (Box::new(rows), read, total)
    } else {
        let rows = Joined::open(pieces, &mapping)?;
        let (read, total) = (rows.bytes_read(), rows.bytes_total());
        (Box::new(rows), read, total)
    };
    let tally = Tally { counts: Arc::new(Counts::default()), rejects: rejects.naming(pieces) };
    for name in pieces.left_out(&mapping) {
        let text = format!("{name:?} was not read: no source.member or files.NAME.member names it");
        tally.note(None, "", &Note::new(Reason::LeftOut, text))?;
        tally.counts.leave_out(name);
    }
    let watch = Watch { counts: Arc::clone(&tally.counts), bytes_read, bytes_total };
    let tickets = Tickets::new(Usable::new(rows, Arc::clone(&mapping), tally.clone()));
    Ok(Reader {
        tickets,
        mapping,
        tally,
        watch,
        ready: VecDeque::new(),
        ticket: TicketRows::default(),
        over: false,
    })
}

/// Reads the commands of an export one by one: all parts of a ticket, then the next ticket.
pub struct Reader {
    pub(super) tickets: Tickets,
    pub(super) mapping: Arc<Mapping>,
    tally: Tally,
    watch: Watch,
    ready: VecDeque<Import>,
    ticket: TicketRows,
    over: bool,
}

/// The usable rows of a ticket.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TicketRows {
    pub(super) used: u64,
    pub(super) without_effect: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the (packed) file read; a scattered export is read whole before its first ticket comes.
    pub bytes_read: u64,
    /// Bytes of the (packed) file.
    pub bytes_total: u64,
    /// Rows met, usable or not.
    pub rows: u64,
    /// Tickets met.
    pub tickets: u64,
    /// Rows that could not be used.
    pub rejected: u64,
    /// Rows left out because `dedupe` says that they came before.
    pub duplicates: u64,
}

/// Looks at a reader's progress from elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    counts: Arc<Counts>,
    bytes_read: Arc<AtomicU64>,
    bytes_total: u64,
}

impl Watch {
    pub(super) fn progress(&self) -> Progress {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Progress {
            bytes_read: get(&self.bytes_read),
            bytes_total: self.bytes_total,
            rows: get(&self.counts.rows),
            tickets: get(&self.counts.tickets),
            rejected: get(&self.counts.rejected),
            duplicates: get(&self.counts.duplicates),
        }
    }
}

impl Reader {
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.watch.progress()
    }

    /// The balance of the rows and tickets so far.
    #[must_use]
    pub fn balance(&self) -> Balance {
        self.tally.counts.balance()
    }

    pub(super) fn watch(&self) -> Watch {
        self.watch.clone()
    }

    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.tally.counts)
    }

    /// The rows of the ticket whose part came last.
    pub(super) const fn ticket_rows(&self) -> TicketRows {
        self.ticket
    }

    /// Reads to the end, and sends nothing: the balance is that of a first import.
    ///
    /// # Errors
    /// The export turned out unusable.
    pub fn check(mut self) -> Result<Balance, ImportError> {
        while let Some(import) = self.next() {
            if import?.part == 1 {
                self.tally.counts.ticket(true, true);
            }
        }
        Ok(self.balance())
    }

    pub(super) fn rejects(&self) -> Rejects {
        self.tally.rejects.clone()
    }

    /// Reads the next ticket; false at the end.
    fn read_ticket(&mut self) -> Result<bool, ImportError> {
        let Some(rows) = self.tickets.next()? else {
            self.tally.rejects.flush()?;
            return Ok(false);
        };
        let id = rows[0].get(self.mapping.ticket.id).unwrap_or_default();
        let external_id = match Label::parse(id.to_owned()) {
            Ok(label) => label,
            Err(e) => {
                let why = Note::new(Reason::BadTicketId, format!("the ticket's id {}", e.rule));
                self.tally.reject(rows[0].place(), id, &why, rows.len() as u64)?;
                add(&self.tally.counts.tickets_rejected, 1);
                return Ok(true);
            }
        };
        let tally = &self.tally;
        let told = history::of(&self.mapping, id, rows, None, |row, heard| match heard {
            Heard::Rejected(why) => tally.reject(row.place(), id, &why, 1),
            Heard::Noted(what) => tally.note(Some(row.place()), id, &what),
        })?;
        let facts = match told {
            Told::Facts { facts, used, without_effect, .. } => {
                self.ticket = TicketRows { used, without_effect };
                add(&tally.counts.used, used);
                add(&tally.counts.without_effect, without_effect);
                facts
            }
            Told::TooMuch { unread } => {
                let reason = format!("its history has more than {} MiB", FACTS_BYTES_MAX >> 20);
                tally.reject(rows[0].place(), id, &Note::new(Reason::TooLarge, reason), unread)?;
                add(&tally.counts.tickets_rejected, 1);
                return Ok(true);
            }
        };
        if facts.is_empty() {
            add(&tally.counts.tickets_rejected, 1);
        } else {
            let origin = self.mapping.event.and_then(|_| recorded::origin(&facts));
            let (source, external_id) = origin.unwrap_or_else(|| (self.mapping.name.clone(), external_id));
            let from = self.ready.len();
            parts::of(&self.mapping, &external_id, facts, &mut self.ready);
            self.ready.iter_mut().skip(from).for_each(|part| part.source = source.clone());
        }
        Ok(true)
    }
}

impl Iterator for Reader {
    type Item = Result<Import, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.over {
            match self.read_ticket() {
                Ok(more) => self.over = !more,
                Err(e) => {
                    self.over = true;
                    return Some(Err(e));
                }
            }
        }
        self.ready.pop_front().map(Ok)
    }
}
