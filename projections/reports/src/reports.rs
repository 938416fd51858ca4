//! What the reports share: the walk along a history, sums by part and period, and the rows made of them.

use std::any::Any;
use std::cell::Cell as Mutable;
use std::collections::BTreeMap;

use guichet_schemas::wire::Ratio;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::words::GroupBy;

use crate::history::History;
use crate::life::Life;
use crate::part::Part;
use crate::periods::{Periods, Span, Start};
use crate::report::{Look, Params};

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
pub(crate) mod agent_load;
pub(crate) mod backlog;
pub(crate) mod closure;
pub(crate) mod csat;
pub(crate) mod escalation;
pub(crate) mod figure;
pub(crate) mod first_response;
pub(crate) mod funnel;
pub(crate) mod knowledge;
pub(crate) mod reassignment;
pub(crate) mod reopen_rate;
pub(crate) mod resolution_time;
pub(crate) mod sla;
pub(crate) mod time_in_status;
pub(crate) mod volume;

/// The sums of one report.
pub(crate) trait Sums: Any + Send {
    /// Adds what a ticket adds, or with a sign of -1 takes it away.
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64);

    /// Adds the sums over other tickets.
    fn merge(&mut self, other: Box<dyn Sums>);

    /// The rows that were asked for.
    fn rows(&self, table: &Table<'_>) -> Data;

    /// From now on figures are only wanted of periods from the first to the last; of the others no set is kept.
    fn narrow(&mut self, within: (Start, Start));

    /// Bytes held, sets included.
    fn bytes(&self) -> usize;

    /// Bytes held, without what is in sets. Costs nothing to ask.
    fn bytes_of_cells(&self) -> usize;
}

/// By what a ticket can be parted.
pub(crate) const OF_TICKETS: &[GroupBy] = &[
    GroupBy::Channel,
    GroupBy::Category,
    GroupBy::Group,
    GroupBy::Priority,
    GroupBy::Product,
    GroupBy::Agent,
    GroupBy::Tier,
];

/// The definition of a report, beside its sums. A new one is a line in [`guichet_schemas::each_report`], its rows in
/// `query.proto`, and a file in this folder with this trait.
pub(crate) trait Define: Sums + Sized {
    /// Its sums hold sets, of durations or of names.
    const HAS_SETS: bool = false;
    /// Its question may say how many days a window has.
    const TAKES_WINDOW: bool = false;
    /// It counts by a definition of the desk, which its question names.
    const TAKES_FIGURE: bool = false;
    /// It counts the open hours of a calendar, which its question may name.
    const COUNTS_OPEN_HOURS: bool = false;
    /// By what it can be parted.
    const PARTS: &'static [GroupBy] = OF_TICKETS;
    /// By what it is parted where its question does not say.
    const PARTED_BY: Option<GroupBy> = None;

    /// The sums over no ticket at all.
    fn new(params: &Params) -> Self;
}

pub(crate) struct Table<'a> {
    pub(crate) periods: &'a Periods,
    pub(crate) group_by: Option<GroupBy>,
    pub(crate) span: Span,
    pub(crate) look: Look<'a>,
    pub(crate) window: Window,
    /// Set where there are rows behind the window.
    pub(crate) more: Mutable<bool>,
}

/// Which of the rows are made: those of one page, and no others, however many there would be.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Rows before the first one.
    pub skip: u64,
    /// Rows at most.
    pub rows: usize,
    /// Bytes, in protobuf, after which no further row is made.
    pub bytes: usize,
}

impl Window {
    pub const ALL: Self = Self { skip: 0, rows: usize::MAX, bytes: usize::MAX };
}

/// The rows of a window, as they are made.
pub(crate) struct Taken<'a, R> {
    rows: Vec<R>,
    bytes: usize,
    table: &'a Table<'a>,
}

impl<'a, R: prost::Message> Taken<'a, R> {
    pub(crate) const fn new(table: &'a Table<'a>) -> Self {
        Self { rows: Vec::new(), bytes: 0, table }
    }

    /// Whether another row is wanted; where not, there are more rows than the window holds.
    pub(crate) fn wants(&self) -> bool {
        let full = self.rows.len() >= self.table.window.rows || self.bytes >= self.table.window.bytes;
        if full {
            self.table.more.set(true);
        }
        !full
    }

    pub(crate) fn push(&mut self, row: R) {
        self.bytes = self.bytes.saturating_add(row.encoded_len());
        self.rows.push(row);
    }

    pub(crate) fn into_rows(self) -> Vec<R> {
        self.rows
    }
}

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

/// The contribution of one part in one period.
pub(crate) trait Cell: Default + PartialEq {
    /// A cell of periods whose figures nobody wants: it counts, and keeps no set.
    fn outside() -> Self {
        Self::default()
    }

    fn bytes_of_sets(&self) -> usize {
        0
    }
}

impl Cell for i64 {}

/// A mark that makes no cell another one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mark(pub(crate) bool);

