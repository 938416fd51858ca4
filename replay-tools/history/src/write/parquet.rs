//! A table as a Parquet file, packed with zstd.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use super::Rows;
use crate::HistoryError;
use crate::table::{Cell, Column, Kind, Table};

/// Rows of a group: what is held in memory.
const GROUP_ROWS: usize = 1 << 17;
/// Content beyond this closes a group early: rows may be of any size.
const GROUP_BYTES: usize = 64 << 20;
/// Version of the columns. Raised when one changes its meaning, which none has done yet.
const SCHEMA_VERSION: &str = "1";

/// The schema of a table, as Parquet writes it down.
#[must_use]
pub fn message(table: &Table) -> String {
    let mut text = format!("message {} {{\n", table.name);
    for Column { name, kind, nullable, .. } in table.columns {
        let how = if *nullable { "optional" } else { "required" };
        let what = match kind {
            Kind::Whole => "int64",
            Kind::Time => "int64",
            Kind::Flag => "boolean",
            Kind::Text | Kind::Word | Kind::Id | Kind::Json => "binary",
            Kind::Texts => "group",
        };
        let rest = match kind {
            Kind::Whole | Kind::Flag => ";",
            Kind::Time => " (TIMESTAMP(MICROS,true));",
            Kind::Text | Kind::Word | Kind::Id | Kind::Json => " (STRING);",
            Kind::Texts => " (LIST) { repeated group list { required binary element (STRING); } }",
        };
        text.push_str(&format!("  {how} {what} {name}{rest}\n"));
    }
    text.push_str("}\n");
    text
}

/// Writes one file.
pub struct ParquetFile<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Buffer>,
    rows: usize,
    bytes: usize,
}

/// The values of a column that are not written yet.
struct Buffer {
    values: Values,
    nullable: bool,
    /// Per value, or per place where there is none: 1 where there is one.
    present: Vec<i16>,
    /// Of lists only: 0 where a row begins.
    repeated: Vec<i16>,
}

enum Values {
    Numbers(Vec<i64>),
    Flags(Vec<bool>),
    /// One behind the other, with the end of each.
    Texts(Vec<u8>, Vec<usize>),
}

impl<W: Write + Send> ParquetFile<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(to: W, table: &Table) -> Result<Self, HistoryError> {
        let schema = Arc::new(parse_message_type(&message(table))?);
        let file = SerializedFileWriter::new(to, schema, Arc::new(properties(table)?))?;
        let columns = table.columns.iter().map(Buffer::of).collect();
        Ok(Self { file, columns, rows: 0, bytes: 0 })
    }

    fn flush(&mut self) -> Result<(), HistoryError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for buffer in &mut self.columns {
            let Some(mut column) = group.next_column()? else { break };
            let present = (buffer.nullable || buffer.is_list()).then_some(buffer.present.as_slice());
            let repeated = buffer.is_list().then_some(buffer.repeated.as_slice());
            match &mut buffer.values {
                Values::Numbers(numbers) => {
                    column.typed::<Int64Type>().write_batch(numbers, present, repeated)?;
                    numbers.clear();
                }
                Values::Flags(flags) => {
                    column.typed::<BoolType>().write_batch(flags, present, repeated)?;
                    flags.clear();
                }
                Values::Texts(arena, ends) => {
                    let texts = apart(std::mem::take(arena), ends);
                    column.typed::<ByteArrayType>().write_batch(&texts, present, repeated)?;
                    ends.clear();
                }
            }
            column.close()?;
            buffer.present.clear();
            buffer.repeated.clear();
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl<W: Write + Send> Rows for ParquetFile<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), HistoryError> {
        debug_assert_eq!(cells.len(), self.columns.len(), "a row has a cell for each column");
        for (buffer, cell) in self.columns.iter_mut().zip(cells) {
            self.bytes += buffer.push(*cell);
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    fn end(mut self: Box<Self>) -> Result<(), HistoryError> {
        self.flush()?;
        self.file.close()?;
        Ok(())
    }
}

fn properties(table: &Table) -> Result<WriterProperties, HistoryError> {
    let about = table
        .columns
        .iter()
        .map(|column| KeyValue::new(format!("guichet.column.{}", column.name), column.about.to_owned()));
    let version = KeyValue::new("guichet.schema".to_owned(), SCHEMA_VERSION.to_owned());
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("guichet ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_key_value_metadata(Some([version].into_iter().chain(about).collect()))
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for column in table.columns {
        let path = ColumnPath::from(column.name);
        let (dictionary, encoding) = match column.kind {
            Kind::Whole | Kind::Time => (false, Encoding::DELTA_BINARY_PACKED),
            // Ids in a row begin alike, for they begin with a time.
            Kind::Id => (false, Encoding::DELTA_BYTE_ARRAY),
            Kind::Text | Kind::Word | Kind::Texts | Kind::Flag | Kind::Json => continue,
        };
        properties = properties
            .set_column_dictionary_enabled(path.clone(), dictionary)
            .set_column_encoding(path, encoding);
    }
    for column in table.columns.iter().filter(|column| column.kind == Kind::Json) {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(column.name), false);
    }
    Ok(properties.build())
}

impl Buffer {
    fn of(column: &Column) -> Self {
        let values = match column.kind {
            Kind::Whole | Kind::Time => Values::Numbers(Vec::new()),
            Kind::Flag => Values::Flags(Vec::new()),
            Kind::Text | Kind::Word | Kind::Id | Kind::Json | Kind::Texts => {
                Values::Texts(Vec::new(), Vec::new())
            }
        };
        let list = column.kind == Kind::Texts;
        Self {
            values,
            nullable: column.nullable || list,
            present: Vec::new(),
            repeated: if list { Vec::with_capacity(1) } else { Vec::new() },
        }
    }

    /// Only a list has room for it from the beginning.
    fn is_list(&self) -> bool {
        self.repeated.capacity() > 0
    }

    /// Takes the value of the next row; gives its size.
    fn push(&mut self, cell: Cell<'_>) -> usize {
        match (&mut self.values, cell) {
            (Values::Texts(arena, ends), Cell::Texts(texts)) => {
                for (text, place) in texts.iter().zip(0..) {
                    arena.extend_from_slice(text.as_bytes());
                    ends.push(arena.len());
                    self.present.push(1);
                    self.repeated.push(i16::from(place > 0));
                }
                if texts.is_empty() {
                    self.present.push(0);
                    self.repeated.push(0);
                }
                return texts.iter().map(String::len).sum();
            }
            (Values::Numbers(numbers), Cell::Whole(number)) => numbers.push(number),
            (Values::Numbers(numbers), Cell::Time(ms)) => numbers.push(ms.saturating_mul(1000)),
            (Values::Flags(flags), Cell::Flag(flag)) => flags.push(flag),
            (Values::Texts(arena, ends), Cell::Text(text)) => {
                arena.extend_from_slice(text.as_bytes());
                ends.push(arena.len());
            }
            (_, other) => {
                debug_assert!(
                    self.nullable && matches!(other, Cell::Null),
                    "{other:?} stands in another column"
                );
                self.present.push(0);
                return 0;
            }
        }
        if self.nullable {
            self.present.push(1);
        }
        if let Cell::Text(text) = cell { text.len() } else { size_of::<i64>() }
    }
}

/// The texts that stand one behind the other, without copying them.
fn apart(arena: Vec<u8>, ends: &[usize]) -> Vec<ByteArray> {
    let (arena, mut start) = (Bytes::from(arena), 0);
    let each = ends.iter().map(|end| {
        let text = arena.slice(start..*end);
        start = *end;
        ByteArray::from(text)
    });
    each.collect()
}
