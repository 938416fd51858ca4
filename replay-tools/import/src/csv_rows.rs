//! Rows of a CSV file with a header line. A quote that swallows lines ends the import: where rows begin is
//! not known after it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use guichet_schemas::hash::Hash;

use super::balance::{Note, Reason};
use super::bounds::{QUOTED_LINES_MAX, ROW_BYTES_MAX, shown};
use super::csv_records::{Next, Records, text_of};
use super::csv_split::{Damage, Dialect, Fault, Record, Split, later_lines, line_breaks, split};
use super::dates::Dates;
use super::error::ImportError;
use super::mapping::{Column, Dedupe, Mapping, Slot};
use super::row::{Found, Row, RowSource, print_of};

/// Bytes of the header that an error shows.
const HEADER_SHOWN: usize = 2000;
/// Delimiters to try where neither the mapping nor the file names one; the first is the default.
const DELIMITERS: &[u8] = b",;\t|";

pub(super) struct CsvRows {
    records: Records,
    /// Places in the file of each slot; several where the header repeats the column.
    columns: Vec<Vec<usize>>,
    width: usize,
    missing: Vec<String>,
    whole: Option<Vec<u8>>,
    swallowed: Swallowed,
    notes: Vec<Note>,
    /// The row before as it stands in the file, where doubles are not left out anyway.
    before: Option<Vec<u8>>,
    /// A row that stands there twice tells a comment twice.
    comments: bool,
    /// The error that ends the import, once the row that shows it is reported.
    broken: Option<ImportError>,
    path: PathBuf,
}

impl CsvRows {
    pub(super) fn new(
        text: Box<dyn Read + Send>,
        mapping: &Mapping,
        path: &Path,
    ) -> Result<Self, ImportError> {
        let read = |source| ImportError::Read { path: path.to_owned(), source };
        let escape = mapping.source.escape;
        let given = mapping.source.delimiter;
        let dialect = Dialect { delimiter: given.unwrap_or(DELIMITERS[0]), escape };
        let mut records = Records::new(text, dialect);
        let stated = records.separator_line().map_err(read)?;
        let mut notes = Vec::new();
        match (given, stated) {
            (Some(given), Some(stated)) if given != stated => {
                let problem = format!(
                    "its first line says that {:?} delimits it, source.delimiter says {:?}",
                    char::from(stated),
                    char::from(given)
                );
                return Err(ImportError::Format { path: path.to_owned(), line: 1, problem });
            }
            (_, Some(stated)) => records.set_delimiter(stated),
            (Some(_), None) => {}
            (None, None) => notes.extend(find_delimiter(&mut records, mapping).map_err(read)?),
        }
        let mut rows = Self {
            records,
            columns: Vec::new(),
            width: 0,
            missing: mapping.source.missing.clone(),
            whole: matches!(mapping.dedupe, Some(Dedupe::Row)).then(Vec::new),
            swallowed: Swallowed::new(mapping),
            notes,
            before: mapping.dedupe.is_none().then(Vec::new),
            comments: mapping.comment.text.is_some(),
            broken: None,
            path: path.to_owned(),
        };
        rows.read_header(mapping)?;
        Ok(rows)
    }

    fn read_header(&mut self, mapping: &Mapping) -> Result<(), ImportError> {
        let next = self.next_record()?;
        let width = if next == Next::End { 0 } else { self.records.width() };
        let broken = match next {
            Next::Record => {
                self.broken_quote().map(|(line, problem)| (line, format!("in the header, {problem}")))
            }
            Next::OpenQuote(line) => Some((line, format!("in the header, {}", open_quote()))),
            Next::TooLong(problem) => Some((self.records.line(), format!("the header {problem}"))),
            Next::End => None,
        };
        if let Some((line, problem)) = broken {
            return Err(self.damaged(line, problem));
        }
        let names: Vec<String> = (0..width).map(|n| text_of(self.records.field(n))).collect();
        let columns = mapping.columns.iter().map(|column| find(column, &names, &self.path));
        self.columns = columns.collect::<Result<_, _>>()?;
        self.width = width;
        self.swallowed.expects(&self.columns, width);
        Ok(())
    }

    fn next_record(&mut self) -> Result<Next, ImportError> {
        self.records.next().map_err(|source| ImportError::Read { path: self.path.clone(), source })
    }

    fn damaged(&self, line: u64, problem: String) -> ImportError {
        ImportError::Format { path: self.path.clone(), line, problem }
    }

