//! The built-in reports as tables: `reports.backlog` with the fields of `--set`, and the function `report` with fields of
//! its own. Rows, columns and meanings are those of the query `report_…`; a field within a field is joined by an
//! underscore.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use guichet_history::HistoryError;
use guichet_replay_tools::body::BodyArgs;
use guichet_reports::{BusinessHours, Defined, Kind, Look, Params, Report};
use guichet_schemas::json::query;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query::Data as Asked;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{DESCRIPTORS, ReportQuery};
use guichet_schemas::{any_report, each_report};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind as Type, MessageDescriptor};
use serde_json::Value;

use crate::batches::time;
use crate::error::outside;
use crate::past::Ground;

/// Names of reports as queries begin with it; the tables are called without.
const PREFIX: &str = "report_";
/// Fields of a row below this number say of what it is.
const FIRST_FIGURE: u32 = 20;
/// An instant, among the forms of a number in JSON.
const AS_TIME: i32 = 1;

/// A column of a report.
#[derive(Debug, Clone)]
pub struct ReportColumn {
    pub name: String,
    /// What stands in it.
    pub kind: DataType,
    /// What it means.
    pub about: String,
    /// Where its value stands in the row.
    path: Vec<String>,
}

/// The reports, by the names of their tables.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Kind)> {
    Kind::ALL.iter().map(|kind| (name(*kind), *kind))
}

fn name(kind: Kind) -> &'static str {
    kind.as_str().trim_start_matches(PREFIX)
}

/// The columns of the report of this name, without `report_`, with what they mean; none where there is no such report.
#[must_use]
pub fn columns(name: &str) -> Vec<ReportColumn> {
    all().find(|(known, _)| *known == name).map_or_else(Vec::new, |(_, kind)| shape(kind, comment).columns)
}

/// The columns of a report, and the list each of whose entries is a row of its own.
struct Shape {
    columns: Vec<ReportColumn>,
    each: Option<String>,
}

fn shape(kind: Kind, about: fn(&FieldDescriptor) -> String) -> Shape {
    let row = row(kind).map_or_else(Vec::new, |row| row.fields().collect::<Vec<_>>());
    let figures: Vec<_> = row.iter().filter(|field| field.number() >= FIRST_FIGURE).collect();
    // A row with nothing but a list would be JSON alone.
    let each = match figures.as_slice() {
        [only] if only.is_list() => Some(only.name().to_owned()),
        _ => None,
    };
    let mut columns = Vec::new();
    for field in &row {
        match (&each, field.kind().as_message()) {
            (Some(list), Some(entry)) if field.name() == list => {
                entry.fields().for_each(|inner| flatten(&inner, &[], about, &mut columns));
            }
            _ => flatten(field, &[], about, &mut columns),
        }
    }
    Shape { columns, each }
}

/// What a row of a report is.
fn row(kind: Kind) -> Option<MessageDescriptor> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS).ok()).as_ref()?;
    let reply = pool.get_message_by_name("guichet.v1.QueryReply")?;
    let report = reply.get_field_by_name(kind.as_str())?.kind().as_message()?.clone();
    report.get_field_by_name("rows")?.kind().as_message().cloned()
}

fn flatten(
    field: &FieldDescriptor,
    above: &[String],
    about: fn(&FieldDescriptor) -> String,
    to: &mut Vec<ReportColumn>,
) {
    let path = [above, &[field.name().to_owned()]].concat();
    if let (Some(message), false) = (field.kind().as_message(), field.is_list()) {
        message.fields().for_each(|inner| flatten(&inner, &path, about, to));
        return;
    }
    let kind = match field.kind() {
        _ if field.is_list() => DataType::Utf8View,
        Type::Double | Type::Float => DataType::Float64,
        Type::Bool => DataType::Boolean,
        Type::Int64 if is_time(field) => time(),
        Type::Int64 | Type::Uint64 | Type::Int32 | Type::Uint32 => DataType::Int64,
        _ => DataType::Utf8View,
    };
    to.push(ReportColumn { name: path.join("_"), kind, about: about(field), path });
}

fn is_time(field: &FieldDescriptor) -> bool {
    let options = field.options();
    let form = options.extensions().find(|(extension, _)| extension.full_name() == "guichet.v1.json");
    form.and_then(|(_, value)| value.as_enum_number()) == Some(AS_TIME)
}

