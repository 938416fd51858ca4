//! Rows as Arrow: the schema of a table, and the batches that are built of its cells.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, ListBuilder, RecordBatch, RecordBatchOptions, StringViewBuilder,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use guichet_history::HistoryError;
use guichet_history::table::{Cell, Column, Kind, Table};
use tokio::sync::mpsc::Sender;

use crate::error::outside;

/// Rows of a batch.
const ROWS: usize = 8192;
/// Content beyond this ends a batch early: rows may be of any size.
const BYTES: usize = 8 << 20;
/// Batches that wait to be taken.
const AHEAD: usize = 2;
pub(crate) const UTC: &str = "UTC";

/// An instant.
pub(crate) fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// The schema of a table, as its Parquet files have it too.
pub(crate) fn schema(table: &Table) -> SchemaRef {
    let fields = table.columns.iter().map(|column| Field::new(column.name, kind(column), column.nullable));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn kind(column: &Column) -> DataType {
    match column.kind {
        Kind::Whole => DataType::Int64,
        Kind::Time => time(),
        Kind::Flag => DataType::Boolean,
        Kind::Text | Kind::Word | Kind::Id | Kind::Json => DataType::Utf8View,
        Kind::Texts => DataType::List(Arc::new(element())),
    }
}

fn element() -> Field {
    Field::new("element", DataType::Utf8View, false)
}

/// Rows that go to whoever reads the stream.
pub(crate) struct Sink {
    schema: SchemaRef,
    /// Places of the cells that are wanted, each with what is built of them.
    columns: Vec<(usize, Builder)>,
    rows: usize,
    bytes: usize,
    rows_max: usize,
    to: Sender<Result<RecordBatch, DataFusionError>>,
    gone: bool,
}

enum Builder {
    Whole(Int64Builder),
    Time(TimestampMicrosecondBuilder),
    Flag(BooleanBuilder),
    Text(StringViewBuilder),
    Texts(ListBuilder<StringViewBuilder>),
}

/// A stream of the rows that are made on a thread of their own. Where nobody takes them any more, making them ends.
pub(crate) fn stream(
    table: &'static Table,
    (schema, places, limit): (&SchemaRef, &[usize], Option<usize>),
    make: impl FnOnce(&mut Sink) -> Result<(), DataFusionError> + Send + 'static,
) -> SendableRecordBatchStream {
    let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(schema), AHEAD);
    let mut sink = Sink {
        schema: Arc::clone(schema),
        columns: places.iter().map(|place| (*place, Builder::of(table.columns[*place].kind))).collect(),
        rows: 0,
        bytes: 0,
        rows_max: limit.unwrap_or(ROWS).clamp(1, ROWS),
        to: builder.tx(),
        gone: false,
    };
    builder.spawn_blocking(move || {
        let made = make(&mut sink).and_then(|()| sink.flush().map_err(outside));
        // Whoever went away wants no error either.
        if sink.gone { Ok(()) } else { made }
    });
    builder.build()
}

impl Sink {
    /// Takes a row: all its cells, in the order of the columns of the table.
    ///
    /// # Errors
    /// Nobody takes it.
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), HistoryError> {
        for (place, builder) in &mut self.columns {
            if let Some(cell) = cells.get(*place) {
                self.bytes = self.bytes.saturating_add(builder.push(*cell));
            }
        }
        self.rows = self.rows.saturating_add(1);
        if self.rows >= self.rows_max || self.bytes >= BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), HistoryError> {
        if self.rows == 0 {
            return Ok(());
        }
        let arrays: Vec<ArrayRef> = self.columns.iter_mut().map(|(_, builder)| builder.finish()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(|error: ArrowError| std::io::Error::other(error))?;
        (self.rows, self.bytes) = (0, 0);
        if self.to.blocking_send(Ok(batch)).is_err() {
            self.gone = true;
            return Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
        }
        Ok(())
    }
}

impl Builder {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Whole => Self::Whole(Int64Builder::new()),
            Kind::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone(UTC)),
            Kind::Flag => Self::Flag(BooleanBuilder::new()),
            Kind::Text | Kind::Word | Kind::Id | Kind::Json => Self::Text(StringViewBuilder::new()),
            Kind::Texts => Self::Texts(ListBuilder::new(StringViewBuilder::new()).with_field(element())),
        }
    }

    /// Takes the value of the next row; gives about its size.
    fn push(&mut self, cell: Cell<'_>) -> usize {
        match (self, cell) {
            (Self::Whole(builder), Cell::Whole(number)) => builder.append_value(number),
            (Self::Time(builder), Cell::Time(ms)) => builder.append_value(ms.saturating_mul(1000)),
            (Self::Flag(builder), Cell::Flag(flag)) => builder.append_value(flag),
            (Self::Text(builder), Cell::Text(text)) => {
                builder.append_value(text);
                return text.len().saturating_add(16);
            }
            (Self::Texts(builder), Cell::Texts(texts)) => {
                texts.iter().for_each(|text| builder.values().append_value(text));
                builder.append(true);
                return texts.iter().map(|text| text.len().saturating_add(16)).sum();
            }
            (Self::Whole(builder), _) => builder.append_null(),
            (Self::Time(builder), _) => builder.append_null(),
            (Self::Flag(builder), _) => builder.append_null(),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Texts(builder), _) => builder.append(false),
        }
        8
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Whole(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Flag(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Texts(builder) => Arc::new(builder.finish()),
        }
    }
}
