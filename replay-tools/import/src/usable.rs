//! Lets through the rows that can be used: those with a ticket and a time. The others go to the rejects.

use std::sync::Arc;

use guichet_schemas::hash::Hash;
use guichet_schemas::time::Timestamp;

use super::balance::{Counts, Note, Reason, add};
use super::bounds::VALUES_BYTES_MAX;
use super::dates::{ClockChange, Dates, Instant, LATEST, NoInstant};
use super::error::ImportError;
use super::mapping::{Dedupe, Mapping};
use super::rejects::Rejects;
use super::row::{Found, Place, Row, RowSource};

/// Counts, and the file for what cannot be used.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) counts: Arc<Counts>,
    pub(super) rejects: Rejects,
}

impl Tally {
    /// Leaves out a row, or `rows` of them for one reason.
    pub(super) fn reject(&self, at: Place, ticket: &str, why: &Note, rows: u64) -> Result<(), ImportError> {
        self.counts.reject(why.reason, rows);
        self.rejects.add(Some(at), ticket, why)
    }

    /// Counts what was guessed or changed, and writes it down beside the rejects.
    pub(super) fn note(&self, at: Option<Place>, ticket: &str, what: &Note) -> Result<(), ImportError> {
        self.counts.note(what.reason, 1);
        self.rejects.add(at, ticket, what)
    }
}

pub(super) struct Usable {
    pub(super) source: Box<dyn RowSource>,
    pub(super) mapping: Arc<Mapping>,
    pub(super) tally: Tally,
    before: Option<Timestamp>,
}

impl Usable {
    pub(super) fn new(source: Box<dyn RowSource>, mapping: Arc<Mapping>, tally: Tally) -> Self {
        Self { source, mapping, tally, before: None }
    }

    /// Fills the row with the next usable one; false at the end.
    pub(super) fn next(&mut self, row: &mut Row) -> Result<bool, ImportError> {
        loop {
            let found = self.source.next(row)?;
            for note in self.source.notes() {
                self.tally.note(None, "", &note)?;
            }
            let problem = match found {
                Found::End => return self.end().map(|()| false),
                Found::Unusable(problem) => Some(problem),
                Found::Row if !self.mapping.filter.lets_through(row, &self.mapping.files) => {
                    add(&self.tally.counts.rows, 1);
                    add(&self.tally.counts.filtered, 1);
                    continue;
                }
                Found::Row => check(&self.mapping, row, self.before).err(),
            };
            add(&self.tally.counts.rows, 1);
            let ticket = row.get(self.mapping.ticket.id).unwrap_or_default();
            let Some(problem) = problem else {
                for note in &row.notes {
                    self.tally.note(Some(row.place()), ticket, note)?;
                }
                self.before = Some(row.at);
                return Ok(true);
            };
            self.tally.reject(row.place(), ticket, &problem, 1)?;
        }
    }
}

impl Usable {
    /// A mapped column that no row had is a mistake of the mapping, never an empty value.
    fn end(&self) -> Result<(), ImportError> {
        let (aside, counts) = (self.source.aside(), &self.tally.counts);
        add(&counts.rows, aside.read);
        add(&counts.used, aside.used);
        add(&counts.duplicates, aside.replaced);
        let unused = aside.read.saturating_sub(aside.used).saturating_sub(aside.replaced);
        add(&counts.without_effect, unused);
        if self.mapping.is_of_a_part {
            return Ok(());
        }
        let Some(slot) = self.source.absent().first().copied() else { return Ok(()) };
        let column = &self.mapping.columns[slot];
        Err(ImportError::Absent { key: column.key.clone(), column: column.name.clone() })
    }
}

