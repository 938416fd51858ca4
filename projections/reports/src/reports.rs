//! What the reports share: the walk along a history, sums by part and period, and the rows made of them.

use std::any::Any;
use std::collections::BTreeMap;

use guichet_schemas::wire::Ratio;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::words::GroupBy;

use crate::history::History;
use crate::life::Life;
use crate::part::Part;
use crate::periods::{Periods, Span, Start};
use crate::report::Look;

/// Fills what all rows have: the period, the position, and the part under its own name.
macro_rules! row {
    ($table:ident, $at:ident, $row:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let mut row = guichet_schemas::wire::$row {
            period: $table.periods.cutting.name($at.start),
            from: $at.span.from,
            to: $at.span.to,
            running: $at.span.to > $table.look.now,
            as_of_position: $table.look.position,
            $($field: $value,)*
            ..Default::default()
        };
        crate::reports::set_part!($table, $at, row);
        row
    }};
}

/// Writes the part into the field that is called like what parts the report.
macro_rules! set_part {
    ($table:ident, $at:ident, $row:ident) => {
        if let Some(part) = $at.part.filter(|part| !part.is_empty()) {
            let part = Some(part.to_owned());
            match $table.group_by {
                Some(guichet_schemas::words::GroupBy::Channel) => $row.channel = part,
                Some(guichet_schemas::words::GroupBy::Category) => $row.category = part,
                Some(guichet_schemas::words::GroupBy::Group) => $row.group = part,
                Some(guichet_schemas::words::GroupBy::Priority) => $row.priority = part,
                Some(guichet_schemas::words::GroupBy::Product) => $row.product = part,
                Some(guichet_schemas::words::GroupBy::Agent) => $row.agent = part,
                Some(guichet_schemas::words::GroupBy::Tier) => $row.tier = part,
                Some(
                    guichet_schemas::words::GroupBy::Tag
                    | guichet_schemas::words::GroupBy::Kind
                    | guichet_schemas::words::GroupBy::Reason,
                )
                | None => {}
            }
        }
    };
}
pub(crate) use set_part;

pub(crate) mod ageing;
pub(crate) mod backlog;
pub(crate) mod closure;
pub(crate) mod escalation;
pub(crate) mod first_response;
pub(crate) mod reassignment;
pub(crate) mod reopen_rate;
pub(crate) mod resolution_time;
pub(crate) mod sla;
pub(crate) mod volume;

/// The sums of one report.
pub(crate) trait Sums: Any + Send {
    /// Adds what a ticket adds, or with a sign of -1 takes it away.
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64);

    /// Adds the sums over other tickets.
    fn merge(&mut self, other: Box<dyn Sums>);

    /// The rows that were asked for.
    fn rows(&self, table: &Table<'_>) -> Data;
}

/// What rows are made for.
pub(crate) struct Table<'a> {
    pub(crate) periods: &'a Periods,
    pub(crate) group_by: Option<GroupBy>,
    pub(crate) span: Span,
    pub(crate) look: Look,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) start: Start,
    pub(crate) span: Span,
    pub(crate) part: Option<&'a str>,
}

/// Follows a ticket through its periods.
pub(crate) trait Follow<'a> {
    /// A moment, in its period, with the ticket before and after.
    fn moment(&mut self, period: Start, before: &Life<'a>, moment: &'a Moment, after: &Life<'a>);

    /// The end of a period in which something happened: nothing more happens in it.
    fn end_of(&mut self, period: Start, life: &Life<'a>);
}

/// Walks along a history. Gives the ticket as it is at the end.
pub(crate) fn walk<'a>(
    history: &'a History,
    periods: &mut Periods,
    follower: &mut impl Follow<'a>,
) -> Life<'a> {
    let mut life = Life::default();
    let mut under_way = None;
    for moment in history.moments() {
        let period = periods.of(moment.at);
        if let Some(over) = under_way.replace(period).filter(|last| *last != period) {
            follower.end_of(over, &life);
        }
        let before = life;
        life.step(moment);
        follower.moment(period, &before, moment, &life);
    }
    if let Some(last) = under_way {
        follower.end_of(last, &life);
    }
    life
}

/// Sums by part and period.
#[derive(Debug, Clone)]
pub(crate) struct Cells<C>(BTreeMap<Part, BTreeMap<Start, C>>);

impl<C> Default for Cells<C> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<C: Default + PartialEq> Cells<C> {
    pub(crate) fn at(&mut self, part: &Part, period: Start) -> &mut C {
        if !self.0.contains_key(part) {
            self.0.insert(part.clone(), BTreeMap::new());
        }
        self.0.get_mut(part).expect("it was put there").entry(period).or_default()
    }

    pub(crate) fn get(&self, part: &Part, period: Start) -> Option<&C> {
        self.0.get(part)?.get(&period)
    }

    /// Adds other cells, each by `add`.
    pub(crate) fn merge(&mut self, other: Self, add: impl Fn(&mut C, C)) {
        for (part, periods) in other.0 {
            let mine = self.0.entry(part).or_default();
            for (period, cell) in periods {
                add(mine.entry(period).or_default(), cell);
            }
        }
    }

    /// A row for each period and part: what is in the cell, and what is in all cells up to it.
    pub(crate) fn rows<S: Default, R>(
        &self,
        table: &Table<'_>,
        carry: impl Fn(&mut S, &C),
        make: impl Fn(At<'_>, &C, &S) -> R,
    ) -> Vec<R> {
        let whole = BTreeMap::new();
        let nothing = C::default();
        let mut parts: Vec<_> = match table.group_by {
            Some(_) => self
                .0
                .iter()
                .filter(|(_, cells)| cells.values().any(|cell| *cell != nothing))
                .map(|(part, cells)| (part.as_deref(), cells, S::default(), cells.iter().peekable()))
                .collect(),
            None => {
                let cells = self.0.get(&None).unwrap_or(&whole);
                vec![(None, cells, S::default(), cells.iter().peekable())]
            }
        };
        let mut rows = Vec::new();
        for (start, span) in table.periods.within(table.span) {
            for (part, cells, so_far, walk) in &mut parts {
                while let Some((_, cell)) = walk.next_if(|(at, _)| **at <= start) {
                    carry(so_far, cell);
                }
                let cell = cells.get(&start).unwrap_or(&nothing);
                rows.push(make(At { start, span, part: *part }, cell, so_far));
            }
        }
        rows
    }
}

/// Takes the sums of the same report out of their box.
pub(crate) fn same<T: Sums>(other: Box<dyn Sums>) -> T {
    let other: Box<dyn Any> = other;
    *other.downcast().expect("reports with the same parameters have the same sums")
}

/// A count as it is told. A sum below zero would be a fault of ours: then nothing is said to be there.
pub(crate) fn told(count: i64) -> u64 {
    debug_assert!(count >= 0, "a count fell below zero");
    count.max(0).unsigned_abs()
}

/// A share, by the rule for an empty denominator: nothing of nothing is 0, something of nothing is no figure.
pub(crate) fn ratio(numerator: i64, denominator: i64) -> Ratio {
    Ratio {
        numerator: told(numerator),
        denominator: told(denominator),
        value: quotient(numerator, denominator),
        no_denominator: denominator == 0 && numerator != 0,
    }
}

pub(crate) fn quotient(numerator: i64, denominator: i64) -> Option<f64> {
    match (numerator, denominator) {
        (0, 0) => Some(0.0),
        (_, 0) => None,
        (n, d) => Some(n as f64 / d as f64),
    }
}