impl PartialEq for Mark {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Sums by part and period.
#[derive(Debug, Clone)]
pub(crate) struct Cells<C> {
    parts: BTreeMap<Part, BTreeMap<Start, C>>,
    /// The first and the last period whose figures are wanted; those before and behind are one each.
    within: Option<(Start, Start)>,
    bytes: usize,
}

impl<C> Default for Cells<C> {
    fn default() -> Self {
        Self { parts: BTreeMap::new(), within: None, bytes: 0 }
    }
}

/// Bytes of an entry of a map: nodes are three quarters full, and know their neighbours.
pub(crate) const fn entry_bytes(content: usize) -> usize {
    content.saturating_add(content >> 1).saturating_add(8)
}

impl<C: Cell> Cells<C> {
    pub(crate) fn at(&mut self, part: &Part, period: Start) -> &mut C {
        let (period, outside) = match self.within {
            Some((first, _)) if period < first => (Start::MIN, true),
            Some((_, last)) if period > last => (Start::MAX, true),
            Some(_) | None => (period, false),
        };
        if !self.parts.contains_key(part) {
            let named = part.as_ref().map_or(0, |part| part.len());
            let own = entry_bytes(size_of::<(Part, BTreeMap<Start, C>)>()).saturating_add(named);
            // The smallest node of a map has room for eleven entries.
            let inner = size_of::<(Start, C)>().saturating_mul(11);
            self.bytes = self.bytes.saturating_add(own).saturating_add(inner);
            self.parts.insert(part.clone(), BTreeMap::new());
        }
        let bytes = &mut self.bytes;
        self.parts.get_mut(part).expect("it was put there").entry(period).or_insert_with(|| {
            *bytes = bytes.saturating_add(entry_bytes(size_of::<(Start, C)>()));
            if outside { C::outside() } else { C::default() }
        })
    }

    pub(crate) fn get(&self, part: &Part, period: Start) -> Option<&C> {
        self.parts.get(part)?.get(&period)
    }

    pub(crate) const fn narrow(&mut self, within: (Start, Start)) {
        self.within = Some(within);
    }

    pub(crate) const fn bytes_of_cells(&self) -> usize {
        self.bytes
    }

    pub(crate) fn bytes(&self) -> usize {
        let cells = self.parts.values().flat_map(BTreeMap::values);
        cells.map(Cell::bytes_of_sets).fold(self.bytes, usize::saturating_add)
    }

    /// Adds other cells, each by `add`.
    pub(crate) fn merge(&mut self, other: Self, add: impl Fn(&mut C, C)) {
        for (part, periods) in other.parts {
            for (period, cell) in periods {
                add(self.at(&part, period), cell);
            }
        }
    }

    /// A row for each period and part: what is in the cell, and what is in all cells up to it. Only those of the
    /// window are made; before it, periods are counted and not walked.
    pub(crate) fn rows<S: Default, R: prost::Message>(
        &self,
        table: &Table<'_>,
        carry: impl Fn(&mut S, &C),
        make: impl Fn(At<'_>, &C, &S) -> R,
    ) -> Vec<R> {
        let whole = BTreeMap::new();
        let nothing = C::default();
        let mut parts: Vec<_> = match table.group_by {
            Some(_) => self
                .parts
                .iter()
                .filter(|(_, cells)| cells.values().any(|cell| *cell != nothing))
                .map(|(part, cells)| (part.as_deref(), cells, S::default(), cells.iter().peekable()))
                .collect(),
            None => {
                let cells = self.parts.get(&None).unwrap_or(&whole);
                vec![(None, cells, S::default(), cells.iter().peekable())]
            }
        };
        let mut taken = Taken::new(table);
        let each = parts.len() as u64;
        let (Some(periods), Some(mut skip)) =
            (table.window.skip.checked_div(each), table.window.skip.checked_rem(each))
        else {
            return taken.into_rows();
        };
        for (start, span) in table.periods.within(table.span, periods) {
            for (part, cells, so_far, walk) in &mut parts {
                if skip > 0 {
                    skip = skip.saturating_sub(1);
                    continue;
                }
                if !taken.wants() {
                    return taken.into_rows();
                }
                while let Some((_, cell)) = walk.next_if(|(at, _)| **at <= start) {
                    carry(so_far, cell);
                }
                let cell = cells.get(&start).unwrap_or(&nothing);
                taken.push(make(At { start, span, part: *part }, cell, so_far));
            }
        }
        taken.into_rows()
    }
}

/// Takes the sums of the same report out of their box.
pub(crate) fn same<T: Sums>(other: Box<dyn Sums>) -> T {
    let other: Box<dyn Any> = other;
    *other.downcast().expect("reports with the same parameters have the same sums")
}

/// Adds to a sum. No desk counts so far that a sum would end.
pub(crate) const fn add(sum: &mut i64, more: i64) {
    *sum = sum.saturating_add(more);
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
