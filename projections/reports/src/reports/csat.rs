//! Satisfaction (4.9): the share of good ratings, who would recommend the desk, and how much effort it took. The last
//! rating of a ticket in a period counts, and is credited to the resolver of before it.

use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{Moment, MomentRated, MomentSurvey};
use guichet_schemas::wire::{CsatReport, CsatRow};
use guichet_schemas::words::{GroupBy, RatingScale, SurveyKind};

use super::{At, Cells, Define, Follow, Sums, Table, add, quotient, ratio, same, told, walk};
use crate::history::History;
use crate::life::{Dimensions, Life};
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::Params;

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    rated: i64,
    good: i64,
    ratings: i64,
    surveys: i64,
    /// Of these, about tickets that were not resolved.
    of_unresolved: i64,
    /// Of these, answered.
    answered: i64,
    promoters: i64,
    passives: i64,
    detractors: i64,
    nps_surveys: i64,
    ces_rated: i64,
    ces_sum: i64,
}

impl super::Cell for Cell {}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct Csat(Cells<Cell>);

/// A survey that nobody has answered yet.
struct Open<'a> {
    id: &'a [u8],
    period: Start,
    part: Part,
}

struct Follower<'r, 'a> {
    cells: &'r mut Cells<Cell>,
    group_by: Option<GroupBy>,
    sign: i64,
    open: Vec<Open<'a>>,
    /// The last of the period that is under way.
    satisfied: Option<(Part, bool)>,
    effort: Option<(Part, u32)>,
    recommends: Option<(Part, u32)>,
}

impl<'a> Follower<'_, 'a> {
    /// Parted by agent, satisfaction is of whoever resolved.
    fn part(&self, life: &Life<'a>, agent: &'a str) -> Part {
        part::of(self.group_by, &Dimensions { agent, ..life.now })
    }

    fn asked(&mut self, period: Start, survey: &'a MomentSurvey, life: &Life<'a>) {
        let part = self.part(life, life.resolver);
        let cell = self.cells.at(&part, period);
        match SurveyKind::from_wire(survey.kind) {
            Ok(SurveyKind::Csat) => {
                add(&mut cell.surveys, self.sign);
                add(&mut cell.of_unresolved, if life.is_unresolved() { self.sign } else { 0 });
                self.open.push(Open { id: &survey.id, period, part });
            }
            Ok(SurveyKind::Nps) => add(&mut cell.nps_surveys, self.sign),
            Ok(SurveyKind::Ces) | Err(_) => {}
        }
    }

    fn rated(&mut self, period: Start, rated: &'a MomentRated, life: &Life<'a>) {
        let Ok(scale) = RatingScale::from_wire(rated.scale) else { return };
        let part = self.part(life, &rated.agent);
        if scale.of() == SurveyKind::Ces {
            self.effort = Some((part, rated.score));
            return;
        }
        add(&mut self.cells.at(&part, period).ratings, self.sign);
        self.satisfied = Some((part, scale.is_good(rated.score)));
        if let Some(n) = self.open.iter().position(|open| open.id == rated.survey) {
            let open = self.open.swap_remove(n);
            add(&mut self.cells.at(&open.part, open.period).answered, self.sign);
        }
    }
}

impl<'a> Follow<'a> for Follower<'_, 'a> {
    fn moment(&mut self, period: Start, _: &Life<'a>, moment: &'a Moment, life: &Life<'a>) {
        match &moment.what {
            Some(What::Survey(survey)) => self.asked(period, survey, life),
            Some(What::Rated(rated)) => self.rated(period, rated, life),
            Some(What::Nps(score)) => self.recommends = Some((self.part(life, life.resolver), *score)),
            Some(_) | None => {}
        }
    }

    fn end_of(&mut self, period: Start, _: &Life<'a>) {
        let sign = self.sign;
        if let Some((part, is_good)) = self.satisfied.take() {
            let cell = self.cells.at(&part, period);
            add(&mut cell.rated, sign);
            add(&mut cell.good, if is_good { sign } else { 0 });
        }
        if let Some((part, score)) = self.effort.take() {
            let cell = self.cells.at(&part, period);
            add(&mut cell.ces_rated, sign);
            add(&mut cell.ces_sum, i64::from(score).saturating_mul(sign));
        }
        if let Some((part, score)) = self.recommends.take() {
            let cell = self.cells.at(&part, period);
            add(
                match score {
                    0..=6 => &mut cell.detractors,
                    7..=8 => &mut cell.passives,
                    _ => &mut cell.promoters,
                },
                sign,
            );
        }
    }
}

impl Define for Csat {
    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for Csat {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let mut follower = Follower {
            cells: &mut self.0,
            group_by,
            sign,
            open: Vec::new(),
            satisfied: None,
            effort: None,
            recommends: None,
        };
        walk(history, periods, &mut follower);
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.0.merge(same::<Self>(other).0, |mine, more| {
            add(&mut mine.rated, more.rated);
            add(&mut mine.good, more.good);
            add(&mut mine.ratings, more.ratings);
            add(&mut mine.surveys, more.surveys);
            add(&mut mine.of_unresolved, more.of_unresolved);
            add(&mut mine.answered, more.answered);
            add(&mut mine.promoters, more.promoters);
            add(&mut mine.passives, more.passives);
            add(&mut mine.detractors, more.detractors);
            add(&mut mine.nps_surveys, more.nps_surveys);
            add(&mut mine.ces_rated, more.ces_rated);
            add(&mut mine.ces_sum, more.ces_sum);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let make = |at: At<'_>, cell: &Cell, (): &()| -> CsatRow {
            row!(
                table,
                at,
                CsatRow {
                    csat: Some(ratio(cell.good, cell.rated)),
                    ratings: told(cell.ratings),
                    surveys: told(cell.surveys),
                    surveys_of_unresolved: told(cell.of_unresolved),
                    response_rate: Some(ratio(cell.answered, cell.surveys)),
                    nps: recommended(cell),
                    promoters: told(cell.promoters),
                    passives: told(cell.passives),
                    detractors: told(cell.detractors),
                    nps_surveys: told(cell.nps_surveys),
                    ces: quotient(cell.ces_sum, cell.ces_rated).filter(|_| cell.ces_rated > 0),
                    ces_rated: told(cell.ces_rated),
                }
            )
        };
        Data::ReportCsat(CsatReport { rows: self.0.rows(table, |(): &mut (), _| {}, make) })
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

/// Percent of promoters less percent of detractors; where nobody answered, there is none.
fn recommended(cell: &Cell) -> Option<f64> {
    let answers = cell.promoters.saturating_add(cell.passives).saturating_add(cell.detractors);
    let lead = cell.promoters.saturating_sub(cell.detractors).saturating_mul(100);
    quotient(lead, answers).filter(|_| answers > 0)
}
