//! Knowledge (4.14): of the tickets resolved in a period, those at which an article helped, and those that a program
//! resolved without a person.

use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::{KnowledgeReport, KnowledgeRow};
use guichet_schemas::words::GroupBy;

use super::{At, Cells, Define, Follow, Sums, Table, add, ratio, same, told, walk};
use crate::history::History;
use crate::life::Life;
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::Params;

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    resolved: i64,
    /// Of these, with an article that helped.
    with_article: i64,
    /// Of these, by a program, and no person had answered.
    contained: i64,
    articles: i64,
}

impl super::Cell for Cell {}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct Knowledge(Cells<Cell>);

struct Follower<'a> {
    cells: &'a mut Cells<Cell>,
    group_by: Option<GroupBy>,
    sign: i64,
    helped: bool,
    resolved_in: Option<Part>,
}

impl<'a> Follow<'a> for Follower<'_> {
    fn moment(&mut self, period: Start, _: &Life<'a>, moment: &'a Moment, after: &Life<'a>) {
        match &moment.what {
            Some(What::Article(_)) => {
                self.helped = true;
                add(&mut self.cells.at(&part::of(self.group_by, &after.now), period).articles, self.sign);
            }
            Some(What::Resolved(_)) => self.resolved_in = Some(part::of(self.group_by, &after.now)),
            Some(_) | None => {}
        }
    }

    fn end_of(&mut self, period: Start, life: &Life<'a>) {
        let Some(part) = self.resolved_in.take() else { return };
        let cell = self.cells.at(&part, period);
        let is_contained = !life.resolver_is_human && life.human_replies == 0;
        add(&mut cell.resolved, self.sign);
        add(&mut cell.with_article, if self.helped { self.sign } else { 0 });
        add(&mut cell.contained, if is_contained { self.sign } else { 0 });
    }
}

impl Define for Knowledge {
    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for Knowledge {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let mut follower = Follower { cells: &mut self.0, group_by, sign, helped: false, resolved_in: None };
        walk(history, periods, &mut follower);
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.0.merge(same::<Self>(other).0, |mine, more| {
            add(&mut mine.resolved, more.resolved);
            add(&mut mine.with_article, more.with_article);
            add(&mut mine.contained, more.contained);
            add(&mut mine.articles, more.articles);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, (): &()| -> KnowledgeRow {
            row!(
                table,
                at,
                KnowledgeRow {
                    knowledge_reuse: Some(ratio(cell.with_article, cell.resolved)),
                    bot_containment: Some(ratio(cell.contained, cell.resolved)),
                    articles_used: told(cell.articles),
                }
            )
        };
        Data::ReportKnowledge(KnowledgeReport { rows: self.0.rows(table, |(): &mut (), _| {}, make) })
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
