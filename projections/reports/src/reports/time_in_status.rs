//! Time in status: how long the stays in each state were that ended in a period, each of the part that the ticket was of
//! then. A stay that lasts is in no row; `report_ageing` shows those.

use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::{TimeInStatusReport, TimeInStatusRow};
use guichet_schemas::words::{GroupBy, TicketState};

use super::{At, Cells, Define, Follow, Sums, Table, same, walk};
use crate::durations::Durations;
use crate::history::History;
use crate::life::Life;
use crate::part;
use crate::periods::{Periods, Start};
use crate::report::Params;

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    new: Durations,
    open: Durations,
    pending: Durations,
    hold: Durations,
    resolved: Durations,
}

impl Cell {
    const fn stays(&mut self, state: TicketState) -> Option<&mut Durations> {
        Some(match state {
            TicketState::New => &mut self.new,
            TicketState::Open => &mut self.open,
            TicketState::Pending => &mut self.pending,
            TicketState::Hold => &mut self.hold,
            TicketState::Resolved => &mut self.resolved,
            TicketState::Closed | TicketState::Cancelled => return None,
        })
    }
}

impl super::Cell for Cell {
    fn outside() -> Self {
        let [new, open, pending, hold, resolved] = std::array::from_fn(|_| Durations::blunt());
        Self { new, open, pending, hold, resolved }
    }

    fn bytes_of_sets(&self) -> usize {
        [&self.new, &self.open, &self.pending, &self.hold, &self.resolved].map(Durations::bytes).iter().sum()
    }
}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct TimeInStatus(Cells<Cell>);

struct Follower<'a> {
    cells: &'a mut Cells<Cell>,
    group_by: Option<GroupBy>,
    sign: i64,
}

impl<'a> Follow<'a> for Follower<'_> {
    fn moment(&mut self, period: Start, before: &Life<'a>, moment: &'a Moment, after: &Life<'a>) {
        let Some(left) = before.state.filter(|state| Some(*state) != after.state) else { return };
        let cell = self.cells.at(&part::of(self.group_by, &before.now), period);
        if let Some(stays) = cell.stays(left) {
            stays.add(moment.at.saturating_sub(before.state_since), self.sign);
        }
    }

    fn end_of(&mut self, _: Start, _: &Life<'a>) {}
}

impl Define for TimeInStatus {
    const HAS_SETS: bool = true;

    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for TimeInStatus {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        walk(history, periods, &mut Follower { cells: &mut self.0, group_by, sign });
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.0.merge(same::<Self>(other).0, |mine, more| {
            mine.new.merge(more.new);
            mine.open.merge(more.open);
            mine.pending.merge(more.pending);
            mine.hold.merge(more.hold);
            mine.resolved.merge(more.resolved);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, (): &()| -> TimeInStatusRow {
            row!(
                table,
                at,
                TimeInStatusRow {
                    new: Some(cell.new.figures()),
                    open: Some(cell.open.figures()),
                    pending: Some(cell.pending.figures()),
                    hold: Some(cell.hold.figures()),
                    resolved: Some(cell.resolved.figures()),
                }
            )
        };
        Data::ReportTimeInStatus(TimeInStatusReport { rows: self.0.rows(table, |(): &mut (), _| {}, make) })
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
