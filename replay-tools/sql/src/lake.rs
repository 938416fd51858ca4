//! A folder of `guichet export` as a history: its Parquet files are the tables. What it has no file for, its events are
//! folded for, where it holds all of them.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::DataFusionError;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use guichet_client::ClientError;
use guichet_history::HistoryError;
use guichet_history::lake::{Format, Manifest};
use guichet_history::table::{EVENTS, Table};
use guichet_schemas::ids::{CommandId, CorrelationId, EventId};
use guichet_schemas::json::record::content_from;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire;
use guichet_schemas::words::{ActorKind, Channel, StreamKind};

use crate::batches;
use crate::past::Cut;

/// An export, as its manifest tells it.
pub(crate) struct Lake {
    dir: PathBuf,
    manifest: Manifest,
}

impl Lake {
    /// Opens the export of a desk.
    pub(crate) fn open(dir: &Path, tenant: &str) -> Result<Self, HistoryError> {
        let manifest = Manifest::read(dir)?;
        if manifest.format != Format::Parquet {
            return Err(HistoryError::usage(format!(
                "{} holds an export that is no Parquet; export it again, with --format parquet",
                dir.display()
            )));
        }
        if manifest.tenant != tenant {
            return Err(HistoryError::usage(format!(
                "{} is of the desk {}: name it with --tenant {}",
                dir.display(),
                manifest.tenant,
                manifest.tenant
            )));
        }
        let dir = std::path::absolute(dir)?;
        Ok(Self { dir, manifest })
    }

    /// The last position that was exported.
    pub(crate) const fn position(&self) -> u64 {
        self.manifest.position
    }

    /// True where every event of the desk up to its position is there.
    pub(crate) fn is_whole(&self) -> bool {
        self.manifest.from == 1 && self.manifest.filter.is_open()
    }

    /// What it does not hold, in words.
    pub(crate) fn note(&self) -> Option<String> {
        (!self.is_whole()).then(|| {
            format!(
                "{} holds the events from position {} to {}{}: tables are of those alone",
                self.dir.display(),
                self.manifest.from,
                self.manifest.position,
                if self.manifest.filter.is_open() { "" } else { " that its filter took" }
            )
        })
    }

