//! A report that is asked for, and kept: histories are added and taken away, rows are read.

use std::cell::Cell as Mutable;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chrono_tz::Tz;
use guichet_rules::calendar::Calendar;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::rejection::FieldError;
use guichet_schemas::wire::ReportQuery;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::words::{GroupBy, Period};

use crate::history::History;
use crate::periods::{Cutting, Periods, Span};
use crate::reports::{self, Sums, Window};

/// R1 asks whether a ticket was reopened within so many days, if nobody says how many.
const WINDOW_DAYS: u32 = 7;
const WINDOW_DAYS_MAX: u32 = 365;
const DAY_MS: i64 = 86_400_000;

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "documented in query.proto, under the same names")]
pub enum Kind {
    Backlog,
    ReopenRate,
    ResolutionTime,
    FirstResponse,
    Closure,
    Escalation,
    Volume,
    Ageing,
    Reassignment,
    Sla,
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
}

/// A calendar whose open hours are counted. Two are the same where as much was published of the same one.
#[derive(Debug, Clone)]
pub struct BusinessHours {
    /// Its name.
    pub name: String,
    /// How often it was published.
    pub versions: usize,
    /// Its open hours.
    pub calendar: Arc<Calendar>,
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

/// What an answer says about itself.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// The last position that counts.
    pub position: u64,
    /// The instant for which the answer holds, in milliseconds UTC.
    pub now: i64,
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

/// What one moment adds to sets at most: a place in each of four.
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
        let group_by =
            query.group_by.map(|g| GroupBy::from_wire(g).map_err(|e| e.in_field("group_by"))).transpose()?;
        if let Some(group_by) = group_by
            && !kind.parts().contains(&group_by)
        {
            let rule = format!("must be one of {} for this report", words(kind.parts()));
            return Err(FieldError::new("group_by", rule));
        }
        let days = query.window_days.unwrap_or(WINDOW_DAYS);
        if query.window_days.is_some() && kind != Kind::ReopenRate {
            return Err(FieldError::new("window_days", "is only for report_reopen_rate"));
        }
        if query.calendar.is_some() && kind != Kind::FirstResponse {
            return Err(FieldError::new("calendar", "is only for report_first_response"));
        }
        if days == 0 || days > WINDOW_DAYS_MAX {
            return Err(FieldError::new("window_days", format!("must be 1 to {WINDOW_DAYS_MAX}")));
        }
        let cutting = Cutting { zone, period };
        let span = cutting
            .span(query.from.as_deref(), query.to.as_deref(), now)
            .map_err(|e| FieldError::new(e.field(), e.to_string()))?;
        let range = (period == Period::Range).then_some(span);
        let window_ms = i64::from(days).saturating_mul(DAY_MS);
        Ok((Self { kind, cutting, range, group_by, window_ms, hours: None }, span))
    }

    /// The field by which the question asks for more than another might: what parts the report, or else since when.
    #[must_use]
    pub const fn widest_field(&self) -> &'static str {
        if self.group_by.is_some() { "group_by" } else { "from" }
    }

    /// Counts the open hours of a calendar, too.
    #[must_use]
    pub fn with_hours(self, hours: Option<BusinessHours>) -> Self {
        Self { hours, ..self }
    }
}

impl Kind {
    /// Whether its sums hold sets, of durations or of names.
    const fn has_sets(self) -> bool {
        match self {
            Self::ReopenRate | Self::ResolutionTime | Self::FirstResponse | Self::Ageing | Self::Sla => true,
            Self::Backlog | Self::Closure | Self::Escalation | Self::Volume | Self::Reassignment => false,
        }
    }

    /// By what this report can be parted.
    const fn parts(self) -> &'static [GroupBy] {
        use GroupBy::{
            Agent, Category, Channel, Group, Kind as ByKind, Priority, Product, Reason, Tag, Tier,
        };
        match self {
            Self::Escalation => {
                &[Channel, Category, Group, Priority, Product, Agent, Tier, Tag, ByKind, Reason]
            }
            Self::Backlog
            | Self::ReopenRate
            | Self::ResolutionTime
            | Self::FirstResponse
            | Self::Closure
            | Self::Volume
            | Self::Ageing
            | Self::Reassignment
            | Self::Sla => &[Channel, Category, Group, Priority, Product, Agent, Tier],
        }
    }
}

fn words(parts: &[GroupBy]) -> String {
    parts.iter().map(|part| part.as_str()).collect::<Vec<_>>().join(", ")
}

impl Report {
    /// A report over no ticket at all.
    #[must_use]
    pub fn new(params: Params) -> Self {
        let sums: Box<dyn Sums> = match params.kind {
            Kind::Backlog => Box::<reports::backlog::Backlog>::default(),
            Kind::ReopenRate => Box::new(reports::reopen_rate::ReopenRate::new(params.window_ms)),
            Kind::ResolutionTime => Box::<reports::resolution_time::ResolutionTime>::default(),
            Kind::FirstResponse => {
                Box::new(reports::first_response::FirstResponse::new(params.hours.clone()))
            }
            Kind::Closure => Box::<reports::closure::Closure>::default(),
            Kind::Escalation => Box::<reports::escalation::Escalation>::default(),
            Kind::Volume => Box::<reports::volume::Volume>::default(),
            Kind::Ageing => Box::<reports::ageing::Ageing>::default(),
            Kind::Reassignment => Box::<reports::reassignment::Reassignment>::default(),
            Kind::Sla => Box::<reports::sla::Sla>::default(),
        };
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
            if self.params.kind.has_sets() {
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
    pub fn rows(&self, span: Span, look: Look) -> Data {
        self.page(span, look, Window::ALL).0
    }

    /// Some rows of a span, and whether there are more behind them. What is not in the window is not made.
    #[must_use]
    pub fn page(&self, span: Span, look: Look, window: Window) -> (Data, bool) {
        let (periods, group_by) = (&self.periods, self.params.group_by);
        let table = reports::Table { periods, group_by, span, look, window, more: Mutable::new(false) };
        let data = self.sums.rows(&table);
        (data, table.more.get())
    }
}
