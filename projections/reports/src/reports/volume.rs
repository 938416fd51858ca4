//! Volume (4.10): what came in, and what of it is left.

use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::{VolumeReport, VolumeRow};
use guichet_schemas::words::GroupBy;

use super::{At, Cells, Define, Follow, Sums, Table, add, same, told, walk};
use crate::history::History;
use crate::life::Life;
use crate::part;
use crate::periods::{Periods, Start};
use crate::report::Params;

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    net: i64,
    gross: i64,
    inbound: i64,
    /// Summed over all periods: how many are unresolved.
    unresolved: i64,
}

impl super::Cell for Cell {}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct Volume(Cells<Cell>);

struct Follower<'a> {
    cells: &'a mut Cells<Cell>,
    group_by: Option<GroupBy>,
    sign: i64,
    merged: bool,
}

impl<'a> Follow<'a> for Follower<'_> {
    fn moment(&mut self, period: Start, before: &Life<'a>, moment: &'a Moment, after: &Life<'a>) {
        let (was, is) = (part::of(self.group_by, &before.now), part::of(self.group_by, &after.now));
        match &moment.what {
            Some(What::Created(_)) => {
                let cell = self.cells.at(&is, period);
                add(&mut cell.gross, self.sign);
                add(&mut cell.net, if self.merged { 0 } else { self.sign });
            }
            Some(What::Inbound(_)) => add(&mut self.cells.at(&is, period).inbound, self.sign),
            Some(_) | None => {}
        }
        if (&was, before.is_unresolved()) != (&is, after.is_unresolved()) {
            if before.is_unresolved() {
                add(&mut self.cells.at(&was, period).unresolved, self.sign.saturating_neg());
            }
            if after.is_unresolved() {
                add(&mut self.cells.at(&is, period).unresolved, self.sign);
            }
        }
    }

    fn end_of(&mut self, _: Start, _: &Life<'a>) {}
}

impl Define for Volume {
    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for Volume {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let merged = history.is_merged();
        walk(history, periods, &mut Follower { cells: &mut self.0, group_by, sign, merged });
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.0.merge(same::<Self>(other).0, |mine, more| {
            add(&mut mine.net, more.net);
            add(&mut mine.gross, more.gross);
            add(&mut mine.inbound, more.inbound);
            add(&mut mine.unresolved, more.unresolved);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, unresolved: &i64| -> VolumeRow {
            row!(
                table,
                at,
                VolumeRow {
                    created_net: told(cell.net),
                    created_gross: told(cell.gross),
                    inbound_messages: told(cell.inbound),
                    unresolved_at_end: told(*unresolved),
                }
            )
        };
        let carry = |unresolved: &mut i64, cell: &Cell| add(unresolved, cell.unresolved);
        Data::ReportVolume(VolumeReport { rows: self.0.rows(table, carry, make) })
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
