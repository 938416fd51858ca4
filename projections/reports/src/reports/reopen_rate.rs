//! Reopen rate (4.2), in five readings: R1 by cohort, R2 by flow, R3 by state, R4 per ticket, R5 by resolver.

use std::collections::{BTreeMap, BTreeSet};

use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::{ReopenRateReport, ReopenRateRow, ResolverShare};
use guichet_schemas::words::GroupBy;

use super::{
    At, Cells, Define, Follow, Mark, Sums, Table, add, entry_bytes, quotient, ratio, same, told, walk,
};
use crate::history::History;
use crate::life::Life;
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::Params;

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    first_resolved: i64,
    /// Of these, reopened within the window.
    reopened_in_window: i64,
    /// Of these, reopened or followed up within the window.
    back_in_window: i64,
    resolve_events: i64,
    reopen_events: i64,
    resolved: i64,
    resolved_net: i64,
    /// Of these, reopened before.
    resolved_again: i64,
    /// By resolver: distinct tickets resolved, reopenings charged.
    resolvers: BTreeMap<Box<str>, (i64, i64)>,
    /// Nobody wants to know who resolved.
    blunt: Mark,
}

impl super::Cell for Cell {
    fn outside() -> Self {
        Self { blunt: Mark(true), ..Self::default() }
    }

    fn bytes_of_sets(&self) -> usize {
        let entry = entry_bytes(size_of::<(Box<str>, (i64, i64))>());
        self.resolvers.keys().map(|name| name.len().saturating_add(entry)).sum()
    }
}

/// The sums of the report.
pub(crate) struct ReopenRate {
    window_ms: i64,
    cells: Cells<Cell>,
}

struct Follower<'r, 'a> {
    cells: &'r mut Cells<Cell>,
    group_by: Option<GroupBy>,
    sign: i64,
    /// Where the first resolution counts, and when it was.
    first: Option<(Start, Part, i64)>,
    /// Of the period that is under way.
    resolved_in: Option<Part>,
    resolvers: BTreeSet<&'a str>,
}

impl<'a> Follow<'a> for Follower<'_, 'a> {
    fn moment(&mut self, period: Start, before: &Life<'a>, moment: &'a Moment, after: &Life<'a>) {
        match &moment.what {
            Some(What::Resolved(resolved)) => {
                let part = part::of(self.group_by, &after.now);
                let cell = self.cells.at(&part, period);
                add(&mut cell.resolve_events, self.sign);
                if before.first_resolved_at.is_none() {
                    add(&mut cell.first_resolved, self.sign);
                    self.first = Some((period, part.clone(), moment.at));
                }
                self.resolved_in = Some(part);
                self.resolvers.insert(&resolved.by);
            }
            Some(What::Reopened(_)) => {
                let part = part::of(self.group_by, &after.now);
                let cell = self.cells.at(&part, period);
                add(&mut cell.reopen_events, self.sign);
                // Charged to who resolved last, not to who owns it now.
                charge(cell, before.resolver, 0, self.sign);
            }
            Some(_) | None => {}
        }
    }

    fn end_of(&mut self, period: Start, life: &Life<'a>) {
        let Some(part) = self.resolved_in.take() else { return };
        let cell = self.cells.at(&part, period);
        add(&mut cell.resolved, self.sign);
        if life.is_resolved() {
            add(&mut cell.resolved_net, self.sign);
            if life.reopens > 0 {
                add(&mut cell.resolved_again, self.sign);
            }
        }
        for name in std::mem::take(&mut self.resolvers) {
            charge(cell, name, self.sign, 0);
        }
    }
}

/// Adds to the share of a resolver. A share that was taken away leaves no trace.
fn charge(cell: &mut Cell, resolver: &str, resolved: i64, charged: i64) {
    if cell.blunt.0 {
        return;
    }
    let share = cell.resolvers.entry(resolver.into()).or_default();
    add(&mut share.0, resolved);
    add(&mut share.1, charged);
    if *share == (0, 0) {
        cell.resolvers.remove(resolver);
    }
}

impl Define for ReopenRate {
    const HAS_SETS: bool = true;
    const TAKES_WINDOW: bool = true;

    fn new(params: &Params) -> Self {
        Self { window_ms: params.window_ms(), cells: Cells::default() }
    }
}

impl Sums for ReopenRate {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let mut follower = Follower {
            cells: &mut self.cells,
            group_by,
            sign,
            first: None,
            resolved_in: None,
            resolvers: BTreeSet::new(),
        };
        let life = walk(history, periods, &mut follower);
        let first = follower.first.take();
        let Some((period, part, resolved_at)) = first else { return };
        let is_within =
            |at: Option<i64>| at.is_some_and(|at| at.saturating_sub(resolved_at) <= self.window_ms);
        let (reopened, followed) = (is_within(life.first_reopened_at), is_within(life.first_followed_up_at));
        if reopened || followed {
            let cell = self.cells.at(&part, period);
            add(&mut cell.reopened_in_window, if reopened { sign } else { 0 });
            add(&mut cell.back_in_window, sign);
        }
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.cells.merge(same::<Self>(other).cells, |mine, more| {
            add(&mut mine.first_resolved, more.first_resolved);
            add(&mut mine.reopened_in_window, more.reopened_in_window);
            add(&mut mine.back_in_window, more.back_in_window);
            add(&mut mine.resolve_events, more.resolve_events);
            add(&mut mine.reopen_events, more.reopen_events);
            add(&mut mine.resolved, more.resolved);
            add(&mut mine.resolved_net, more.resolved_net);
            add(&mut mine.resolved_again, more.resolved_again);
            for (name, (resolved, charged)) in more.resolvers {
                let share = mine.resolvers.entry(name).or_default();
                add(&mut share.0, resolved);
                add(&mut share.1, charged);
            }
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, (): &()| -> ReopenRateRow {
            let window_until = at.span.to.saturating_add(self.window_ms);
            row!(
                table,
                at,
                ReopenRateRow {
                    r1: Some(ratio(cell.reopened_in_window, cell.first_resolved)),
                    reopen_or_followup: Some(ratio(cell.back_in_window, cell.first_resolved)),
                    provisional: window_until > table.look.now,
                    window_until: window_until,
                    r2: Some(ratio(cell.reopen_events, cell.resolve_events)),
                    r3: Some(ratio(cell.resolved_again, cell.resolved_net)),
                    r4: Some(ratio(cell.reopen_events, cell.resolved)),
                    r5: cell.resolvers.iter().map(|(name, sums)| share(name, *sums)).collect(),
                }
            )
        };
        Data::ReportReopenRate(ReopenRateReport { rows: self.cells.rows(table, |(): &mut (), _| {}, make) })
    }

    fn narrow(&mut self, within: (Start, Start)) {
        self.cells.narrow(within);
    }

    fn bytes(&self) -> usize {
        self.cells.bytes()
    }

    fn bytes_of_cells(&self) -> usize {
        self.cells.bytes_of_cells()
    }
}

fn share(resolver: &str, (resolved, charged): (i64, i64)) -> ResolverShare {
    ResolverShare {
        resolver: resolver.to_owned(),
        resolved: told(resolved),
        reopens_charged: told(charged),
        rate: quotient(charged, resolved),
        no_denominator: resolved == 0 && charged != 0,
    }
}
