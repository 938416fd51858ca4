//! Backlog ratio (4.1): what is left at the end of a period, by what was resolved in it.

use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::{BacklogReport, BacklogRow};
use guichet_schemas::words::{GroupBy, TicketState};

use super::{At, Cells, Define, Follow, Sums, Table, add, quotient, same, told, walk};
use crate::history::History;
use crate::life::Life;
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::Params;

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    created: i64,
    resolved: i64,
    resolve_events: i64,
    resolved_net: i64,
    reopened: i64,
    closed: i64,
    /// Tickets that became unresolved, less those that ceased to be. Summed over all periods: how many are.
    unresolved: i64,
    /// The same for new and open.
    actionable: i64,
}

impl super::Cell for Cell {}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct Backlog(Cells<Cell>);

struct Follower<'a> {
    cells: &'a mut Cells<Cell>,
    group_by: Option<GroupBy>,
    sign: i64,
    merged: bool,
    /// Where the last resolution of the period that is under way counts.
    resolved_in: Option<Part>,
}

impl<'a> Follow<'a> for Follower<'_> {
    fn moment(&mut self, period: Start, before: &Life<'a>, moment: &'a Moment, after: &Life<'a>) {
        let part = part::of(self.group_by, &after.now);
        let flow: Option<fn(&mut Cell) -> &mut i64> = match &moment.what {
            Some(What::Created(_)) if !self.merged => Some(|cell| &mut cell.created),
            Some(What::Resolved(_)) => {
                self.resolved_in = Some(part.clone());
                Some(|cell| &mut cell.resolve_events)
            }
            Some(What::Reopened(_)) => Some(|cell| &mut cell.reopened),
            // Closing what is closed is no second end.
            Some(What::Closed(_)) if before.state != Some(TicketState::Closed) => {
                Some(|cell| &mut cell.closed)
            }
            Some(_) | None => None,
        };
        if let Some(flow) = flow {
            add(flow(self.cells.at(&part, period)), self.sign);
        }
        let was = part::of(self.group_by, &before.now);
        self.stock(period, (&was, before.is_unresolved()), (&part, after.is_unresolved()), |c| {
            &mut c.unresolved
        });
        self.stock(period, (&was, before.is_actionable()), (&part, after.is_actionable()), |c| {
            &mut c.actionable
        });
    }

    fn end_of(&mut self, period: Start, life: &Life<'a>) {
        if let Some(part) = self.resolved_in.take() {
            let cell = self.cells.at(&part, period);
            add(&mut cell.resolved, self.sign);
            if life.is_resolved() {
                add(&mut cell.resolved_net, self.sign);
            }
        }
    }
}

impl Follower<'_> {
    /// Moves a ticket out of a stock, into one, or from one part of it to another.
    fn stock(&mut self, period: Start, was: (&Part, bool), is: (&Part, bool), of: fn(&mut Cell) -> &mut i64) {
        if was == is {
            return;
        }
        if was.1 {
            add(of(self.cells.at(was.0, period)), self.sign.saturating_neg());
        }
        if is.1 {
            add(of(self.cells.at(is.0, period)), self.sign);
        }
    }
}

impl Define for Backlog {
    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for Backlog {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let merged = history.is_merged();
        let mut follower = Follower { cells: &mut self.0, group_by, sign, merged, resolved_in: None };
        walk(history, periods, &mut follower);
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.0.merge(same::<Self>(other).0, |mine, more| {
            add(&mut mine.created, more.created);
            add(&mut mine.resolved, more.resolved);
            add(&mut mine.resolve_events, more.resolve_events);
            add(&mut mine.resolved_net, more.resolved_net);
            add(&mut mine.reopened, more.reopened);
            add(&mut mine.closed, more.closed);
            add(&mut mine.unresolved, more.unresolved);
            add(&mut mine.actionable, more.actionable);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let carry = |(unresolved, actionable): &mut (i64, i64), cell: &Cell| {
            add(unresolved, cell.unresolved);
            add(actionable, cell.actionable);
        };
        let make = |at: At<'_>, cell: &Cell, (unresolved, actionable): &(i64, i64)| -> BacklogRow {
            row!(
                table,
                at,
                BacklogRow {
                    created: told(cell.created),
                    resolved: told(cell.resolved),
                    resolve_events: told(cell.resolve_events),
                    reopened: told(cell.reopened),
                    closed: told(cell.closed),
                    unresolved_at_end: told(*unresolved),
                    backlog_ratio: quotient(*unresolved, cell.resolved),
                    backlog_ratio_events: quotient(*unresolved, cell.resolve_events),
                    no_denominator: cell.resolved == 0 && *unresolved != 0,
                    resolved_net: told(cell.resolved_net),
                    backlog_ratio_net: quotient(*unresolved, cell.resolved_net),
                    actionable_at_end: told(*actionable),
                }
            )
        };
        Data::ReportBacklog(BacklogReport { rows: self.0.rows(table, carry, make) })
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
