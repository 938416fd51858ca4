//! A report that is asked for, and kept: histories are added and taken away, rows are read.

use std::cell::Cell as Mutable;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chrono_tz::Tz;
use guichet_config::{Configuration, Kind as ConfigKind, body};
use guichet_rules::calendar::Calendar;
use guichet_schemas::each_report;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::rejection::FieldError;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{ReportQuery, query};
use guichet_schemas::words::{GroupBy, Period};

use crate::history::History;
use crate::periods::{Cutting, Periods, Span};
use crate::reports::{self, Define, Sums, Window};

/// R1 asks whether a ticket was reopened within so many days, if nobody says how many.
const WINDOW_DAYS: u32 = 7;
const WINDOW_DAYS_MAX: u32 = 365;
const DAY_MS: i64 = 86_400_000;

macro_rules! kinds {
    ($($of:ident { $($name:literal => $variant:ident: $answer:ident
        { $kind:ident in $module:ident, $path:literal, $told:literal })* })*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($($kind,)*)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$($(Self::$kind,)*)*];

            /// The one that is asked for; `None`: the question is no report.
            #[must_use]
            pub const fn of(question: &query::Data) -> Option<Self> {
                match question {
                    $($(query::Data::$variant(_) => Some(Self::$kind),)*)*
                    _ => None,
                }
            }

            /// Its name as a query.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$kind => $name,)*)* }
            }

            #[must_use]
            pub const fn question(self, query: ReportQuery) -> query::Data {
                match self { $($(Self::$kind => query::Data::$variant(query),)*)* }
            }

            const fn definition(self) -> Definition {
                match self { $($(Self::$kind => Definition::of::<reports::$module::$kind>(),)*)* }
            }
        }

        $(names! { $of $($name)* })*
    };
}
macro_rules! names {
    (Tickets $($name:literal)*) => {
        impl Kind {
            /// The names of those that are sums over the histories of tickets.
            pub const OF_TICKETS: &[&str] = &[$($name,)*];
            /// The same, and the query for the figures that there are to ask for.
            pub const OF_TICKETS_AND_FIGURES: &[&str] = &[$($name,)* "figures"];
        }
    };
    (Clocks $($name:literal)*) => {
        impl Kind {
            /// The names of those that are sums over the histories of clocks.
            pub const OF_CLOCKS: &[&str] = &[$($name,)*];
        }
    };
}
each_report!([kinds]);

/// The definition of a report.
struct Definition {
    has_sets: bool,
    takes_window: bool,
    takes_figure: bool,
    counts_open_hours: bool,
    parts: &'static [GroupBy],
    parted_by: Option<GroupBy>,
    empty: fn(&Params) -> Box<dyn Sums>,
}

impl Definition {
    const fn of<R: Define>() -> Self {
        Self {
            has_sets: R::HAS_SETS,
            takes_window: R::TAKES_WINDOW,
            takes_figure: R::TAKES_FIGURE,
            counts_open_hours: R::COUNTS_OPEN_HOURS,
            parts: R::PARTS,
            parted_by: R::PARTED_BY,
            empty: |params| Box::new(R::new(params)),
        }
    }
}

/// Everything that makes a report another one. Two questions with the same parameters read the same sums.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Params {
    kind: Kind,
    cutting: Cutting,
    /// Set where the report has one row from here to there.
    range: Option<Span>,
    group_by: Option<GroupBy>,
    window_ms: i64,
    hours: Option<BusinessHours>,
    figure: Option<Defined>,
}

/// A figure that a desk defined. Two are the same where they are the same version of the same one.
#[derive(Debug, Clone)]
pub struct Defined {
    pub name: String,
    /// Which version of its definition.
    pub version: u32,
    /// The definition.
    pub figure: Arc<body::Figure>,
}