/// What the contract says of a field.
fn comment(field: &FieldDescriptor) -> String {
    let file = field.parent_message().parent_file();
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let found = info.and_then(|info| info.location.iter().find(|location| location.path == field.path()));
    let text = found.and_then(|location| location.leading_comments.clone()).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn schema(columns: &[ReportColumn]) -> SchemaRef {
    let fields = columns.iter().map(|column| Field::new(&column.name, column.kind.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Reads the fields of a question.
///
/// # Errors
/// One that the report does not take.
fn read(kind: Kind, set: &[String]) -> Result<ReportQuery, HistoryError> {
    let name = kind.as_str();
    let body = BodyArgs { data: None, set: set.to_vec() };
    let json = body.json(|body| query::read(name, body.as_bytes()).is_ok())?;
    let read = query::read(name, json.as_bytes())
        .map_err(|error| HistoryError::usage(format!("{name} does not take this: {error}")))?;
    let common = (read.as_of, read.as_of_position, read.limit, &read.cursor);
    match read.data {
        _ if common != (None, None, None, &None) => {
            Err(HistoryError::usage("ask as of an instant with --as-of, and for some rows with LIMIT"))
        }
        Some(any_report!(Asked, query)) => Ok(query),
        _ => Err(HistoryError::usage(format!("{name} is no report"))),
    }
}

/// A report of a history.
pub(crate) struct ReportTable {
    ground: Arc<Ground>,
    kind: Kind,
    set: Vec<String>,
    schema: SchemaRef,
}

impl fmt::Debug for ReportTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name(self.kind)).field("set", &self.set).finish_non_exhaustive()
    }
}

impl ReportTable {
    pub(crate) fn new(ground: Arc<Ground>, kind: Kind, set: Vec<String>) -> Self {
        Self { ground, kind, set, schema: schema(&shape(kind, |_| String::new()).columns) }
    }
}

#[async_trait]
impl TableProvider for ReportTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let query = read(self.kind, &self.set).map_err(outside)?;
        if Kind::OF_CLOCKS.contains(&self.kind.as_str()) {
            self.ground.want_clocks();
        }
        let (ground, kind, schema) = (Arc::clone(&self.ground), self.kind, Arc::clone(&self.schema));
        let wanted = Wanted { ground, kind, query, schema: Arc::clone(&schema) };
        let plan =
            StreamingTableExec::try_new(schema, vec![Arc::new(wanted)], projection, None, false, limit)?;
        Ok(Arc::new(plan))
    }
}

struct Wanted {
    ground: Arc<Ground>,
    kind: Kind,
    query: ReportQuery,
    schema: SchemaRef,
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name(self.kind))
    }
}

impl PartitionStream for Wanted {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (ground, kind, query) = (Arc::clone(&self.ground), self.kind, self.query.clone());
        let memory = MemoryConsumer::new("what the reports are made of").register(context.memory_pool());
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), 1);
        let to = builder.tx();
        builder.spawn_blocking(move || {
            let rows = rows(&ground, kind, query, memory)?;
            let batch = batch(kind, &rows)?;
            // Nobody waits for it any more: so be it.
            drop(to.blocking_send(Ok(batch)));
            Ok(())
        });
        builder.build()
    }
}

/// The rows, as the query gives them in JSON.
fn rows(
    ground: &Ground,
    kind: Kind,
    mut query: ReportQuery,
    memory: MemoryReservation,
) -> Result<Vec<Value>, DataFusionError> {
    let figures = ground.figures(memory)?;
    let now = ground.cut.before.unwrap_or(figures.last);
    if query.from.is_none() {
        query.from = figures.first.map(|first| Timestamp(first.min(now.0.saturating_sub(1))).to_string());
    }
    let wrong = |problem: guichet_schemas::rejection::FieldError| {
        outside(HistoryError::usage(format!("{} does not take this: {problem}", kind.as_str())))
    };
    let (mut params, span) = Params::read(kind, &query, now.0).map_err(wrong)?;
    if kind.counts_open_hours() {
        let hours =
            BusinessHours::of(&figures.configuration, query.calendar.as_deref(), now).map_err(wrong)?;
        params = params.with_hours(hours);
    }
    if kind.takes_figure() {
        let defined = Defined::of(&figures.configuration, &query).map_err(wrong)?;
        let hours = defined.hours(&figures.configuration, now).map_err(wrong)?;
        params = params.with_figure(Some(defined)).with_hours(hours);
    }
    let mut report = Report::within(params, span);
    for history in figures.histories(kind) {
        report.add(&history.map_err(|damaged| DataFusionError::External(Box::new(damaged)))?);
    }
    let position = ground.cut.last.min(figures.position.max(1));
    Ok(json(&report.rows(span, Look::at(position, now.0).of(&figures.configuration))))
}

macro_rules! json_of {
    ($($of:ident { $($name:literal => $variant:ident: $answer:ident $about:tt)* })*) => {
        fn json(data: &Data) -> Vec<Value> {
            let rows = match data {
                $($(Data::$variant(report) => serde_json::to_value(&report.rows),)*)*
                _ => return Vec::new(),
            };
            match rows {
                Ok(Value::Array(rows)) => rows,
                Ok(_) | Err(_) => Vec::new(),
            }
        }
    };
}
each_report!([json_of]);

fn batch(kind: Kind, rows: &[Value]) -> Result<RecordBatch, DataFusionError> {
    let shape = shape(kind, |_| String::new());
    let rows: Vec<(&Value, Option<&Value>)> = match &shape.each {
        None => rows.iter().map(|row| (row, None)).collect(),
        Some(list) => rows
            .iter()
            .flat_map(|row| row[list].as_array().into_iter().flatten().map(move |entry| (row, Some(entry))))
            .collect(),
    };
    let arrays = shape.columns.iter().map(|column| array(column, &rows)).collect();
    Ok(RecordBatch::try_new(schema(&shape.columns), arrays)?)
}

