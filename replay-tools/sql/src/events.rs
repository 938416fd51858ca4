//! The table of events: streamed from the log in the order of positions, decoded as far as the question needs.

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use guichet_history::HistoryError;
use guichet_history::rows::{Columns, Decoded};
use guichet_history::table::EVENTS;

use crate::batches::{self, Sink};
use crate::bounds::Bounds;
use crate::error::outside;
use crate::past::{Ground, Held};

/// The events of a log.
#[derive(Debug)]
pub(crate) struct Events {
    ground: Arc<Ground>,
    schema: SchemaRef,
}

/// Those that one question wants.
#[derive(Debug)]
struct Wanted {
    ground: Arc<Ground>,
    schema: SchemaRef,
    places: Vec<usize>,
    bounds: Bounds,
    range: (u64, u64),
    limit: Option<usize>,
}

impl Events {
    pub(crate) fn new(ground: Arc<Ground>) -> Self {
        Self { ground, schema: batches::schema(&EVENTS) }
    }

    fn ranges(&self, bounds: &Bounds) -> Result<Vec<(u64, u64)>, HistoryError> {
        let Held::Log(history) = self.ground.held() else { return Ok(Vec::new()) };
        Ok(self.ground.ranges(history, bounds.positions(history)?, false))
    }
}

#[async_trait]
impl TableProvider for Events {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let places = projection.cloned().unwrap_or_else(|| (0..EVENTS.columns.len()).collect());
        let schema = Arc::new(self.schema.project(&places)?);
        let bounds = Bounds::of(filters);
        // Searches the log for instants: not on a thread that others need.
        let ranges = tokio::task::block_in_place(|| self.ranges(&bounds)).map_err(outside)?;
        let wanted = ranges.into_iter().map(|range| -> Arc<dyn PartitionStream> {
            Arc::new(Wanted {
                ground: Arc::clone(&self.ground),
                schema: Arc::clone(&schema),
                places: places.clone(),
                bounds: bounds.clone(),
                range,
                limit,
            })
        });
        let wanted = wanted.collect();
        let by_position = schema.index_of("position").ok().map(|_| col("position", &schema)).transpose()?;
        let order = by_position.and_then(|position| {
            LexOrdering::new([PhysicalSortExpr::new(
                position,
                SortOptions { descending: false, nulls_first: false },
            )])
        });
        let plan = StreamingTableExec::try_new(schema, wanted, None, order, false, limit)?;
        Ok(Arc::new(plan))
    }
}

impl PartitionStream for Wanted {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (ground, bounds, range, limit) =
            (Arc::clone(&self.ground), self.bounds.clone(), self.range, self.limit);
        let columns = Columns::at(self.places.iter().copied());
        batches::stream(&EVENTS, (&self.schema, &self.places, limit), move |sink| {
            read(&ground, (&bounds, range), columns, limit, sink)
        })
    }
}

fn read(
    ground: &Ground,
    (bounds, range): (&Bounds, (u64, u64)),
    columns: Columns,
    limit: Option<usize>,
    sink: &mut Sink,
) -> Result<(), DataFusionError> {
    let Held::Log(history) = ground.held() else { return Ok(()) };
    let (mut decoded, mut left) = (Decoded::default(), limit.unwrap_or(usize::MAX));
    ground
        .heads(history, range, |head| {
            if left == 0 {
                return Ok(ControlFlow::Break(()));
            }
            if bounds.may_take(head) {
                decoded.read_for(head, columns)?;
                decoded.row_of(head, columns, &mut |cells| sink.row(cells))?;
                left = left.saturating_sub(1);
            }
            Ok(ControlFlow::Continue(()))
        })
        .map_err(outside)
}
