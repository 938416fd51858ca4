//! Rows of a JSON Lines file: one object per line. A column is a key of that object.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, Read as _};
use std::path::{Path, PathBuf};

use guichet_schemas::hash::Hash;
use serde::de::{Deserializer as _, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::error::ImportError;
use super::mapping::{Column, Dedupe, Mapping};
use super::row::{Found, Row, RowSource};

/// A longer line is no row of a ticket system; without a limit a file without line ends would fill the memory.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

pub(super) struct JsonlRows {
    text: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    line_no: u64,
    columns: Vec<Column>,
    missing: Vec<String>,
    whole: bool,
    path: PathBuf,
}

impl JsonlRows {
    pub(super) fn new(text: Box<dyn BufRead + Send>, mapping: &Mapping, path: &Path) -> Self {
        Self {
            text,
            line: Vec::new(),
            line_no: 0,
            columns: mapping.columns.clone(),
            missing: mapping.source.missing.clone(),
            whole: matches!(mapping.dedupe, Some(Dedupe::Row)),
            path: path.to_owned(),
        }
    }
}

impl RowSource for JsonlRows {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError> {
        loop {
            self.line.clear();
            self.line_no += 1;
            let n = (&mut self.text)
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut self.line)
                .map_err(|source| ImportError::Read { path: self.path.clone(), source })?;
            if n as u64 == LINE_BYTES_MAX {
                return Err(ImportError::Format {
                    path: self.path.clone(),
                    line: self.line_no,
                    problem: format!("the line is longer than {LINE_BYTES_MAX} bytes"),
                });
            }
            if n == 0 {
                return Ok(Found::End);
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        row.clear(self.line_no, self.columns.len());
        if self.whole {
            row.identity = Some(Hash::of_record(self.line.trim_ascii()));
        }
        let mut json = serde_json::Deserializer::from_slice(&self.line);
        let filled = json
            .deserialize_map(Fill { row, columns: &self.columns, missing: &self.missing })
            .and_then(|()| json.end());
        Ok(match filled {
            Ok(()) => Found::Row,
            Err(e) => Found::Unusable(format!("it is not one JSON object with plain values: {e}")),
        })
    }
}

struct Fill<'a> {
    row: &'a mut Row,
    columns: &'a [Column],
    missing: &'a [String],
}

impl<'de> Visitor<'de> for Fill<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let Some(slot) = self.columns.iter().position(|c| c.name == key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            match map.next_value::<Value>()? {
                Value::Null => {}
                Value::String(text) => self.row.set(slot, &text, self.missing),
                Value::Bool(flag) => self.row.set(slot, if flag { "true" } else { "false" }, self.missing),
                Value::Number(number) => self.row.set(slot, &number.to_string(), self.missing),
                Value::Array(_) | Value::Object(_) => {
                    return Err(A::Error::custom(format!("{key:?} holds a list or an object")));
                }
            }
        }
        Ok(())
    }
}
