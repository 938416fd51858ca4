//! A question is planned and answered: over tables that cannot be written, in bounded memory.

use std::io::Read as _;
use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{
    CatalogProvider as _, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider as _,
};
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::prelude::{Expr, SQLOptions, SessionConfig, SessionContext, col, lit};
use datafusion::scalar::ScalarValue;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use guichet_client::exit;
use guichet_client::output::Output;
use guichet_history::HistoryError;
use guichet_history::export::unsigned;
use tempfile::TempDir;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::SqlArgs;
use crate::batches::UTC;
use crate::error::SqlError;
use crate::events::Events;
use crate::folded::{self, Folded};
use crate::lake::Lake;
use crate::past::{Cut, Ground, Held, Past};
use crate::reports::{self, ReportFunction, ReportTable};
use crate::{order, print};

const CATALOG: &str = "guichet";
const DESK: &str = "desk";
const REPORTS: &str = "reports";
/// Those who hold the most memory are named where there is not enough.
const NAMED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// An answer that is being made.
pub struct Answer {
    /// Its columns.
    pub schema: SchemaRef,
    pub rows: SendableRecordBatchStream,
    /// Records behind the newest checkpoint, left out.
    pub unsigned: u64,
    /// What of the history is not there, in words.
    pub note: Option<String>,
    /// Ctrl-C: heard from the beginning, so that nothing is left behind.
    interrupted: Signal,
    /// Where what does not fit the memory goes; removed with the answer.
    _spill: TempDir,
}

/// Answers a question and writes the answer. Boxed, so that whoever waits for it does not compile it again.
///
/// # Errors
/// The question is wrong, the history cannot be read, or the answer not be written.
pub fn run(args: &SqlArgs, past: Past) -> LocalBoxFuture<'_, Result<u8, SqlError>> {
    Box::pin(answer(args, past))
}

async fn answer(args: &SqlArgs, past: Past) -> Result<u8, SqlError> {
    args.check()?;
    let output = Output::new(&args.output);
    let answer = ask(args, past).await?;
    if let Some(note) = &answer.note {
        output.note(note);
    }
    let left_out = answer.unsigned;
    let whole = print::answer(args, answer, &output).await?;
    let code = unsigned(left_out, &output);
    Ok(if whole { code } else { exit::REFUSED })
}

impl Answer {
    /// The next rows.
    ///
    /// # Errors
    /// They cannot be made, or somebody pressed Ctrl-C.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, SqlError> {
        tokio::select! {
            batch = self.rows.next() => Ok(batch.transpose()?),
            _ = self.interrupted.recv() => Err(SqlError::Question {
                message: "stopped: the answer is not complete".to_owned(),
                code: exit::REFUSED,
            }),
        }
    }
}

/// Plans a question. Rows are made as they are taken.
///
/// # Errors
/// The question is wrong, or the history cannot be read.
pub async fn ask(args: &SqlArgs, past: Past) -> Result<Answer, SqlError> {
    let question = question(&args.question)?;
    let interrupted = signal(SignalKind::interrupt())?;
    let (ground, unsigned, note) = ground(args, past)?;
    let spill = tempfile::Builder::new().prefix("guichet-sql-").tempdir()?;
    let context = context(args, &spill)?;
    let ground = Arc::new(ground);
    register(&context, &ground, &args.set)?;
    let only_questions =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = context.sql_with_options(&question, only_questions).await?;
    if order::is_settled(frame.logical_plan()) {
        ground.take_any_order();
    }
    let schema = Arc::clone(frame.schema().inner());
    let rows = frame.execute_stream().await?;
    Ok(Answer { schema, rows, unsigned, note, interrupted, _spill: spill })
}

fn question(given: &str) -> Result<String, SqlError> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn ground(args: &SqlArgs, past: Past) -> Result<(Ground, u64, Option<String>), SqlError> {
    let tenant = args.connect.tenant.as_str().to_owned();
    let (held, newest, unsigned, note) = match past {
        Past::Log(history) => {
            let (head, unsigned) = (history.head, history.unsigned);
            (Held::Log(history), head, unsigned, None)
        }
        Past::Export(dir) => {
            let lake = Lake::open(&dir, &tenant)?;
            let (position, note) = (lake.position(), lake.note());
            (Held::Lake(lake), position, 0, note)
        }
    };
    let last = args.as_of_position.unwrap_or(newest);
    if last > newest {
        return Err(SqlError::History(HistoryError::usage(format!(
            "position {last} is beyond position {newest}, the newest that can be asked"
        ))));
    }
    Ok((Ground::new(held, tenant, Cut { last, before: args.as_of }), unsigned, note))
}

fn context(args: &SqlArgs, spill: &TempDir) -> Result<SessionContext, SqlError> {
    let config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, DESK)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true);
    let bytes = usize::try_from(args.memory.saturating_mul(1 << 20)).unwrap_or(usize::MAX);
    let pool = TrackConsumersPool::new(FairSpillPool::new(bytes), NAMED);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_temp_file_path(spill.path())
        .build_arc()?;
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

fn register(context: &SessionContext, ground: &Arc<Ground>, set: &[String]) -> Result<(), DataFusionError> {
    let catalog = Arc::new(MemoryCatalogProvider::new());
    let (desk, figures) = (Arc::new(MemorySchemaProvider::new()), Arc::new(MemorySchemaProvider::new()));
    desk.register_table("events".to_owned(), events(ground)?)?;
    for of in folded::ALL {
        let exported = match ground.held() {
            // Its tables are as of its end, and no earlier.
            Held::Lake(lake) if ground.cut.last == lake.position() && ground.cut.before.is_none() => {
                lake.table(of.table)?
            }
            Held::Lake(_) | Held::Log(_) => None,
        };
        let table = exported.unwrap_or_else(|| Arc::new(Folded::new(Arc::clone(ground), of)));
        desk.register_table(of.table.name.to_owned(), table)?;
    }
    for (name, kind) in reports::all() {
        let table = ReportTable::new(Arc::clone(ground), kind, set.to_vec());
        figures.register_table(name.to_owned(), Arc::new(table))?;
    }
    catalog.register_schema(DESK, desk)?;
    catalog.register_schema(REPORTS, figures)?;
    context.register_catalog(CATALOG, catalog);
    context.register_udtf("report", Arc::new(ReportFunction(Arc::clone(ground))));
    Ok(())
}

fn events(ground: &Arc<Ground>) -> Result<Arc<dyn datafusion::catalog::TableProvider>, DataFusionError> {
    let Held::Lake(lake) = ground.held() else { return Ok(Arc::new(Events::new(Arc::clone(ground)))) };
    let files = lake.events()?;
    let Some(counts) = counts(ground.cut, lake.position()) else { return Ok(files) };
    let plan = LogicalPlanBuilder::scan("files", provider_as_source(files), None)?.filter(counts)?.build()?;
    Ok(Arc::new(datafusion::datasource::ViewTable::new(plan, None)))
}

/// Which events of an export count; none where all do.
fn counts(cut: Cut, newest: u64) -> Option<Expr> {
    let position = i64::try_from(cut.last).ok().filter(|_| cut.last < newest);
    let position = position.map(|last| col("position").lt_eq(lit(last)));
    let before = cut.before.map(|before| {
        let micros = before.0.saturating_mul(1000);
        col("occurred_at").lt(lit(ScalarValue::TimestampMicrosecond(Some(micros), Some(UTC.into()))))
    });
    match (position, before) {
        (Some(position), Some(before)) => Some(position.and(before)),
        (position, before) => position.or(before),
    }
}
