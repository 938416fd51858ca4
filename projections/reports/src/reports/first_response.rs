//! First response time (4.3) in calendar time, dated at the reply. Not of tickets that we opened ourselves, nor of
//! those cancelled or merged; a bot's reply is told apart.

use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::{FirstResponseReport, FirstResponseRow};
use guichet_schemas::words::GroupBy;

use super::{At, Cells, Follow, Sums, Table, same, walk};
use crate::durations::Durations;
use crate::history::History;
use crate::life::Life;
use crate::part;
use crate::periods::{Periods, Start};

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    human: Durations,
    bot: Durations,
}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct FirstResponse(Cells<Cell>);

struct Follower<'a> {
    cells: &'a mut Cells<Cell>,
    group_by: Option<GroupBy>,
    sign: i64,
}

impl<'a> Follow<'a> for Follower<'_> {
    fn moment(&mut self, period: Start, before: &Life<'a>, _: &'a Moment, after: &Life<'a>) {
        let first = |before: Option<i64>, after: Option<i64>| after.filter(|_| before.is_none());
        let human = first(before.first_human_reply_at, after.first_human_reply_at);
        let bot = first(before.first_bot_reply_at, after.first_bot_reply_at);
        if human.is_none() && bot.is_none() || after.outbound {
            return;
        }
        let cell = self.cells.at(&part::of(self.group_by, &after.now), period);
        if let Some(at) = human {
            cell.human.add(at - after.created_at, self.sign);
        }
        if let Some(at) = bot {
            cell.bot.add(at - after.created_at, self.sign);
        }
    }

    fn end_of(&mut self, _: Start, _: &Life<'a>) {}
}

impl Sums for FirstResponse {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        if !history.is_cancelled() && !history.is_merged() {
            walk(history, periods, &mut Follower { cells: &mut self.0, group_by, sign });
        }
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.0.merge(same::<Self>(other).0, |mine, more| {
            mine.human.merge(more.human);
            mine.bot.merge(more.bot);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, (): &()| -> FirstResponseRow {
            row!(
                table,
                at,
                FirstResponseRow { calendar: Some(cell.human.figures()), bot: Some(cell.bot.figures()) }
            )
        };
        Data::ReportFirstResponse(FirstResponseReport { rows: self.0.rows(table, |(): &mut (), _| {}, make) })
    }
}