impl Defined {
    /// The figure that a question names, as it was published last or in the version that the question names.
    ///
    /// # Errors
    /// There is no such figure, or no such version of it.
    pub fn of(desk: &Configuration, query: &ReportQuery) -> Result<Self, FieldError> {
        let rule = |said: &str| {
            let names = desk.ids(ConfigKind::Figure).filter(|name| desk.figure(name, None).is_some());
            let known: Vec<_> = names.collect();
            let known = match known.as_slice() {
                [] => "the desk has published none".to_owned(),
                known => format!("there are {}", known.join(", ")),
            };
            FieldError::new("figure", format!("{said}: {known}"))
        };
        let Some(name) = query.figure.as_deref() else { return Err(rule("must be the name of a figure")) };
        match (desk.figure(name, query.definition_version), query.definition_version) {
            (Some((version, figure)), _) => {
                Ok(Self { name: name.to_owned(), version, figure: Arc::new(figure.clone()) })
            }
            (None, Some(version)) if desk.ids(ConfigKind::Figure).any(|known| known == name) => {
                let said =
                    format!("must be a version of figure {name:?} that was published; {version} is none");
                Err(FieldError::new("definition_version", said))
            }
            (None, _) => Err(rule("must be the name of a figure that is published and not retired")),
        }
    }

    /// The calendar whose open hours it counts; `None`: it counts all hours.
    ///
    /// # Errors
    /// The desk has no such calendar.
    pub fn hours(&self, desk: &Configuration, now: Timestamp) -> Result<Option<BusinessHours>, FieldError> {
        let calendar = self.figure.duration.as_ref().and_then(|duration| duration.calendar.as_deref());
        calendar.map_or(Ok(None), |name| BusinessHours::of(desk, Some(name), now))
    }
}

impl PartialEq for Defined {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.version) == (&other.name, other.version)
    }
}

impl Eq for Defined {}

impl Hash for Defined {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, self.version).hash(state);
    }
}

/// A calendar whose open hours are counted. Two are the same where as much was published of the same one.
#[derive(Debug, Clone)]
pub struct BusinessHours {
    pub name: String,
    pub versions: usize,
    /// Its open hours.
    pub calendar: Arc<Calendar>,
}

impl BusinessHours {
    /// Of the calendar that is named; of the only one in force where none is named.
    ///
    /// # Errors
    /// There is no calendar of that name.
    pub fn of(desk: &Configuration, name: Option<&str>, now: Timestamp) -> Result<Option<Self>, FieldError> {
        let calendars = desk.calendars();
        let found = match name {
            Some(name) => {
                let found = calendars.get_key_value(name);
                Some(found.ok_or_else(|| FieldError::new("calendar", "there is no calendar of that name"))?)
            }
            None => {
                let mut known = calendars.iter().filter(|(name, _)| desk.calendar(name, now).is_some());
                known.next().filter(|_| known.next().is_none())
            }
        };
        Ok(found.map(|(name, calendar)| Self {
            name: name.clone(),
            // Later ones than those add to them, so their number says which.
            versions: desk.history(ConfigKind::Calendar, name).count(),
            calendar: Arc::new(calendar.clone()),
        }))
    }
}

impl PartialEq for BusinessHours {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.versions) == (&other.name, other.versions)
    }
}

impl Eq for BusinessHours {}

impl Hash for BusinessHours {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, self.versions).hash(state);
    }
}

/// From where rows are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The last position that counts.
    pub position: u64,
    /// The instant for which the answer holds, in milliseconds UTC.
    pub now: i64,
    /// The configuration that the desk had published by then; `None`: none.
    pub desk: Option<&'a Configuration>,
}

impl Look<'static> {
    /// At a desk that published nothing.
    #[must_use]
    pub const fn at(position: u64, now: i64) -> Self {
        Self { position, now, desk: None }
    }
}

impl Look<'_> {
    /// The same, at a desk that published something.
    #[must_use]
    pub const fn of(self, desk: &Configuration) -> Look<'_> {
        Look { position: self.position, now: self.now, desk: Some(desk) }
    }
}

