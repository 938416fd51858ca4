//! Load and utilisation (4.11): what agents have open, by what they can have; and how long open work stood with them, by
//! how long the desk was open.
//!
//! Handled time is what agents logged, calls included. Where an agent logged none in a period, it is a proxy: the open hours
//! in which a ticket was new or open with an assignee, summed over tickets, and for one agent never more than there were.
//! Every ticket weighs 1.

use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::{AgentLoadReport, AgentLoadRow};
use guichet_schemas::words::GroupBy;

use super::{At, Cells, Define, Sums, Table, add, ratio, same};
use crate::history::History;
use crate::life::{Dimensions, Life};
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::{BusinessHours, Params};

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    /// Tickets that came to an agent, less those that went. Summed over all periods: how many are there.
    assigned: i64,
    /// The same for new and open: their time counts.
    actionable: i64,
    /// Open milliseconds from each such coming to the end of its period, less those from each going.
    until_end_ms: i64,
    /// Seconds that were logged.
    handled_s: i64,
}

impl super::Cell for Cell {}

/// The sums of the report. What a ticket does to them at one instant does not depend on how long it lasts, so work that
/// is under way needs no sum of its own: it came, and has not gone.
pub(crate) struct AgentLoad {
    cells: Cells<Cell>,
    hours: Option<BusinessHours>,
}

/// Where a ticket counts, and whether its time does.
fn held(group_by: Option<GroupBy>, life: &Life<'_>) -> Option<(Part, bool)> {
    let is_held = life.is_unresolved() && !life.now.agent.is_empty();
    is_held.then(|| (part::of(group_by, &life.now), life.is_actionable()))
}

impl AgentLoad {
    fn count(&mut self, (part, is_actionable): &(Part, bool), period: Start, open_ms: i64, sign: i64) {
        let cell = self.cells.at(part, period);
        add(&mut cell.assigned, sign);
        if *is_actionable {
            add(&mut cell.actionable, sign);
            add(&mut cell.until_end_ms, open_ms.saturating_mul(sign));
        }
    }

    fn open_ms(&self, from: i64, to: i64) -> i64 {
        self.hours.as_ref().map_or(0, |hours| hours.calendar.elapsed(Timestamp(from), Timestamp(to)))
    }
}

impl Define for AgentLoad {
    const COUNTS_OPEN_HOURS: bool = true;
    const PARTED_BY: Option<GroupBy> = Some(GroupBy::Agent);

    fn new(params: &Params) -> Self {
        Self { cells: Cells::default(), hours: params.hours().cloned() }
    }
}

impl Sums for AgentLoad {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let mut life = Life::default();
        for moment in history.moments() {
            let before = held(group_by, &life);
            life.step(moment);
            if let Some(What::Worked(worked)) = &moment.what {
                // Of whoever worked, whoever has the ticket.
                let part = part::of(group_by, &Dimensions { agent: &worked.agent, ..life.now });
                let cell = self.cells.at(&part, periods.of(moment.at));
                add(&mut cell.handled_s, i64::from(worked.seconds).saturating_mul(sign));
            }
            let after = held(group_by, &life);
            if before == after {
                continue;
            }
            let (period, end) = periods.of_until(moment.at);
            let open_ms = self.open_ms(moment.at, end);
            if let Some(before) = before {
                self.count(&before, period, open_ms, sign.saturating_neg());
            }
            if let Some(after) = after {
                self.count(&after, period, open_ms, sign);
            }
        }
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.cells.merge(same::<Self>(other).cells, |mine, more| {
            add(&mut mine.assigned, more.assigned);
            add(&mut mine.actionable, more.actionable);
            add(&mut mine.until_end_ms, more.until_end_ms);
            add(&mut mine.handled_s, more.handled_s);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let carry = |so_far: &mut (i64, i64), cell: &Cell| {
            add(&mut so_far.0, cell.assigned);
            add(&mut so_far.1, cell.actionable);
        };
        let make = |at: At<'_>, cell: &Cell, (assigned, actionable): &(i64, i64)| -> AgentLoadRow {
            let end = table.look.now.clamp(at.span.from, at.span.to);
            let came_before = actionable.saturating_sub(cell.actionable);
            let unspent = cell.actionable.saturating_mul(self.open_ms(end, at.span.to));
            let of_before = came_before.saturating_mul(self.open_ms(at.span.from, end));
            let worked_s = told_s(of_before.saturating_add(cell.until_end_ms).saturating_sub(unspent));
            let open_s = told_s(self.open_ms(at.span.from, end));
            let agent = at.part.filter(|_| table.group_by == Some(GroupBy::Agent));
            let capacity = agent.and_then(|agent| capacity(table, agent, end));
            let is_used = agent.is_some() && self.hours.is_some();
            let is_logged = cell.handled_s > 0;
            let used_s = if is_logged { cell.handled_s } else { worked_s.min(open_s) };
            row!(
                table,
                at,
                AgentLoadRow {
                    assigned_at_end: super::told(*assigned),
                    actionable_at_end: super::told(*actionable),
                    load: capacity.map(|capacity| ratio(*assigned, capacity)),
                    assigned_s: self.hours.as_ref().map(|_| worked_s.unsigned_abs()),
                    available_s: is_used.then_some(open_s.unsigned_abs()),
                    utilisation: is_used.then(|| ratio(used_s, open_s)),
                    proxy: is_used && !is_logged,
                    capped: is_used && !is_logged && worked_s > open_s,
                    business_calendar: self.hours.as_ref().map(|hours| hours.name.clone()),
                    handled_s: super::told(cell.handled_s),
                }
            )
        };
        Data::ReportAgentLoad(AgentLoadReport { rows: self.cells.rows(table, carry, make) })
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

/// Whole seconds. A clock that is behind the one that dated an event makes no time negative.
fn told_s(ms: i64) -> i64 {
    ms.max(0).div_euclid(1000)
}

/// The tickets that an agent could have open at the end of a row.
fn capacity(table: &Table<'_>, agent: &str, end: i64) -> Option<i64> {
    // What begins at the end belongs to what comes after.
    let agents = table.look.desk?.agents(Timestamp(end.saturating_sub(1)))?;
    agents.get(agent)?.capacity.map(i64::from)
}
