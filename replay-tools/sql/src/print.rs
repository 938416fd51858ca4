//! An answer is written: as a table for people, as CSV, as JSON lines or as Parquet; printed, or into a file that gets its
//! name when it is complete.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use datafusion::arrow::array::{Array, AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::{DataType, SchemaRef, TimeUnit, TimestampMicrosecondType};
use datafusion::arrow::json::writer::{LineDelimited, WriterBuilder};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use guichet_client::output::{Output, harmless_cell};
use guichet_history::HistoryError;
use guichet_history::lake::document;
use guichet_schemas::time::Timestamp;
use tokio::runtime::Handle;

use crate::args::{Format, SqlArgs};
use crate::ask::Answer;
use crate::error::SqlError;

/// Rows of a table for people: more are counted, and cut.
const TABLE_ROWS_MAX: usize = 10_000;

/// Writes an answer. False where it was cut.
pub(crate) async fn answer(args: &SqlArgs, mut answer: Answer, output: &Output) -> Result<bool, SqlError> {
    let form = args.form()?;
    let Some(file) = &args.out else {
        if form == Format::Table {
            return table(&mut answer, output).await;
        }
        let out = BufWriter::new(io::stdout());
        return tokio::task::block_in_place(|| into(form, out, &mut answer)).map(|()| true);
    };
    let mut failed = None;
    let written = tokio::task::block_in_place(|| {
        document(file, |to| {
            into(form, to, &mut answer).map_err(|error| match error {
                SqlError::History(error) => error,
                other @ SqlError::Question { .. } => {
                    failed = Some(other);
                    HistoryError::from(io::Error::other("the answer failed"))
                }
            })
        })
    });
    match (failed, written) {
        (Some(error), _) => Err(error),
        (None, written) => {
            written?;
            output.note(&format!("{} is written", file.display()));
            Ok(true)
        }
    }
}

/// The next rows. Waits on a thread that may.
fn next(answer: &mut Answer) -> Result<Option<RecordBatch>, SqlError> {
    Handle::current().block_on(answer.next())
}

fn into(form: Format, mut to: impl Write + Send, answer: &mut Answer) -> Result<(), SqlError> {
    match form {
        Format::Table => as_table(to, answer),
        Format::Csv => csv_into(&mut to, answer),
        Format::Json => {
            let mut writer =
                WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut to);
            while let Some(batch) = next(answer)? {
                writer.write(&batch).map_err(failed)?;
            }
            writer.finish().map_err(failed)?;
            drop(writer);
            Ok(to.flush()?)
        }
        Format::Parquet => {
            let level = ZstdLevel::try_new(3).map_err(io::Error::other)?;
            let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
            let writer = ArrowWriter::try_new(&mut to, SchemaRef::clone(&answer.schema), Some(properties));
            let mut writer = writer.map_err(io::Error::other)?;
            while let Some(batch) = next(answer)? {
                writer.write(&batch).map_err(io::Error::other)?;
            }
            writer.close().map_err(io::Error::other)?;
            Ok(to.flush()?)
        }
    }
}

fn failed(error: datafusion::arrow::error::ArrowError) -> SqlError {
    SqlError::from(datafusion::error::DataFusionError::ArrowError(Box::new(error), None))
}

fn csv_into(to: &mut impl Write, answer: &mut Answer) -> Result<(), SqlError> {
    let mut writer = csv::Writer::from_writer(to);
    let wrong = |error: csv::Error| SqlError::from(io::Error::from(error));
    let names = answer.schema.fields().iter().map(|field| harmless_cell(field.name()).into_owned());
    writer.write_record(names.collect::<Vec<_>>()).map_err(wrong)?;
    while let Some(batch) = next(answer)? {
        let columns = columns(&batch)?;
        for row in 0..batch.num_rows() {
            // A number keeps its sign.
            let cells = columns.iter().map(|column| match column.cell(row) {
                (text, true) => harmless_cell(&text).into_owned(),
                (text, false) => text,
            });
            writer.write_record(cells.collect::<Vec<_>>()).map_err(wrong)?;
        }
    }
    Ok(writer.flush()?)
}

async fn table(answer: &mut Answer, output: &Output) -> Result<bool, SqlError> {
    let (mut rows, mut whole) = (Vec::new(), true);
    while let Some(batch) = answer.next().await? {
        let columns = columns(&batch)?;
        let room = TABLE_ROWS_MAX.saturating_sub(rows.len());
        let taken = batch.num_rows().min(room);
        rows.extend(
            (0..taken).map(|row| columns.iter().map(|column| column.cell(row).0).collect::<Vec<_>>()),
        );
        if taken < batch.num_rows() {
            whole = false;
            break;
        }
    }
    let names: Vec<_> = answer.schema.fields().iter().map(|field| field.name().to_uppercase()).collect();
    let count = rows.len();
    output.table(&names.iter().map(String::as_str).collect::<Vec<_>>(), rows)?;
    if whole {
        output.note(&format!("{count} {}", if count == 1 { "row" } else { "rows" }));
    } else {
        output.alarm(&format!(
            "these are the first {TABLE_ROWS_MAX} rows of more; --format csv, json or --out FILE writes all of them"
        ));
    }
    Ok(whole)
}

/// A table in a file has no terminal that sets its width, and its rows are held until all are there.
fn as_table(mut to: impl Write, answer: &mut Answer) -> Result<(), SqlError> {
    let names = answer.schema.fields().iter().map(|field| field.name().clone());
    writeln!(to, "{}", names.collect::<Vec<_>>().join("\t"))?;
    while let Some(batch) = next(answer)? {
        let columns = columns(&batch)?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| column.cell(row).0.replace(['\t', '\n', '\r'], " "));
            writeln!(to, "{}", cells.collect::<Vec<_>>().join("\t"))?;
        }
    }
    Ok(to.flush()?)
}

/// A column whose values become texts.
struct Shown<'a> {
    array: &'a dyn Array,
    formatter: ArrayFormatter<'a>,
}

const PLAIN: FormatOptions<'static> = FormatOptions::new();

fn columns(batch: &RecordBatch) -> Result<Vec<Shown<'_>>, SqlError> {
    let shown = batch.columns().iter().map(|array| {
        let formatter = ArrayFormatter::try_new(array, &PLAIN).map_err(failed)?;
        Ok(Shown { array: &**array, formatter })
    });
    shown.collect()
}

impl Shown<'_> {
    /// The value of a row as text; true where it is one that somebody wrote.
    fn cell(&self, row: usize) -> (String, bool) {
        if self.array.is_null(row) {
            return (String::new(), false);
        }
        match self.array.data_type() {
            // As everywhere else, without six zeros.
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == crate::batches::UTC => {
                let micros = self.array.as_primitive::<TimestampMicrosecondType>().value(row);
                if micros.rem_euclid(1000) == 0 {
                    return (Timestamp(micros.div_euclid(1000)).to_string(), false);
                }
                (self.formatter.value(row).to_string(), false)
            }
            DataType::List(inner) if inner.data_type() == &DataType::Utf8View => {
                let list = self.array.as_list::<i32>().value(row);
                let texts: Vec<Cow<'_, str>> =
                    list.as_string_view().iter().flatten().map(Cow::Borrowed).collect();
                (texts.join(" "), true)
            }
            kind => (self.formatter.value(row).to_string(), !kind.is_numeric()),
        }
    }
}
