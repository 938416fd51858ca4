//! The tables of what the tickets were: folded once, then streamed.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use guichet_history::HistoryError;
use guichet_history::filter::Filter;
use guichet_history::life::{Desk, Take};
use guichet_history::table::{ASSIGNMENTS, SLA_INSTANCES, STATUS_INTERVALS, TICKETS, Table};
use guichet_schemas::time::Timestamp;

use crate::batches;
use crate::error::outside;
use crate::past::Ground;

/// Rows of a table, as of an instant.
type Rows = fn(&Desk, Timestamp, &mut Take<'_>) -> Result<(), HistoryError>;

/// A table, with what its rows are.
#[derive(Clone, Copy)]
pub(crate) struct Of {
    pub(crate) table: &'static Table,
    rows: Rows,
    of_clocks: bool,
}

impl fmt::Debug for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.table.name)
    }
}

/// All of them.
pub(crate) const ALL: [Of; 4] = [
    Of { table: &TICKETS, rows: |desk, _, take| desk.tickets(&Filter::default(), take), of_clocks: false },
    Of {
        table: &STATUS_INTERVALS,
        rows: |desk, _, take| desk.statuses(&Filter::default(), take),
        of_clocks: false,
    },
    Of {
        table: &ASSIGNMENTS,
        rows: |desk, _, take| desk.assignments(&Filter::default(), take),
        of_clocks: false,
    },
    Of {
        table: &SLA_INSTANCES,
        rows: |desk, at, take| desk.clocks(&Filter::default(), at, take),
        of_clocks: true,
    },
];

/// One of them, of a history.
#[derive(Debug)]
pub(crate) struct Folded {
    ground: Arc<Ground>,
    of: Of,
    schema: SchemaRef,
}

impl Folded {
    pub(crate) fn new(ground: Arc<Ground>, of: Of) -> Self {
        Self { ground, of, schema: batches::schema(of.table) }
    }
}

#[derive(Debug)]
struct Wanted {
    ground: Arc<Ground>,
    of: Of,
    schema: SchemaRef,
    places: Vec<usize>,
}

#[async_trait]
impl TableProvider for Folded {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        if self.of.of_clocks {
            self.ground.want_clocks();
        }
        let places = projection.cloned().unwrap_or_else(|| (0..self.of.table.columns.len()).collect());
        let schema = Arc::new(self.schema.project(&places)?);
        let wanted =
            Wanted { ground: Arc::clone(&self.ground), of: self.of, schema: Arc::clone(&schema), places };
        let plan = StreamingTableExec::try_new(schema, vec![Arc::new(wanted)], None, None, false, limit)?;
        Ok(Arc::new(plan))
    }
}

impl PartitionStream for Wanted {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (ground, of) = (Arc::clone(&self.ground), self.of);
        let memory = MemoryConsumer::new("the tickets of the desk").register(context.memory_pool());
        batches::stream(of.table, (&self.schema, &self.places, None), move |sink| {
            let desk = ground.desk(memory)?;
            let at = ground.cut.before.unwrap_or_else(|| desk.last());
            (of.rows)(&desk, at, &mut |cells| sink.row(cells)).map_err(outside)
        })
    }
}