/// The sums of a report over the histories added.
pub struct Report {
    params: Params,
    periods: Periods,
    sums: Box<dyn Sums>,
    /// Bytes of sets when they were counted last, and what has been added to them since, at most.
    sets: usize,
    sets_since: usize,
}

/// The places in sets that one moment takes at most: one in each of four.
const SETS_PER_MOMENT: usize = 256;

impl Params {
    /// Reads a question that is asked at an instant: which report, and which rows of it.
    ///
    /// # Errors
    /// A field is out of its range; it names which, and the rule.
    pub fn read(kind: Kind, query: &ReportQuery, now: i64) -> Result<(Self, Span), FieldError> {
        let zone = match query.zone.as_deref() {
            Some(name) => name.parse::<Tz>().map_err(|_| {
                FieldError::new("zone", "must be a zone of the IANA database, such as Europe/Paris")
            })?,
            None => Tz::UTC,
        };
        let period = query
            .period
            .map_or(Ok(Period::Week), |p| Period::from_wire(p).map_err(|e| e.in_field("period")))?;
        let group_by = query
            .group_by
            .map(|g| GroupBy::from_wire(g).map_err(|e| e.in_field("group_by")))
            .transpose()?
            .or(kind.definition().parted_by);
        if let Some(group_by) = group_by
            && !kind.definition().parts.contains(&group_by)
        {
            let rule = format!("must be one of {} for this report", words(kind.definition().parts));
            return Err(FieldError::new("group_by", rule));
        }
        let days = query.window_days.unwrap_or(WINDOW_DAYS);
        kind.refuse("window_days", query.window_days.is_some(), |of| of.takes_window)?;
        kind.refuse("figure", query.figure.is_some(), |of| of.takes_figure)?;
        kind.refuse("definition_version", query.definition_version.is_some(), |of| of.takes_figure)?;
        kind.refuse("calendar", query.calendar.is_some(), |of| of.counts_open_hours)?;
        if days == 0 || days > WINDOW_DAYS_MAX {
            return Err(FieldError::new("window_days", format!("must be 1 to {WINDOW_DAYS_MAX}")));
        }
        let cutting = Cutting { zone, period };
        let span = cutting
            .span(query.from.as_deref(), query.to.as_deref(), now)
            .map_err(|e| FieldError::new(e.field(), e.to_string()))?;
        let range = (period == Period::Range).then_some(span);
        let window_ms = i64::from(days).saturating_mul(DAY_MS);
        Ok((Self { kind, cutting, range, group_by, window_ms, hours: None, figure: None }, span))
    }

    /// The field by which the question asks for more than another might: what parts the report, or else since when.
    #[must_use]
    pub const fn widest_field(&self) -> &'static str {
        if self.group_by.is_some() { "group_by" } else { "from" }
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) const fn period(&self) -> Period {
        self.cutting.period
    }

    /// By what it is parted.
    pub(crate) const fn group_by(&self) -> Option<GroupBy> {
        self.group_by
    }

    /// Whether it is parted as it is where nobody says how.
    pub(crate) fn is_parted_as_by_itself(&self) -> bool {
        self.group_by == self.kind.definition().parted_by
    }

    /// How long a window of days is, in milliseconds.
    pub(crate) const fn window_ms(&self) -> i64 {
        self.window_ms
    }

    pub(crate) const fn hours(&self) -> Option<&BusinessHours> {
        self.hours.as_ref()
    }

    /// The figure that is counted.
    pub(crate) const fn figure(&self) -> Option<&Defined> {
        self.figure.as_ref()
    }

    /// Counts a figure that a desk defined; without one, there is nothing to count.
    #[must_use]
    pub fn with_figure(self, figure: Option<Defined>) -> Self {
        Self { figure, ..self }
    }

    /// Counts the open hours of a calendar, too.
    #[must_use]
    pub fn with_hours(self, hours: Option<BusinessHours>) -> Self {
        Self { hours, ..self }
    }
}