fn array(column: &ReportColumn, rows: &[(&Value, Option<&Value>)]) -> ArrayRef {
    let values = rows.iter().map(|(row, entry)| {
        let of =
            |value: &'_ Value| column.path.iter().try_fold(value.clone(), |v, name| v.get(name).cloned());
        entry.and_then(of).or_else(|| of(row)).unwrap_or(Value::Null)
    });
    match &column.kind {
        DataType::Int64 => Arc::new(values.map(|value| value.as_i64()).collect::<Int64Array>()),
        DataType::Float64 => Arc::new(values.map(|value| value.as_f64()).collect::<Float64Array>()),
        DataType::Boolean => Arc::new(values.map(|value| value.as_bool()).collect::<BooleanArray>()),
        DataType::Timestamp(..) => {
            let micros = |value: Value| Some(Timestamp::parse(value.as_str()?)?.0.saturating_mul(1000));
            Arc::new(values.map(micros).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        _ => {
            let text = |value: Value| match value {
                Value::Null => None,
                Value::String(text) => Some(text),
                other => Some(other.to_string()),
            };
            Arc::new(values.map(text).collect::<StringViewArray>())
        }
    }
}

/// `report('backlog', 'group_by=channel', …)`.
#[derive(Debug)]
pub(crate) struct ReportFunction(pub(crate) Arc<Ground>);

impl TableFunctionImpl for ReportFunction {
    fn call_with_args(
        &self,
        args: TableFunctionArgs<'_, '_>,
    ) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let texts: Option<Vec<String>> = args.exprs().iter().map(literal).collect();
        let usage = |problem: String| outside(HistoryError::usage(problem));
        let Some((name, set)) = texts.as_deref().and_then(<[String]>::split_first) else {
            return Err(usage("report takes texts: report('backlog', 'group_by=channel')".to_owned()));
        };
        let known = all().find(|(known, _)| known == name);
        let Some((_, kind)) = known else {
            let names: Vec<_> = all().map(|(name, _)| name).collect();
            return Err(usage(format!("there is no report {name:?}; there are {}", names.join(", "))));
        };
        read(kind, set).map_err(outside)?;
        Ok(Arc::new(ReportTable::new(Arc::clone(&self.0), kind, set.to_vec())))
    }
}

fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/SQL.md");
    const BEGIN: &str = "<!-- columns of the reports -->\n";
    const END: &str = "<!-- end of the columns -->";

    #[test]
    fn the_page_describes_every_column_of_every_report() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("where the columns begin");
        let (_, after) = rest.split_once(END).expect("where they end");
        let described = format!("{before}{BEGIN}{}{END}{after}", section());
        if std::env::var_os("UPDATE_GOLDEN").is_some_and(|v| v == "1") {
            std::fs::write(PAGE, &described).unwrap();
        }
        assert!(
            std::fs::read_to_string(PAGE).unwrap() == described,
            "the page describes other columns; run UPDATE_GOLDEN=1 cargo test -p guichet-sql --features datafusion"
        );
    }

    fn section() -> String {
        let mut text = String::from("\n");
        let (shared, rest): (Vec<_>, Vec<_>) =
            columns("backlog").into_iter().partition(|column| all().all(|(name, _)| has(name, &column.name)));
        assert!(!shared.is_empty() && !rest.is_empty());
        table(&mut text, "Every report has these columns", &shared);
        for (name, _) in all() {
            let own = columns(name);
            let own: Vec<_> = own
                .into_iter()
                .filter(|column| !shared.iter().any(|known| known.name == column.name))
                .collect();
            table(&mut text, &format!("`reports.{name}`"), &own);
        }
        text
    }

    fn has(report: &str, column: &str) -> bool {
        columns(report).iter().any(|known| known.name == column)
    }

    fn table(text: &mut String, title: &str, columns: &[ReportColumn]) {
        write!(text, "{title}:\n\n| column | type | meaning |\n|---|---|---|\n").unwrap();
        for column in columns {
            let kind = match &column.kind {
                DataType::Int64 => "whole number",
                DataType::Float64 => "number",
                DataType::Boolean => "yes or no",
                DataType::Timestamp(..) => "instant",
                _ => "text",
            };
            writeln!(text, "| `{}` | {kind} | {} |", column.name, column.about.replace('|', "\\|")).unwrap();
        }
        text.push('\n');
    }

    #[test]
    fn names_of_columns_are_unique_and_a_list_alone_becomes_rows() {
        for (name, _) in all() {
            let columns = columns(name);
            let mut names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), columns.len(), "{name}");
        }
        assert!(has("sla", "metric") && has("sla", "attainment_value") && !has("sla", "metrics"));
        assert!(has("reopen_rate", "r1_value") && has("reopen_rate", "r5"));
    }
}
