//! Closure rate (4.5): by flow, distinct resolved by net created; by cohort, how many of those created are resolved.

use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::{ClosureReport, ClosureRow};
use guichet_schemas::words::{GroupBy, TicketState};

use super::{At, Cells, Define, Follow, Sums, Table, add, ratio, same, told, walk};
use crate::history::History;
use crate::life::Life;
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::Params;

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    created: i64,
    /// Of these, resolved at the end of the period of their creation.
    created_and_resolved: i64,
    resolved: i64,
    closed: i64,
}

impl super::Cell for Cell {}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct Closure(Cells<Cell>);

struct Follower<'a> {
    cells: &'a mut Cells<Cell>,
    group_by: Option<GroupBy>,
    sign: i64,
    merged: bool,
    created_in: Option<Part>,
    resolved_in: Option<Part>,
}

impl<'a> Follow<'a> for Follower<'_> {
    fn moment(&mut self, period: Start, before: &Life<'a>, moment: &'a Moment, after: &Life<'a>) {
        match &moment.what {
            Some(What::Created(_)) if !self.merged => {
                let part = part::of(self.group_by, &after.now);
                add(&mut self.cells.at(&part, period).created, self.sign);
                self.created_in = Some(part);
            }
            Some(What::Resolved(_)) => self.resolved_in = Some(part::of(self.group_by, &after.now)),
            Some(What::Closed(_)) if before.state != Some(TicketState::Closed) => {
                add(&mut self.cells.at(&part::of(self.group_by, &after.now), period).closed, self.sign);
            }
            Some(_) | None => {}
        }
    }

    fn end_of(&mut self, period: Start, life: &Life<'a>) {
        if let Some(part) = self.created_in.take().filter(|_| life.is_resolved()) {
            add(&mut self.cells.at(&part, period).created_and_resolved, self.sign);
        }
        if let Some(part) = self.resolved_in.take() {
            add(&mut self.cells.at(&part, period).resolved, self.sign);
        }
    }
}

impl Define for Closure {
    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for Closure {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let merged = history.is_merged();
        let mut follower =
            Follower { cells: &mut self.0, group_by, sign, merged, created_in: None, resolved_in: None };
        walk(history, periods, &mut follower);
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.0.merge(same::<Self>(other).0, |mine, more| {
            add(&mut mine.created, more.created);
            add(&mut mine.created_and_resolved, more.created_and_resolved);
            add(&mut mine.resolved, more.resolved);
            add(&mut mine.closed, more.closed);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, (): &()| -> ClosureRow {
            row!(
                table,
                at,
                ClosureRow {
                    created_net: told(cell.created),
                    resolved: told(cell.resolved),
                    closed: told(cell.closed),
                    closure_rate_flow: Some(ratio(cell.resolved, cell.created)),
                    closure_rate_cohort: Some(ratio(cell.created_and_resolved, cell.created)),
                }
            )
        };
        Data::ReportClosure(ClosureReport { rows: self.0.rows(table, |(): &mut (), _| {}, make) })
    }

    fn narrow(&mut self, within: (Start, Start)) {
        self.0.narrow(within);
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn bytes_of_cells(&self) -> usize {
        self.0.bytes_of_cells()
    }
}