impl Kind {
    /// Whether it counts the open hours of a calendar, too.
    #[must_use]
    pub const fn counts_open_hours(self) -> bool {
        self.definition().counts_open_hours
    }

    /// Whether it counts by a definition of the desk.
    #[must_use]
    pub const fn takes_figure(self) -> bool {
        self.definition().takes_figure
    }

    /// A field that is given and is not for this report.
    fn refuse(self, field: &str, given: bool, takes: impl Fn(&Definition) -> bool) -> Result<(), FieldError> {
        if !given || takes(&self.definition()) {
            return Ok(());
        }
        let takers = Self::ALL.iter().filter(|kind| takes(&kind.definition()));
        let takers: Vec<_> = takers.map(|kind| kind.as_str()).collect();
        Err(FieldError::new(field, format!("is only for {}", takers.join(", "))))
    }
}

fn words(parts: &[GroupBy]) -> String {
    parts.iter().map(|part| part.as_str()).collect::<Vec<_>>().join(", ")
}

impl Report {
    /// A report over no ticket at all.
    #[must_use]
    pub fn new(params: Params) -> Self {
        let sums = (params.kind.definition().empty)(&params);
        let periods = Periods::new(params.cutting, params.range);
        Self { params, periods, sums, sets: 0, sets_since: 0 }
    }

    /// A report of which only the rows of a span are wanted. It holds less, and its rows of other spans are wrong.
    #[must_use]
    pub fn within(params: Params, span: Span) -> Self {
        let mut report = Self::new(params);
        report.sums.narrow(report.periods.bounds(span));
        report
    }

    /// Bytes that the sums hold, at most; costs nothing to ask.
    #[must_use]
    pub fn bytes_at_most(&self) -> usize {
        let cells = self.sums.bytes_of_cells();
        cells.saturating_add(self.sets).saturating_add(self.sets_since)
    }

    /// Counts the bytes that the sums hold, so that [`Report::bytes_at_most`] is near.
    pub fn weigh(&mut self) -> usize {
        let bytes = self.sums.bytes();
        self.sets = bytes.saturating_sub(self.sums.bytes_of_cells());
        self.sets_since = 0;
        bytes
    }

    /// Adds what a ticket adds.
    pub fn add(&mut self, history: &History) {
        self.count(history, 1);
    }

    /// Takes away what a ticket added: the same history as then.
    pub fn remove(&mut self, history: &History) {
        self.count(history, -1);
    }

    fn count(&mut self, history: &History, sign: i64) {
        if history.counts() {
            if self.params.kind.definition().has_sets {
                let more = history.moments().len().saturating_mul(SETS_PER_MOMENT);
                self.sets_since = self.sets_since.saturating_add(more);
            }
            self.sums.ticket(history, &mut self.periods, self.params.group_by, sign);
        }
    }

    /// Adds the sums of another report with the same parameters, over other tickets.
    ///
    /// # Panics
    /// The parameters differ.
    pub fn merge(&mut self, other: Self) {
        assert_eq!(self.params, other.params, "only sums of the same report can be added");
        self.sums.merge(other.sums);
        self.sets = self.sets.saturating_add(other.sets);
        self.sets_since = self.sets_since.saturating_add(other.sets_since);
    }

    /// All rows of a span.
    #[must_use]
    pub fn rows(&self, span: Span, look: Look<'_>) -> Data {
        self.page(span, look, Window::ALL).0
    }

    /// Some rows of a span, and whether there are more behind them. What is not in the window is not made.
    #[must_use]
    pub fn page(&self, span: Span, look: Look<'_>, window: Window) -> (Data, bool) {
        let (periods, group_by) = (&self.periods, self.params.group_by);
        let table = reports::Table { periods, group_by, span, look, window, more: Mutable::new(false) };
        let data = self.sums.rows(&table);
        (data, table.more.get())
    }
}
