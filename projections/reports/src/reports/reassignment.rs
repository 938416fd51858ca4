//! Reassignment and ownership (4.8): a change from one assignee to another. Releasing a ticket and taking it again is
//! none, and neither is the first assignment. Groups are counted apart, by the same rule.

use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::{ReassignmentReport, ReassignmentRow};
use guichet_schemas::words::GroupBy;

use super::{At, Cells, Define, Follow, Sums, Table, add, ratio, same, told, walk};
use crate::history::History;
use crate::life::{Handover, Life};
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::Params;

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    reassignments: i64,
    tickets_reassigned: i64,
    group_changes: i64,
    /// Resolved by a person in the period, and resolved at its end.
    human_resolved: i64,
    /// Of these, with exactly one assignee ever.
    one_owner: i64,
}

impl super::Cell for Cell {}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct Reassignment(Cells<Cell>);

struct Follower<'a> {
    cells: &'a mut Cells<Cell>,
    group_by: Option<GroupBy>,
    sign: i64,
    reassigned_in: Option<Part>,
    resolved: bool,
}

impl<'a> Follow<'a> for Follower<'_> {
    fn moment(&mut self, period: Start, before: &Life<'a>, moment: &'a Moment, _: &Life<'a>) {
        self.resolved |= matches!(moment.what, Some(What::Resolved(_)));
        // In the part that hands over.
        let Some(handover) = before.handover(moment.what.as_ref()) else { return };
        let part = part::of(self.group_by, &before.now);
        let cell = self.cells.at(&part, period);
        match handover {
            Handover::Group => add(&mut cell.group_changes, self.sign),
            Handover::Agent => {
                add(&mut cell.reassignments, self.sign);
                self.reassigned_in.get_or_insert(part);
            }
        }
    }

    fn end_of(&mut self, period: Start, life: &Life<'a>) {
        if let Some(part) = self.reassigned_in.take() {
            add(&mut self.cells.at(&part, period).tickets_reassigned, self.sign);
        }
        if std::mem::take(&mut self.resolved) && life.is_resolved() && life.resolver_is_human {
            let cell = self.cells.at(&part::of(self.group_by, &life.now), period);
            add(&mut cell.human_resolved, self.sign);
            add(&mut cell.one_owner, if life.has_one_agent() { self.sign } else { 0 });
        }
    }
}

impl Define for Reassignment {
    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for Reassignment {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let mut follower =
            Follower { cells: &mut self.0, group_by, sign, reassigned_in: None, resolved: false };
        walk(history, periods, &mut follower);
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.0.merge(same::<Self>(other).0, |mine, more| {
            add(&mut mine.reassignments, more.reassignments);
            add(&mut mine.tickets_reassigned, more.tickets_reassigned);
            add(&mut mine.group_changes, more.group_changes);
            add(&mut mine.human_resolved, more.human_resolved);
            add(&mut mine.one_owner, more.one_owner);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, (): &()| -> ReassignmentRow {
            row!(
                table,
                at,
                ReassignmentRow {
                    reassignments: told(cell.reassignments),
                    tickets_reassigned: told(cell.tickets_reassigned),
                    group_changes: told(cell.group_changes),
                    ownership_continuity: Some(ratio(cell.one_owner, cell.human_resolved)),
                }
            )
        };
        Data::ReportReassignment(ReassignmentReport { rows: self.0.rows(table, |(): &mut (), _| {}, make) })
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
