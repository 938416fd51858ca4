//! Rows of a JSON export: each record is a row, or each element of a list within it. A column is a path; the
//! values of a list that does not make rows are a list.

use std::path::{Path, PathBuf};

use guichet_schemas::hash::Hash;

use super::balance::{Note, Reason};
use super::bounds::ROW_BYTES_MAX;
use super::csv_rows::doubled;
use super::encoding::Decoded;
use super::error::ImportError;
use super::grammar::Format;
use super::json_paths::Node;
use super::json_record::Parsed;
use super::json_records::{Document, Lines, Next, Stop};
use super::mapping::{Column, Dedupe, Mapping, Slot};
use super::row::{Found, Row, RowSource, print_of};

pub(super) struct JsonRows {
    records: Records,
    columns: Vec<Column>,
    root: Node,
    missing: Vec<String>,
    whole: bool,
    parsed: Parsed,
    /// The row of the present record that is next.
    next_row: usize,
    identity: Option<Hash>,
    line: u64,
    /// No record was read yet.
    fresh: bool,
    /// The record before, where doubles are not left out anyway.
    before: Option<Vec<u8>>,
    doubled: bool,
    /// A record that stands there twice tells a comment twice.
    comments: bool,
    /// Print of the present record.
    print: u64,
    path: PathBuf,
}

enum Records {
    Lines(Lines),
    Document(Document),
}

impl JsonRows {
    pub(super) fn new(text: Decoded, mapping: &Mapping, path: &Path) -> Self {
        let json = &mapping.source.json;
        let records = if mapping.source.format == Format::Json {
            Records::Document(Document::new(Box::new(text), json.records.clone()))
        } else {
            Records::Lines(Lines::new(Box::new(text)))
        };
        Self {
            records,
            root: Node::new(&mapping.columns, &json.rows),
            columns: mapping.columns.clone(),
            missing: mapping.source.missing.clone(),
            whole: matches!(mapping.dedupe, Some(Dedupe::Row)),
            parsed: Parsed::default(),
            next_row: 0,
            identity: None,
            line: 0,
            fresh: true,
            before: mapping.dedupe.is_none().then(Vec::new),
            doubled: false,
            comments: mapping.comment.text.is_some(),
            print: 0,
            path: path.to_owned(),
        }
    }

    fn read(&mut self) -> Result<Next, ImportError> {
        let next = match &mut self.records {
            Records::Lines(lines) => lines.next().map_err(Stop::Io),
            Records::Document(document) => document.next(),
        };
        next.map_err(|stop| match stop {
            Stop::Io(source) => ImportError::Read { path: self.path.clone(), source },
            Stop::Damaged(line, problem) => ImportError::Format { path: self.path.clone(), line, problem },
        })
    }

    /// Reads the next record; `None` at the end.
    fn next_record(&mut self) -> Result<Option<Result<(), Note>>, ImportError> {
        let next = self.read()?;
        let (line, bytes) = match &self.records {
            Records::Lines(lines) => (lines.line, lines.record.trim_ascii()),
            Records::Document(document) => (document.line, document.record.as_slice()),
        };
        self.line = line;
        self.next_row = 0;
        self.parsed.clear();
        let fresh = std::mem::take(&mut self.fresh);
        match next {
            Next::End => return Ok(None),
            Next::TooLong => {
                let problem = format!("it has more than {ROW_BYTES_MAX} bytes");
                return Ok(Some(Err(Note::new(Reason::TooLarge, problem))));
            }
            Next::Record => {}
        }
        if fresh && matches!(self.records, Records::Lines(_)) {
            refuse_documents(bytes).map_err(|problem| ImportError::Format {
                path: self.path.clone(),
                line,
                problem: problem.to_owned(),
            })?;
        }
        if let Some(before) = &mut self.before {
            self.doubled = before == bytes;
            self.print = if self.comments { print_of(bytes) } else { 0 };
            before.clear();
            before.extend_from_slice(bytes);
        }
        self.identity = self.whole.then(|| Hash::of_record(bytes));
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => {
                let problem =
                    format!("it is not UTF-8 (byte 0x{:02x}); set source.encoding", bytes[e.valid_up_to()]);
                return Ok(Some(Err(Note::new(Reason::Undecodable, problem))));
            }
        };
        let parsed = self.parsed.read(text, &self.root, &self.columns);
        Ok(Some(parsed.map_err(|e| Note::from(format!("it is not one JSON object with plain values: {e}")))))
    }
}

/// A document that is read as lines would be thousands of rejects, or one.
fn refuse_documents(first: &[u8]) -> Result<(), &'static str> {
    if first.starts_with(b"[") {
        return Err("it is a list, not lines of objects; set source.format = \"json\"");
    }
    let opens = first.starts_with(b"{")
        && serde_json::from_slice::<serde::de::IgnoredAny>(first).is_err_and(|e| e.is_eof());
    if opens && first.len() < 1024 && !first.contains(&b':') || first == b"{" {
        return Err("an object goes over several lines; set source.format = \"json\"");
    }
    Ok(())
}

impl RowSource for JsonRows {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError> {
        while self.next_row >= self.parsed.rows() {
            let record = self.next_record()?;
            row.clear(self.line, self.columns.len());
            match record {
                None => return Ok(Found::End),
                Some(Ok(())) => {}
                Some(Err(note)) => {
                    self.parsed.fill_begun(row, &self.missing);
                    self.parsed.clear();
                    return Ok(Found::Unusable(note));
                }
            }
        }
        row.clear(self.line, self.columns.len());
        self.parsed.fill(self.next_row, row, &self.missing);
        row.identity = self.identity.map(|record| match self.next_row {
            0 => record,
            n => Hash::of_record(&[record.0.as_slice(), &(n as u64).to_be_bytes()].concat()),
        });
        let element = self.before.is_some() && self.parsed.is_doubled(self.next_row);
        if element || (self.doubled && self.next_row == 0) {
            row.notes.push(doubled());
        } else if self.parsed.rows() == 1 {
            row.print = self.print;
        }
        self.next_row = self.next_row.saturating_add(1);
        Ok(Found::Row)
    }
    fn lists(&self) -> (Vec<Slot>, Vec<Slot>) {
        self.parsed.lists()
    }
}