    /// A quote of the present record after which nobody knows where rows begin, with its line.
    fn broken_quote(&mut self) -> Option<(u64, String)> {
        let record = self.records.record();
        let raw = self.records.raw();
        let line_of =
            |place: usize| self.records.line().saturating_add(line_breaks(&raw[..place.min(raw.len())]));
        if let Some(Damage { opens, fault, over_lines, .. }) = record.damage {
            if fault == Fault::NeverCloses {
                return Some((line_of(opens), "a quote opens here and never closes".to_owned()));
            }
            if over_lines {
                return Some((
                    line_of(opens),
                    "a quote opens here and closes on a later line, within a text; one of the two is lost or not doubled".to_owned(),
                ));
            }
        }
        let opens = record.long_quote?;
        if record.line_breaks > QUOTED_LINES_MAX {
            return Some((
                line_of(opens),
                format!(
                    "a quote opens here and closes more than {QUOTED_LINES_MAX} lines further on; it was left open"
                ),
            ));
        }
        self.swallowed.by(raw, self.records.dialect()).then(|| {
            (
                line_of(opens),
                "a quote opens here and swallows lines that are rows themselves; it was left open".to_owned(),
            )
        })
    }

    /// Reports the row and ends the import with it.
    fn end_with(&mut self, row: &mut Row, line: u64, problem: String) -> Found {
        row.clear(line, self.columns.len());
        self.broken = Some(self.damaged(line, problem.clone()));
        Found::Unusable(Note::new(Reason::OpenQuote, problem))
    }

