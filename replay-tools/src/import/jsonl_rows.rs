//! Rows of a JSON Lines file: one object per line. A column is a key of that object. A line that is too long
//! is passed over without being held.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, Read as _};
use std::path::{Path, PathBuf};

use guichet_schemas::hash::Hash;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::balance::{Note, Reason};
use super::bounds::{NUMBER_MAX, ROW_BYTES_MAX};
use super::error::ImportError;
use super::mapping::{Column, Dedupe, Mapping};
use super::row::{Found, Row, RowSource};

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

    fn read_line(&mut self) -> io::Result<Line> {
        self.line.clear();
        self.line_no = self.line_no.saturating_add(1);
        let n = (&mut self.text).take(ROW_BYTES_MAX as u64).read_until(b'\n', &mut self.line)?;
        if n < ROW_BYTES_MAX || self.line.ends_with(b"\n") {
            return Ok(if n == 0 { Line::End } else { Line::Whole });
        }
        skip_line(&mut self.text)?;
        Ok(Line::TooLong)
    }
}

enum Line {
    Whole,
    TooLong,
    End,
}

/// Passes over what is left of a line.
fn skip_line(text: &mut impl BufRead) -> io::Result<()> {
    loop {
        let chunk = text.fill_buf()?;
        let (len, line_end) = (chunk.len(), chunk.iter().position(|byte| *byte == b'\n'));
        match line_end {
            Some(place) => {
                text.consume(place.saturating_add(1));
                return Ok(());
            }
            None if len == 0 => return Ok(()),
            None => text.consume(len),
        }
    }
}

impl RowSource for JsonlRows {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError> {
        loop {
            let line =
                self.read_line().map_err(|source| ImportError::Read { path: self.path.clone(), source })?;
            match line {
                Line::End => return Ok(Found::End),
                Line::TooLong => {
                    row.clear(self.line_no, self.columns.len());
                    return Ok(Found::Unusable(Note::new(
                        Reason::TooLarge,
                        format!("it has more than {ROW_BYTES_MAX} bytes"),
                    )));
                }
                Line::Whole if self.line.trim_ascii().is_empty() => {}
                Line::Whole => break,
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
            Err(e) => Found::Unusable(format!("it is not one JSON object with plain values: {e}").into()),
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
            match map.next_value::<Plain<'de>>()? {
                Plain::Nothing => {}
                Plain::Text(text) => self.row.set(slot, &text, self.missing),
                Plain::Inexact(number) => {
                    return Err(A::Error::custom(format!(
                        "{key:?} is {number}; numbers beyond 2^53 are not exact, write it as a text"
                    )));
                }
                Plain::Nested => {
                    return Err(A::Error::custom(format!("{key:?} holds a list or an object")));
                }
            }
        }
        Ok(())
    }
}

/// A value of a column. What is nested is passed over, never built.
enum Plain<'de> {
    Nothing,
    Text(Cow<'de, str>),
    Inexact(String),
    Nested,
}

impl<'de> Deserialize<'de> for Plain<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Plain<'de>, E> {
        Ok(Plain::Nothing)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Plain<'de>, E> {
        Ok(Plain::Text(Cow::Borrowed(if flag { "true" } else { "false" })))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Plain<'de>, E> {
        let text = number.to_string();
        Ok(if number.unsigned_abs() > NUMBER_MAX {
            Plain::Inexact(text)
        } else {
            Plain::Text(Cow::Owned(text))
        })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Plain<'de>, E> {
        let text = number.to_string();
        Ok(if number > NUMBER_MAX { Plain::Inexact(text) } else { Plain::Text(Cow::Owned(text)) })
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Plain<'de>, E> {
        let Some(exact) = serde_json::Number::from_f64(number).filter(|_| number.abs() <= NUMBER_MAX as f64)
        else {
            return Ok(Plain::Inexact(number.to_string()));
        };
        Ok(Plain::Text(Cow::Owned(exact.to_string())))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Plain<'de>, E> {
        Ok(Plain::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Plain<'de>, E> {
        Ok(Plain::Text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Plain<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Plain::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Plain<'de>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Plain::Nested)
    }
}