    /// Its events.
    pub(crate) fn events(&self) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        self.listing(&EVENTS, self.manifest.files.iter().map(|file| file.path.as_str()))
    }

    /// One of its other tables, as of its end; none where it was not exported, or before more events were.
    pub(crate) fn table(
        &self,
        table: &'static Table,
    ) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let found = self.manifest.tables.iter().find(|file| file.name == table.name);
        let found = found.filter(|file| file.position == self.manifest.position);
        found.map(|file| self.listing(table, [file.path.as_str()].into_iter())).transpose()
    }

    fn listing<'a>(
        &self,
        table: &Table,
        files: impl Iterator<Item = &'a str>,
    ) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let urls = files.map(|file| ListingTableUrl::parse(self.dir.join(file).to_string_lossy()));
        let urls = urls.collect::<Result<Vec<_>, _>>()?;
        let schema = batches::schema(table);
        if urls.is_empty() {
            return Ok(Arc::new(datafusion::datasource::empty::EmptyTable::new(schema)));
        }
        let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
        let config =
            ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema);
        Ok(Arc::new(ListingTable::try_new(config)?))
    }

    /// Shows its events as records, oldest first. What only proofs need is not in them.
    pub(crate) fn records(
        &self,
        cut: Cut,
        mut show: impl FnMut(&Record) -> ControlFlow<()>,
    ) -> Result<(), HistoryError> {
        if !self.is_whole() {
            return Err(HistoryError::usage(format!(
                "{} does not hold every event, so that nothing can be folded from it; ask the desk, a backup or a whole \
                 export",
                self.dir.display()
            )));
        }
        for file in &self.manifest.files {
            let path = self.dir.join(&file.path);
            let broken = |problem: String| ClientError::File { path: path.clone(), problem };
            let opened = File::open(&path).map_err(|error| broken(error.to_string()))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(opened).and_then(|builder| builder.build());
            for batch in reader.map_err(|error| broken(error.to_string()))? {
                let batch = batch.map_err(|error| broken(error.to_string()))?;
                let rows = Rows::of(&batch).ok_or_else(|| broken("it has other columns".to_owned()))?;
                for row in 0..batch.num_rows() {
                    if rows.position(row) > cut.last {
                        return Ok(());
                    }
                    let record = rows.record(row, &self.manifest.tenant).map_err(&broken)?;
                    let counts = cut.before.is_none_or(|before| record.occurred_at < before);
                    if counts && show(&record).is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// The columns of a batch of events.
struct Rows<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let all = EVENTS.columns.iter().all(|column| batch.column_by_name(column.name).is_some());
        all.then_some(Self { batch })
    }

    fn whole(&self, name: &str, row: usize) -> u64 {
        let column =
            self.batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
        column.map_or(0, |column| u64::try_from(column.value(row)).unwrap_or(0))
    }

    fn small(&self, name: &str, row: usize) -> u32 {
        u32::try_from(self.whole(name, row)).unwrap_or(u32::MAX)
    }

    fn position(&self, row: usize) -> u64 {
        self.whole("position", row)
    }

    fn time(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.batch.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        column.is_valid(row).then(|| column.value(row).div_euclid(1000))
    }

    fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        let column = self.batch.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn record(&self, row: usize, tenant: &str) -> Result<Record, String> {
        let position = self.position(row);
        let wrong = |what: &str| format!("the row of position {position} has no {what} that can be read");
        let text = |name: &str| self.text(name, row);
        let need = |name: &'static str| text(name).ok_or_else(|| wrong(name));
        let kind = need("stream_kind")?;
        let r#type = need("type")?;
        let content = content_from(r#type, need("data")?)
            .map_err(|error| format!("the event of position {position} cannot be read: {error}"))?;
        let id = |name: &str| text(name).and_then(CorrelationId::parse).to_wire();
        let actor = wire::Actor {
            kind: ActorKind::parse(need("actor_kind")?).ok_or_else(|| wrong("actor_kind"))?.to_wire(),
            id: need("actor")?.to_owned(),
            on_behalf_of: text("on_behalf_of").map(str::to_owned),
        };
        let nothing = || vec![0; 32];
        let record = wire::Record {
            position,
            partition: 0,
            epoch: self.whole("epoch", row),
            tenant: tenant.to_owned(),
            stream_kind: StreamKind::parse(kind).ok_or_else(|| wrong("stream_kind"))?.to_wire(),
            stream_id: text("ticket_id").or_else(|| text("stream_id")).unwrap_or_default().to_owned(),
            version: self.whole("version", row),
            event_id: EventId::parse(need("event_id")?).ok_or_else(|| wrong("event_id"))?.to_wire(),
            r#type: r#type.to_owned(),
            schema_version: self.small("schema_version", row),
            recorded_at: self.time("recorded_at", row).ok_or_else(|| wrong("recorded_at"))?,
            occurred_at: self.time("occurred_at", row).ok_or_else(|| wrong("occurred_at"))?,
            caller: need("caller")?.to_owned(),
            actor: Some(actor),
            command_id: CommandId::parse(need("command_id")?).ok_or_else(|| wrong("command_id"))?.to_wire(),
            request_hash: nothing(),
            channel: text("channel").and_then(Channel::parse).to_wire(),
            causation_id: id("causation_id"),
            correlation_id: id("correlation_id"),
            traceparent: None,
            config_version: self.whole("config_version", row),
            prev_hash: nothing(),
            source_time: self.time("source_time", row),
            command_index: self.small("command_index", row),
            command_count: self.small("command_count", row),
            data: Some(content),
        };
        Record::from_wire(record)
            .map_err(|error| format!("the row of position {position} is no event: {error}"))
    }
}
