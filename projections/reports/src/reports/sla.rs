//! SLA attainment (4.13): of each metric, clocks that ended in time, and clocks that were broken, each in its period.

use std::collections::BTreeMap;

use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{ClockStep, Moment};
use guichet_schemas::wire::{SlaMetricRow, SlaReport, SlaRow};
use guichet_schemas::words::{GroupBy, SlaMetric};

use super::{At, Cells, Define, Follow, Sums, Table, add, ratio, same, told, walk};
use crate::history::History;
use crate::life::Life;
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::Params;

/// By the metric's number on the wire.
type Cell = BTreeMap<i32, Counts>;

#[derive(Debug, Clone, Default, PartialEq)]
struct Counts {
    met: i64,
    met_by_resolve: i64,
    breached: i64,
    voided: i64,
}

impl super::Cell for Cell {
    fn bytes_of_sets(&self) -> usize {
        self.len().saturating_mul(super::entry_bytes(size_of::<(i32, Counts)>()))
    }
}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct Sla(Cells<Cell>);

/// How a clock stands at the end of the walk, and where it counts.
struct Clock {
    part: Part,
    period: Start,
    step: ClockStep,
}

#[derive(Default)]
struct Follower {
    group_by: Option<GroupBy>,
    clocks: BTreeMap<(i32, u32), Clock>,
}

impl<'a> Follow<'a> for Follower {
    fn moment(&mut self, period: Start, _: &Life<'a>, moment: &'a Moment, after: &Life<'a>) {
        let Some(What::Clock(clock)) = &moment.what else { return };
        let key = (clock.metric, clock.instance);
        let here = |step| Clock { part: part::of(self.group_by, &after.now), period, step };
        match clock.step() {
            ClockStep::Unspecified => {}
            // A broken promise counts once, where it was broken, whatever comes later.
            step @ (ClockStep::Breached | ClockStep::Met | ClockStep::MetByResolve) => {
                let broken = |known: &Clock| matches!(known.step, ClockStep::Breached | ClockStep::Voided);
                if !self.clocks.get(&key).is_some_and(broken) {
                    self.clocks.insert(key, here(step));
                }
            }
            ClockStep::Voided => {
                if let Some(known) = self.clocks.get_mut(&key) {
                    known.step = ClockStep::Voided;
                }
            }
            ClockStep::Resumed => {
                let met = |known: &Clock| matches!(known.step, ClockStep::Met | ClockStep::MetByResolve);
                if self.clocks.get(&key).is_some_and(met) {
                    self.clocks.remove(&key);
                }
            }
        }
    }

    fn end_of(&mut self, _: Start, _: &Life<'a>) {}
}

impl Define for Sla {
    const HAS_SETS: bool = true;

    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for Sla {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let mut follower = Follower { group_by, ..Follower::default() };
        walk(history, periods, &mut follower);
        for ((metric, _), clock) in follower.clocks {
            let counts = self.0.at(&clock.part, clock.period).entry(metric).or_default();
            match clock.step {
                ClockStep::Breached => add(&mut counts.breached, sign),
                ClockStep::Voided => add(&mut counts.voided, sign),
                ClockStep::Met => add(&mut counts.met, sign),
                ClockStep::MetByResolve => {
                    add(&mut counts.met, sign);
                    add(&mut counts.met_by_resolve, sign);
                }
                ClockStep::Resumed | ClockStep::Unspecified => {}
            }
        }
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.0.merge(same::<Self>(other).0, |mine, more| {
            for (metric, more) in more {
                let mine = mine.entry(metric).or_default();
                add(&mut mine.met, more.met);
                add(&mut mine.met_by_resolve, more.met_by_resolve);
                add(&mut mine.breached, more.breached);
                add(&mut mine.voided, more.voided);
            }
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, (): &()| -> SlaRow {
            let metrics = cell.iter().filter(|(_, counts)| **counts != Counts::default());
            let metrics = metrics.map(|(metric, counts)| SlaMetricRow {
                metric: SlaMetric::from_wire(*metric).map_or(0, SlaMetric::to_wire),
                met: told(counts.met),
                met_by_resolve: told(counts.met_by_resolve),
                breached: told(counts.breached),
                voided: told(counts.voided),
                attainment: Some(ratio(counts.met, counts.met.saturating_add(counts.breached))),
            });
            row!(table, at, SlaRow { metrics: metrics.collect() })
        };
        Data::ReportSla(SlaReport { rows: self.0.rows(table, |(): &mut (), _| {}, make) })
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
