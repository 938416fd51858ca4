//! The funnel: of the tickets created in a period, how many have come to each milestone so far, and how long it took from
//! their creation: categorised, assigned, answered by a person, resolved, closed, rated. Merged tickets are left out.

use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::{FunnelReport, FunnelRow};
use guichet_schemas::words::GroupBy;

use super::{At, Cells, Define, Follow, Sums, Table, add, same, told, walk};
use crate::durations::Durations;
use crate::history::History;
use crate::life::Life;
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::Params;

/// Milestones after the creation, in the order of the row.
const MILESTONES: usize = 6;
const CATEGORISED: usize = 0;
const ASSIGNED: usize = 1;
const ANSWERED: usize = 2;
const RESOLVED: usize = 3;
const CLOSED: usize = 4;
const RATED: usize = 5;

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    created: i64,
    to: [Durations; MILESTONES],
}

impl super::Cell for Cell {
    fn outside() -> Self {
        Self { created: 0, to: std::array::from_fn(|_| Durations::blunt()) }
    }

    fn bytes_of_sets(&self) -> usize {
        self.to.iter().map(Durations::bytes).sum()
    }
}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct Funnel(Cells<Cell>);

/// When a ticket was created, and when it first came to each milestone.
struct Follower {
    group_by: Option<GroupBy>,
    created: Option<(Start, Part, i64)>,
    first: [Option<i64>; MILESTONES],
}

impl Follower {
    fn reach(&mut self, milestone: usize, at: i64) {
        if let Some(first) = self.first.get_mut(milestone) {
            first.get_or_insert(at);
        }
    }
}

impl<'a> Follow<'a> for Follower {
    fn moment(&mut self, period: Start, _: &Life<'a>, moment: &'a Moment, after: &Life<'a>) {
        let at = moment.at;
        match &moment.what {
            Some(What::Created(_)) => {
                self.created = Some((period, part::of(self.group_by, &after.now), at));
            }
            Some(What::Resolved(_)) => self.reach(RESOLVED, at),
            Some(What::Closed(_)) => self.reach(CLOSED, at),
            Some(What::Rated(_)) => self.reach(RATED, at),
            Some(What::Reply(reply)) if reply.human => self.reach(ANSWERED, at),
            Some(_) | None => {}
        }
        if !after.now.category.is_empty() {
            self.reach(CATEGORISED, at);
        }
        if !after.now.agent.is_empty() {
            self.reach(ASSIGNED, at);
        }
    }

    fn end_of(&mut self, _: Start, _: &Life<'a>) {}
}

impl Define for Funnel {
    const HAS_SETS: bool = true;

    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for Funnel {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        if history.is_merged() {
            return;
        }
        let mut follower = Follower { group_by, created: None, first: [None; MILESTONES] };
        walk(history, periods, &mut follower);
        let Some((period, part, created_at)) = follower.created else { return };
        let cell = self.0.at(&part, period);
        add(&mut cell.created, sign);
        for (to, first) in cell.to.iter_mut().zip(follower.first) {
            if let Some(at) = first {
                to.add(at.saturating_sub(created_at), sign);
            }
        }
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.0.merge(same::<Self>(other).0, |mine, more| {
            add(&mut mine.created, more.created);
            for (mine, more) in mine.to.iter_mut().zip(more.to) {
                mine.merge(more);
            }
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, (): &()| -> FunnelRow {
            let to = |milestone: usize| cell.to.get(milestone).map(Durations::figures);
            row!(
                table,
                at,
                FunnelRow {
                    created: told(cell.created),
                    to_categorised: to(CATEGORISED),
                    to_assigned: to(ASSIGNED),
                    to_first_reply: to(ANSWERED),
                    to_resolved: to(RESOLVED),
                    to_closed: to(CLOSED),
                    to_rated: to(RATED),
                }
            )
        };
        Data::ReportFunnel(FunnelReport { rows: self.0.rows(table, |(): &mut (), _| {}, make) })
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
