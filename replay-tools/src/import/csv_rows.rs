//! Rows of a CSV file with a header line. A row that is too long is passed over without being held.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use guichet_schemas::hash::Hash;

use super::bounds::{COLUMNS_MAX, ROW_BYTES_MAX, shown};
use super::error::ImportError;
use super::mapping::{Column, Dedupe, Mapping};
use super::row::{Found, Row, RowSource};

/// Bytes of the header that an error shows.
const HEADER_SHOWN: usize = 2000;

pub(super) struct CsvRows {
    records: Records,
    /// Index in the file of each slot.
    columns: Vec<usize>,
    width: usize,
    missing: Vec<String>,
    whole: Option<Vec<u8>>,
    path: PathBuf,
}

impl CsvRows {
    pub(super) fn new(
        text: Box<dyn BufRead + Send>,
        mapping: &Mapping,
        path: &Path,
    ) -> Result<Self, ImportError> {
        let mut records = Records::new(text, mapping.source.delimiter);
        match records.next().map_err(|source| ImportError::Read { path: path.to_owned(), source })? {
            Record::Whole | Record::End => {}
            Record::TooLong(problem) => {
                let problem = format!("the header {problem}");
                return Err(ImportError::Format { path: path.to_owned(), line: 1, problem });
            }
        }
        let names: Vec<String> =
            records.fields().map(|h| String::from_utf8_lossy(h).trim().to_owned()).collect();
        let columns = mapping.columns.iter().map(|c| find(c, &names, path)).collect::<Result<_, _>>()?;
        Ok(Self {
            records,
            columns,
            width: names.len(),
            missing: mapping.source.missing.clone(),
            whole: matches!(mapping.dedupe, Some(Dedupe::Row)).then(Vec::new),
            path: path.to_owned(),
        })
    }
}

fn find(column: &Column, names: &[String], path: &Path) -> Result<usize, ImportError> {
    let mut places = names.iter().enumerate().filter(|(_, name)| **name == column.name).map(|(i, _)| i);
    let problem = match (places.next(), places.next()) {
        (Some(place), None) => return Ok(place),
        (Some(_), Some(_)) => "has twice",
        (None, _) => "does not have",
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
        let line = self.records.line();
        let record =
            self.records.next().map_err(|source| ImportError::Read { path: self.path.clone(), source })?;
        row.clear(line, self.columns.len());
        match record {
            Record::Whole => {}
            Record::End => return Ok(Found::End),
            Record::TooLong(problem) => return Ok(Found::Unusable(format!("it {problem}").into())),
        }
        let width = self.records.fields().len();
        if width != self.width {
            return Ok(Found::Unusable(
                format!("it has {width} columns, the header has {}", self.width).into(),
            ));
        }
        for (slot, column) in self.columns.iter().enumerate() {
            match std::str::from_utf8(self.records.field(*column)) {
                Ok(value) => row.set(slot, value, &self.missing),
                Err(_) => {
                    return Ok(Found::Unusable(
                        format!("column {} is not UTF-8; set source.encoding", column.saturating_add(1))
                            .into(),
                    ));
                }
            }
        }
        if let Some(whole) = &mut self.whole {
            whole.clear();
            for field in self.records.fields() {
                whole.extend_from_slice(&(field.len() as u64).to_be_bytes());
                whole.extend_from_slice(field);
            }
            row.identity = Some(Hash::of_record(whole));
        }
        Ok(Found::Row)
    }
}

/// What was read.
enum Record {
    /// All of it is held.
    Whole,
    /// It was passed over; what is wrong with it.
    TooLong(String),
    End,
}

/// Splits a text into records. Holds one, up to [`ROW_BYTES_MAX`].
struct Records {
    text: Box<dyn BufRead + Send>,
    parser: Reader,
    bytes: Vec<u8>,
    /// Where each field of the record ends in `bytes`.
    ends: Vec<usize>,
    fields: usize,
}

impl Records {
    /// Room for most records; grows with those that are longer.
    const BYTES: usize = 4096;
    const FIELDS: usize = 64;

    fn new(text: Box<dyn BufRead + Send>, delimiter: u8) -> Self {
        let parser = ReaderBuilder::new().delimiter(delimiter).build();
        Self { text, parser, bytes: vec![0; Self::BYTES], ends: vec![0; Self::FIELDS], fields: 0 }
    }

    /// Line at which the next record begins, from 1.
    fn line(&self) -> u64 {
        self.parser.line()
    }

    fn next(&mut self) -> std::io::Result<Record> {
        let (mut filled, mut too_long) = (0_usize, None);
        self.fields = 0;
        loop {
            let input = self.text.fill_buf()?;
            let (result, read, written, ended) =
                self.parser.read_record(input, &mut self.bytes[filled..], &mut self.ends[self.fields..]);
            self.text.consume(read);
            filled = filled.saturating_add(written);
            self.fields = self.fields.saturating_add(ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.bytes.len() >= ROW_BYTES_MAX => {
                    too_long.get_or_insert_with(|| {
                        format!("has more than {ROW_BYTES_MAX} bytes; was a quote left open?")
                    });
                    // What follows is written over what is not wanted.
                    filled = 0;
                }
                ReadRecordResult::OutputFull => grow(&mut self.bytes, ROW_BYTES_MAX, 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() >= COLUMNS_MAX => {
                    too_long.get_or_insert_with(|| format!("has more than {COLUMNS_MAX} columns"));
                    self.fields = 0;
                }
                ReadRecordResult::OutputEndsFull => grow(&mut self.ends, COLUMNS_MAX, 0),
                ReadRecordResult::Record => {
                    return Ok(too_long.map_or(Record::Whole, |problem| {
                        self.fields = 0;
                        Record::TooLong(problem)
                    }));
                }
                ReadRecordResult::End => {
                    self.fields = 0;
                    return Ok(Record::End);
                }
            }
        }
    }

    fn fields(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.fields).map(|n| self.field(n))
    }

    /// The n-th field; nothing where there is none.
    fn field(&self, n: usize) -> &[u8] {
        let begin = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[begin..self.ends[n]]
    }
}

fn grow<T: Clone>(list: &mut Vec<T>, max: usize, with: T) {
    let len = list.len().saturating_mul(2).min(max);
    list.resize(len, with);
}