    fn fill(&self, row: &mut Row) -> Result<(), Note> {
        let holds_quotes = memchr::memchr(b'"', self.records.raw()).is_some();
        let quoted = holds_quotes && (0..self.width).any(|column| !self.records.is_unquoted(column));
        // Columns that nobody asks for may be anything.
        for (slot, places) in self.columns.iter().enumerate() {
            for column in places {
                let field = self.records.field(*column);
                if holds_quotes && self.records.is_unquoted(*column) && is_stray(field, quoted) {
                    let text = format!(
                        "column {} is not quoted and holds quotes as a quoted one does",
                        column.saturating_add(1)
                    );
                    row.notes.push(Note::new(Reason::StrayQuote, text));
                }
                match std::str::from_utf8(field) {
                    Ok(value) if places.len() == 1 => row.set(slot, value, &self.missing),
                    Ok(value) => row.add(slot, value, &self.missing),
                    Err(e) => {
                        return Err(Note::new(
                            Reason::Undecodable,
                            format!(
                                "column {} is not UTF-8 (byte 0x{:02x}); set source.encoding",
                                column.saturating_add(1),
                                field[e.valid_up_to()]
                            ),
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

fn open_quote() -> String {
    format!("a quote opens here and does not close within {ROW_BYTES_MAX} bytes")
}

/// The note about a row that repeats the row before.
pub(super) fn doubled() -> Note {
    let text = "it is the row before, byte for byte; where doubles mean nothing, set dedupe.by = \"row\"";
    Note::new(Reason::Doubled, text)
}

/// The delimiter with which the header has every column of the mapping, where the usual one has not.
fn find_delimiter(records: &mut Records, mapping: &Mapping) -> io::Result<Option<Note>> {
    for delimiter in DELIMITERS {
        let names = records.header(*delimiter)?;
        if mapping.columns.iter().all(|column| column.optional || names.contains(&column.name)) {
            records.set_delimiter(*delimiter);
            return Ok((*delimiter != DELIMITERS[0]).then(|| {
                Note::new(
                    Reason::GuessedDelimiter,
                    format!(
                        "the header has the columns of the mapping where {:?} delimits them; set source.delimiter",
                        char::from(*delimiter)
                    ),
                )
            }));
        }
    }
    Ok(None)
}

/// Where a column of the mapping stands. One that is repeated is a list, where the mapping takes one.
fn find(column: &Column, names: &[String], path: &Path) -> Result<Vec<usize>, ImportError> {
    let places: Vec<usize> =
        names.iter().enumerate().filter(|(_, name)| **name == column.name).map(|(i, _)| i).collect();
    let problem = match places.len() {
        0 if column.optional => return Ok(places),
        0 => "does not have",
        1 => return Ok(places),
        _ if column.takes_list => return Ok(places),
        _ => "has twice",
    };
    Err(ImportError::Column {
        path: path.to_owned(),
        key: column.key.clone(),
        column: column.name.clone(),
        problem,
        columns: shown(&names.join(", "), HEADER_SHOWN),
    })
}

impl RowSource for CsvRows {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        let next = self.next_record()?;
        row.clear(self.records.line(), self.columns.len());
        match next {
            Next::Record => {}
            Next::End => return Ok(Found::End),
            Next::TooLong(problem) => {
                return Ok(Found::Unusable(Note::new(Reason::TooLarge, format!("it {problem}"))));
            }
            Next::OpenQuote(line) => return Ok(self.end_with(row, line, open_quote())),
        }
        if let Some((line, problem)) = self.broken_quote() {
            return Ok(self.end_with(row, line, problem));
        }
        if let Some(damage) = self.records.record().damage {
            return Ok(Found::Unusable(Note::new(Reason::OpenQuote, misquoted(damage))));
        }
        let width = self.records.width();
        if width != self.width {
            return Ok(Found::Unusable(Note::new(
                Reason::Unreadable,
                format!("it has {width} columns, the header has {}", self.width),
            )));
        }
        if self.records.is_unterminated() {
            let text = format!(
                "line {} is the last one and has no line end; is the file whole",
                self.records.line()
            );
            self.notes.push(Note::new(Reason::Unterminated, text));
        }
        if let Err(note) = self.fill(row) {
            row.clear(self.records.line(), self.columns.len());
            return Ok(Found::Unusable(note));
        }
        if let Some(before) = &mut self.before {
            let raw = self.records.raw().trim_ascii_end();
            if before == raw {
                row.notes.push(doubled());
            } else if self.comments {
                row.print = print_of(raw);
            }
            before.clear();
            before.extend_from_slice(raw);
        }
        if let Some(whole) = &mut self.whole {
            whole.clear();
            for n in 0..width {
                let field = self.records.field(n);
                whole.extend_from_slice(&(field.len() as u64).to_be_bytes());
                whole.extend_from_slice(field);
            }
            row.identity = Some(Hash::of_record(whole));
        }
        Ok(Found::Row)
    }

    fn notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }
}

/// Does an unquoted field look as if its opening quote were lost? Quoted words do not, and neither do inches
/// where no field of the row is quoted.
fn is_stray(field: &[u8], quoted: bool) -> bool {
    let field = field.trim_ascii();
    let quotes = memchr::memchr_iter(b'"', field).count();
    let inches = |text: &[u8]| !quoted && text.last().is_some_and(u8::is_ascii_digit);
    let closes = field.strip_suffix(b"\"").is_some_and(|text| !inches(text));
    field.starts_with(b"\"") || memchr::memmem::find(field, b"\"\"").is_some() || (quotes % 2 == 1 && closes)
}

fn misquoted(damage: Damage) -> String {
    let hint = match damage.fault {
        Fault::TextAfterBackslash => "; where backslashes escape quotes, set source.escape = \"\\\\\"",
        Fault::TextAfter | Fault::NeverCloses => "; a quote within quotes is written twice",
    };
    format!("in column {}, text follows the closing quote{hint}", damage.column)
}

/// Looks for rows within the quotes of a record: with as many columns as the header, and a time where the
/// mapping has one.
struct Swallowed {
    dates: Dates,
    at: Slot,
    /// Place in the file of each slot.
    places: Vec<Option<usize>>,
    /// Columns of a row; `None` while the header is read.
    width: Option<usize>,
    record: Record,
}

impl Swallowed {
    /// How many times the bytes of a record are looked at, at most.
    const LOOKS: usize = 16;

    fn new(mapping: &Mapping) -> Self {
        Self {
            dates: mapping.source.dates.clone(),
            at: mapping.at,
            places: Vec::new(),
            width: None,
            record: Record::default(),
        }
    }

    fn expects(&mut self, columns: &[Vec<usize>], width: usize) {
        self.places = columns.iter().map(|places| places.first().copied()).collect();
        self.width = Some(width);
    }

    fn by(&mut self, raw: &[u8], dialect: Dialect) -> bool {
        let mut left = raw.len().saturating_mul(Self::LOOKS);
        for place in later_lines(raw) {
            let text = &raw[place..];
            if text.is_empty() || left == 0 {
                return false;
            }
            if let Split::Whole(len) = split(text, true, dialect, &mut self.record) {
                left = left.saturating_sub(len);
            }
            if self.is_row(text) {
                return true;
            }
        }
        false
    }

    fn is_row(&self, text: &[u8]) -> bool {
        let value = |column: usize| {
            std::str::from_utf8(&text[self.record.field(column).0]).unwrap_or_default().trim()
        };
        let dated = |column: usize| self.dates.reads(value(column));
        // The end of a text of several lines in the first column: its closing quote stands there.
        if !text.starts_with(b"\"") && self.record.columns > 0 && value(0).ends_with('"') {
            return false;
        }
        match self.width {
            None => self.record.columns > 1 && (0..self.record.columns).any(dated),
            Some(width) if width != self.record.columns || width < 2 => false,
            Some(_) => {
                let any = || self.places.iter().flatten().copied().any(dated);
                let at = self.places.get(self.at).copied().flatten();
                at.map_or_else(any, |at| dated(at) || (value(at).is_empty() && any()))
            }
        }
    }
}
