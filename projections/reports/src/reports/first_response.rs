//! First response time (4.3) in calendar time and in business time, dated at the reply. Not of tickets that we opened ourselves, nor of
//! those cancelled or merged; a bot's reply is told apart.

use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::{FirstResponseReport, FirstResponseRow};
use guichet_schemas::words::GroupBy;

use super::{At, Cells, Define, Follow, Sums, Table, same, walk};
use crate::durations::Durations;
use crate::history::History;
use crate::life::Life;
use crate::part;
use crate::periods::{Periods, Start};
use crate::report::{BusinessHours, Params};

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    human: Durations,
    /// The same in open hours.
    business: Durations,
    bot: Durations,
}

impl super::Cell for Cell {
    fn outside() -> Self {
        let [human, business, bot] = std::array::from_fn(|_| Durations::blunt());
        Self { human, business, bot }
    }

    fn bytes_of_sets(&self) -> usize {
        [&self.human, &self.business, &self.bot].map(Durations::bytes).iter().sum()
    }
}

/// The sums of the report.
pub(crate) struct FirstResponse {
    cells: Cells<Cell>,
    hours: Option<BusinessHours>,
}

struct Follower<'a> {
    hours: Option<&'a BusinessHours>,
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
            cell.human.add(at.saturating_sub(after.created_at), self.sign);
            if let Some(hours) = self.hours {
                let open = hours.calendar.elapsed(Timestamp(after.created_at), Timestamp(at));
                cell.business.add(open, self.sign);
            }
        }
        if let Some(at) = bot {
            cell.bot.add(at.saturating_sub(after.created_at), self.sign);
        }
    }

    fn end_of(&mut self, _: Start, _: &Life<'a>) {}
}

impl Define for FirstResponse {
    const HAS_SETS: bool = true;
    const COUNTS_OPEN_HOURS: bool = true;

    fn new(params: &Params) -> Self {
        Self { cells: Cells::default(), hours: params.hours().cloned() }
    }
}

impl Sums for FirstResponse {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        if !history.is_cancelled() && !history.is_merged() {
            let Self { cells, hours } = self;
            walk(history, periods, &mut Follower { hours: hours.as_ref(), cells, group_by, sign });
        }
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.cells.merge(same::<Self>(other).cells, |mine, more| {
            mine.human.merge(more.human);
            mine.business.merge(more.business);
            mine.bot.merge(more.bot);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, (): &()| -> FirstResponseRow {
            row!(
                table,
                at,
                FirstResponseRow {
                    calendar: Some(cell.human.figures()),
                    bot: Some(cell.bot.figures()),
                    business: self.hours.as_ref().map(|_| cell.business.figures()),
                    business_calendar: self.hours.as_ref().map(|hours| hours.name.clone()),
                }
            )
        };
        Data::ReportFirstResponse(FirstResponseReport {
            rows: self.cells.rows(table, |(): &mut (), _| {}, make),
        })
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
