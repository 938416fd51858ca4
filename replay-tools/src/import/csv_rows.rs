//! Rows of a CSV file with a header line.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder};
use guichet_schemas::hash::Hash;

use super::error::ImportError;
use super::mapping::{Column, Dedupe, Mapping};
use super::row::{Found, Row, RowSource};

pub(super) struct CsvRows {
    reader: csv::Reader<Box<dyn BufRead + Send>>,
    record: ByteRecord,
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
        let mut reader =
            ReaderBuilder::new().delimiter(mapping.source.delimiter).flexible(true).from_reader(text);
        let header = reader.byte_headers().map_err(|e| read_error(path, e))?;
        let names: Vec<String> =
            header.iter().map(|h| String::from_utf8_lossy(h).trim().to_owned()).collect();
        let columns = mapping.columns.iter().map(|c| find(c, &names, path)).collect::<Result<_, _>>()?;
        Ok(Self {
            reader,
            record: ByteRecord::new(),
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
        columns: names.join(", "),
    })
}

impl RowSource for CsvRows {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError> {
        if !self.reader.read_byte_record(&mut self.record).map_err(|e| read_error(&self.path, e))? {
            return Ok(Found::End);
        }
        row.clear(self.record.position().map_or(0, csv::Position::line), self.columns.len());
        if self.record.len() != self.width {
            return Ok(Found::Unusable(format!(
                "it has {} columns, the header has {}",
                self.record.len(),
                self.width
            )));
        }
        for (slot, column) in self.columns.iter().enumerate() {
            match std::str::from_utf8(&self.record[*column]) {
                Ok(value) => row.set(slot, value, &self.missing),
                Err(_) => {
                    return Ok(Found::Unusable(format!(
                        "column {} is not UTF-8; set source.encoding",
                        column + 1
                    )));
                }
            }
        }
        if let Some(whole) = &mut self.whole {
            whole.clear();
            for field in &self.record {
                whole.extend_from_slice(&(field.len() as u64).to_be_bytes());
                whole.extend_from_slice(field);
            }
            row.identity = Some(Hash::of_record(whole));
        }
        Ok(Found::Row)
    }
}

fn read_error(path: &Path, error: csv::Error) -> ImportError {
    let line = error.position().map_or(0, csv::Position::line);
    let problem = error.to_string();
    if let csv::ErrorKind::Io(source) = error.into_kind() {
        return ImportError::Read { path: path.to_owned(), source };
    }
    ImportError::Format { path: path.to_owned(), line, problem }
}
