//! Resolution time (4.4), one touch and first contact (4.7), over tickets resolved in a period and resolved at its end.

use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::{ResolutionTimeReport, ResolutionTimeRow};
use guichet_schemas::words::GroupBy;

use super::{At, Cells, Define, Follow, Sums, Table, add, ratio, same, walk};
use crate::durations::Durations;
use crate::history::History;
use crate::life::Life;
use crate::part;
use crate::periods::{Periods, Start};
use crate::report::Params;

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    resolved: i64,
    first: Durations,
    full: Durations,
    net: Durations,
    active: Durations,
    one_touch: i64,
    one_touch_zendesk: i64,
    first_contact: i64,
}

impl super::Cell for Cell {
    fn outside() -> Self {
        let [first, full, net, active] = std::array::from_fn(|_| Durations::blunt());
        Self { first, full, net, active, ..Self::default() }
    }

    fn bytes_of_sets(&self) -> usize {
        [&self.first, &self.full, &self.net, &self.active].map(Durations::bytes).iter().sum()
    }
}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct ResolutionTime(Cells<Cell>);

struct Follower<'a> {
    cells: &'a mut Cells<Cell>,
    group_by: Option<GroupBy>,
    sign: i64,
    resolved: bool,
}

impl<'a> Follow<'a> for Follower<'_> {
    fn moment(&mut self, _: Start, _: &Life<'a>, moment: &'a Moment, _: &Life<'a>) {
        self.resolved |= matches!(moment.what, Some(What::Resolved(_)));
    }

    fn end_of(&mut self, period: Start, life: &Life<'a>) {
        if !std::mem::take(&mut self.resolved) || !life.is_resolved() {
            return;
        }
        let (Some(first), Some((full, net, active))) = (life.first_resolved_at, life.resolution_times())
        else {
            return;
        };
        let cell = self.cells.at(&part::of(self.group_by, &life.now), period);
        add(&mut cell.resolved, self.sign);
        cell.first.add(first.saturating_sub(life.created_at), self.sign);
        cell.full.add(full, self.sign);
        cell.net.add(net, self.sign);
        cell.active.add(active, self.sign);
        if life.reopens == 0 && life.human_replies < 2 {
            add(&mut cell.one_touch_zendesk, self.sign);
            if life.human_replies == 1 {
                add(&mut cell.one_touch, self.sign);
                if life.has_at_most_one_agent() && life.escalations == 0 {
                    add(&mut cell.first_contact, self.sign);
                }
            }
        }
    }
}

impl Define for ResolutionTime {
    const HAS_SETS: bool = true;

    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for ResolutionTime {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        walk(history, periods, &mut Follower { cells: &mut self.0, group_by, sign, resolved: false });
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.0.merge(same::<Self>(other).0, |mine, more| {
            add(&mut mine.resolved, more.resolved);
            mine.first.merge(more.first);
            mine.full.merge(more.full);
            mine.net.merge(more.net);
            mine.active.merge(more.active);
            add(&mut mine.one_touch, more.one_touch);
            add(&mut mine.one_touch_zendesk, more.one_touch_zendesk);
            add(&mut mine.first_contact, more.first_contact);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, (): &()| -> ResolutionTimeRow {
            row!(
                table,
                at,
                ResolutionTimeRow {
                    first: Some(cell.first.figures()),
                    full: Some(cell.full.figures()),
                    net: Some(cell.net.figures()),
                    active: Some(cell.active.figures()),
                    one_touch: Some(ratio(cell.one_touch, cell.resolved)),
                    one_touch_zendesk: Some(ratio(cell.one_touch_zendesk, cell.resolved)),
                    fcr: Some(ratio(cell.first_contact, cell.resolved)),
                }
            )
        };
        Data::ReportResolutionTime(ResolutionTimeReport {
            rows: self.0.rows(table, |(): &mut (), _| {}, make),
        })
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