fn check(mapping: &Mapping, row: &mut Row, before: Option<Timestamp>) -> Result<(), Note> {
    mapping.stand_ins.iter().for_each(|columns| row.stand_in(columns));
    let name = |slot: usize| &mapping.columns[slot].name;
    if row.values_bytes() > VALUES_BYTES_MAX {
        let longest = (0..row.slots()).max_by_key(|slot| row.get(*slot).map_or(0, str::len)).unwrap_or(0);
        let bytes = row.get(longest).map_or(0, str::len);
        return Err(Note::new(
            Reason::TooLarge,
            format!(
                "the values of its mapped columns have more than {VALUES_BYTES_MAX} bytes together, {:?} alone {bytes}",
                name(longest)
            ),
        ));
    }
    if row.get(mapping.ticket.id).is_none() {
        let text = format!("{:?} is missing: no ticket", name(mapping.ticket.id));
        return Err(Note::new(Reason::NoTicket, text));
    }
    if let Some(what) = row.get(mapping.ticket.id).and_then(spoilt) {
        let id = row.get(mapping.ticket.id).unwrap_or_default();
        let text = format!("{:?} is {id:?}, {what}; export the ids as texts", name(mapping.ticket.id));
        return Err(Note::new(Reason::BadTicketId, text));
    }
    if row.get(mapping.at).is_none() {
        return Err(Note::new(Reason::NoTime, format!("{:?} is missing: no time", name(mapping.at))));
    }
    let instant = time(mapping, row, mapping.at, before)?;
    row.at = instant.at;
    let note = instant.change.map(|change| {
        let at = row.get(mapping.at).unwrap_or_default();
        let (reason, text) = match change {
            ClockChange::Repeated => (Reason::RepeatedHour, "came twice at a clock change; it was read as"),
            ClockChange::Skipped => (Reason::SkippedHour, "never came at a clock change; it was moved to"),
        };
        Note::new(reason, format!("{at:?} in {:?} {text} {}", name(mapping.at), instant.at))
    });
    row.notes.extend(note);
    if let Some(changes) = &mapping.changes {
        let note = changes.look_at(row)?;
        row.notes.extend(note);
    }
    if let Some(Dedupe::Columns(slots)) = &mapping.dedupe {
        let mut values = Vec::new();
        for slot in slots {
            let value = row.get(*slot);
            // A missing value is another than an empty one, and no value runs into the next.
            values.extend_from_slice(&value.map_or(u64::MAX, |v| v.len() as u64).to_be_bytes());
            values.extend_from_slice(value.unwrap_or_default().as_bytes());
        }
        row.identity = Some(Hash::of_record(&values));
    }
    Ok(())
}

/// Whether a spreadsheet wrote an id as something else: several tickets may have become one.
fn spoilt(id: &str) -> Option<&'static str> {
    const ERRORS: &[&str] = &["#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"];
    if ERRORS.contains(&id) {
        return Some("an error of a spreadsheet");
    }
    let (digits, power) = id.split_once("E+")?;
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (whole.len() == 1 && all_digits(whole) && all_digits(decimals) && all_digits(power))
        .then_some("a number that a spreadsheet has rounded")
}

/// The instant that a column of a row names. `before` is when the row before it in the file happened.
pub(super) fn time(
    mapping: &Mapping,
    row: &Row,
    slot: usize,
    before: Option<Timestamp>,
) -> Result<Instant, Note> {
    let text = row.get(slot).unwrap_or_default();
    let name = &mapping.columns[slot].name;
    read(&mapping.source.dates, (text, name), row.optional(mapping.zone), before)
}

/// The instant that a part of a value names; `name` is what a person calls the part.
pub(super) fn time_of(mapping: &Mapping, row: &Row, name: &str, text: &str) -> Result<Timestamp, Note> {
    let zone = row.optional(mapping.zone);
    read(&mapping.source.dates, (text, name), zone, None).map(|instant| instant.at)
}

/// The instant that a column names for something that is planned, and may lie ahead.
pub(super) fn planned(mapping: &Mapping, row: &Row, slot: usize) -> Result<Timestamp, Note> {
    let mut dates = mapping.source.dates.clone();
    dates.set_latest(LATEST);
    let text = row.get(slot).unwrap_or_default();
    let name = &mapping.columns[slot].name;
    read(&dates, (text, name), row.optional(mapping.zone), None).map(|instant| instant.at)
}

fn read(
    dates: &Dates,
    (text, name): (&str, &str),
    zone: Option<&str>,
    before: Option<Timestamp>,
) -> Result<Instant, Note> {
    dates.read(text, zone, before).map_err(|e| {
        let reason = match &e {
            NoInstant::Unread | NoInstant::Zone(_) => Reason::UnreadableTime,
            NoInstant::Outside { .. } | NoInstant::TwoDigitYear | NoInstant::Seconds => {
                Reason::ImplausibleTime
            }
        };
        Note::new(reason, format!("{name:?} is {text:?}, {e}"))
    })
}
