//! A figure that a desk defined: events that a filter holds of, or how long it takes from one to another. Filters ask of
//! an event and of the ticket as the event left it, so what a ticket adds depends on its own history alone.

use guichet_config::body::{Dated, Duration, Pairs};
use guichet_config::{Fact, Facts, Field};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::{FigureReport, FigureRow};
use guichet_schemas::words::{
    CancelReason, Channel, CloseReason, EscalationReason, GroupBy, Origin, Priority,
};

use super::{At, Cells, Define, Follow, Sums, Table, add, same, told, walk};
use crate::durations::Durations;
use crate::history::History;
use crate::life::Life;
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::{BusinessHours, Defined, Params};

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    count: i64,
    tickets: i64,
    durations: Durations,
}

impl super::Cell for Cell {
    fn outside() -> Self {
        Self { durations: Durations::blunt(), ..Self::default() }
    }

    fn bytes_of_sets(&self) -> usize {
        self.durations.bytes()
    }
}

/// The sums of the report.
pub(crate) struct Figure {
    figure: Option<Defined>,
    hours: Option<BusinessHours>,
    cells: Cells<Cell>,
}

/// An event with the ticket before and after it.
struct Seen<'s, 'a> {
    /// `None`: the ticket is asked, and no event.
    moment: Option<&'a Moment>,
    at: i64,
    before: &'s Life<'a>,
    after: &'s Life<'a>,
    merged: bool,
    cancelled: bool,
}

impl Facts for Seen<'_, '_> {
    fn fact(&self, field: Field) -> Fact<'_> {
        let (now, what) = (&self.after.now, self.moment.and_then(|moment| moment.what.as_ref()));
        let count = |n: u64| Fact::Count(i64::try_from(n).unwrap_or(i64::MAX));
        let seconds = |since: i64| Fact::Count(self.at.saturating_sub(since).div_euclid(1_000));
        match field {
            Field::Event => Fact::Text(what.map_or("", event)),
            Field::Status => Fact::Text(self.after.state.map_or("", |state| state.as_str())),
            Field::StatusBefore => Fact::Text(self.before.state.map_or("", |state| state.as_str())),
            Field::Unresolved => Fact::Flag(self.after.is_unresolved()),
            Field::UnresolvedBefore => Fact::Flag(self.before.is_unresolved()),
            Field::Channel => Fact::Text(Channel::from_wire(now.channel).map_or("", Channel::as_str)),
            Field::Origin => Fact::Text(Origin::from_wire(self.after.origin).map_or("", Origin::as_str)),
            Field::Priority => Fact::Text(Priority::from_wire(now.priority).map_or("", Priority::as_str)),
            Field::Category => Fact::Text(now.category),
            Field::Group => Fact::Text(now.group),
            Field::Agent => Fact::Text(now.agent),
            Field::Product => Fact::Text(now.product),
            Field::Tier => Fact::Count(i64::from(now.tier)),
            Field::Author => Fact::Text(what.map_or("", author)),
            Field::ByPerson => Fact::Flag(what.is_some_and(by_person)),
            Field::Reason => Fact::Text(what.map_or("", reason)),
            Field::Resolutions => count(self.after.resolutions),
            Field::Reopens => count(self.after.reopens),
            Field::Replies => count(self.after.human_replies),
            Field::Escalations => count(self.after.escalations),
            Field::SinceCreated => seconds(self.after.created_at),
            // Of the resolution before this event: a resolution is not since itself.
            Field::SinceResolved => self.before.last_resolved_at.map_or(Fact::Count(-1), seconds),
            Field::Merged => Fact::Flag(self.merged),
            Field::Cancelled => Fact::Flag(self.cancelled),
        }
    }
}

/// The type of the event that a moment was made of.
const fn event(what: &What) -> &'static str {
    match what {
        What::Created(_) => "TicketCreated",
        What::State(_) => "StatusChanged",
        What::Resolved(_) => "TicketResolved",
        What::Reopened(_) => "TicketReopened",
        What::Closed(_) => "TicketClosed",
        What::Cancelled(_) => "TicketCancelled",
        What::Group(_) => "TicketRouted",
        What::Assignee(agent) if agent.is_empty() => "TicketUnassigned",
        What::Assignee(_) => "TicketAssigned",
        What::Escalated(_) => "TicketEscalated",
        What::Deescalated(_) => "TicketDeescalated",
        What::Reply(_) | What::Inbound(_) => "CommentAdded",
        What::Priority(_) => "PriorityChanged",
        What::Category(_) => "CategoryChanged",
        What::FollowedUp(_) => "FollowUpCreated",
        What::Proposed(_) => "ResolutionProposed",
        What::Survey(_) => "SurveyRequested",
        What::Rated(_) => "TicketRated",
        What::Nps(_) => "NpsRecorded",
        // Of a call or of logged time, alike.
        What::Worked(_) => "TimeLogged",
        What::Article(_) => "ArticleUsed",
        What::Clock(_) => "",
    }
}

fn author(what: &What) -> &'static str {
    if let What::Reply(reply) = what {
        if reply.human { "agent" } else { "bot" }
    } else if let What::Inbound(_) = what {
        "requester"
    } else {
        ""
    }
}

const fn by_person(what: &What) -> bool {
    if let What::Reply(reply) = what {
        reply.human
    } else if let What::Resolved(resolved) = what {
        resolved.human
    } else {
        matches!(what, What::Inbound(_))
    }
}

fn reason(what: &What) -> &'static str {
    if let What::Closed(reason) = what {
        CloseReason::from_wire(*reason).map_or("", CloseReason::as_str)
    } else if let What::Cancelled(reason) = what {
        CancelReason::from_wire(*reason).map_or("", CancelReason::as_str)
    } else if let What::Escalated(escalated) = what {
        EscalationReason::from_wire(escalated.reason).map_or("", EscalationReason::as_str)
    } else {
        ""
    }
}

/// Something that counts.
#[derive(Debug, Clone)]
struct Counted {
    period: Start,
    part: Part,
    /// How long it took, where it is a duration.
    ms: i64,
}

/// Where a duration begins or ends.
#[derive(Debug, Clone)]
struct Mark {
    at: i64,
    period: Start,
    part: Part,
}

/// An event under way: an assignment is two moments.
struct Pending<'a> {
    period: Start,
    moment: &'a Moment,
    before: Life<'a>,
    after: Life<'a>,
}

struct Follower<'f, 'a> {
    figure: &'f Defined,
    hours: Option<&'f BusinessHours>,
    group_by: Option<GroupBy>,
    merged: bool,
    cancelled: bool,
    pending: Option<Pending<'a>>,
    /// The beginning that waits for its end.
    begun: Option<Mark>,
    /// The newest end, where the last one counts.
    ended: Option<Mark>,
    counted: Vec<Counted>,
    /// Periods at whose end the ticket is so that it counts, in their order.
    stood: Vec<Start>,
}

impl<'a> Follow<'a> for Follower<'_, 'a> {
    fn moment(&mut self, period: Start, before: &Life<'a>, moment: &'a Moment, after: &Life<'a>) {
        match &mut self.pending {
            Some(pending) if pending.moment.position == moment.position => {
                (pending.moment, pending.after) = (moment, *after);
            }
            Some(_) | None => {
                self.settle();
                self.pending = Some(Pending { period, moment, before: *before, after: *after });
            }
        }
    }

    fn end_of(&mut self, period: Start, life: &Life<'a>) {
        let at = self.pending.as_ref().map_or(life.state_since, |pending| pending.moment.at);
        self.settle();
        let (merged, cancelled) = (self.merged, self.cancelled);
        let seen = Seen { moment: None, at, before: life, after: life, merged, cancelled };
        if self.figure.figure.still.as_ref().is_none_or(|still| still.holds(&seen)) {
            self.stood.push(period);
        }
    }
}

impl Follower<'_, '_> {
    fn settle(&mut self) {
        let Some(Pending { period, moment, before, after }) = self.pending.take() else { return };
        let (merged, cancelled) = (self.merged, self.cancelled);
        let seen =
            Seen { moment: Some(moment), at: moment.at, before: &before, after: &after, merged, cancelled };
        let figure = &self.figure.figure;
        if figure.count.as_ref().is_some_and(|filter| filter.holds(&seen)) {
            self.counted.push(Counted { period, part: part::of(self.group_by, &after.now), ms: 0 });
        }
        let Some(duration) = &figure.duration else { return };
        let mark = || Mark { at: moment.at, period, part: part::of(self.group_by, &after.now) };
        if let Some(begun) = &self.begun {
            let over = duration.pairs == Pairs::First && self.ended.is_some();
            if !over && duration.to.holds(&seen) {
                let ended = mark();
                if duration.pairs == Pairs::Each {
                    self.counted.extend(self.measured(duration, begun, &ended));
                    self.begun = None;
                } else {
                    self.ended = Some(ended);
                }
            }
        }
        if self.begun.is_none() && duration.from.holds(&seen) {
            self.begun = Some(mark());
        }
    }

    /// What counts of a beginning and its end; `None`: it took too long to count.
    fn measured(&self, duration: &Duration, from: &Mark, to: &Mark) -> Option<Counted> {
        let ms = match self.hours {
            Some(hours) => hours.calendar.elapsed(Timestamp(from.at), Timestamp(to.at)),
            None => to.at.saturating_sub(from.at),
        };
        if duration.within_s.is_some_and(|within| ms > i64::from(within).saturating_mul(1_000)) {
            return None;
        }
        let dated = match duration.dated {
            Dated::From => from,
            Dated::To => to,
        };
        Some(Counted { period: dated.period, part: dated.part.clone(), ms })
    }

    /// Everything of the ticket that counts, in the order of the periods.
    fn end(mut self) -> Vec<Counted> {
        if let (Some(duration), Some(from), Some(to)) =
            (&self.figure.figure.duration, &self.begun, &self.ended)
        {
            self.counted.extend(self.measured(duration, from, to));
        }
        let stood = &self.stood;
        self.counted.retain(|counted| stood.binary_search(&counted.period).is_ok());
        self.counted
    }
}

impl Define for Figure {
    const HAS_SETS: bool = true;
    const TAKES_FIGURE: bool = true;

    fn new(params: &Params) -> Self {
        let (figure, hours) = (params.figure().cloned(), params.hours().cloned());
        Self { figure, hours, cells: Cells::default() }
    }
}

impl Sums for Figure {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let Some(figure) = &self.figure else { return };
        let mut follower = Follower {
            figure,
            hours: self.hours.as_ref(),
            group_by,
            merged: history.is_merged(),
            cancelled: history.is_cancelled(),
            pending: None,
            begun: None,
            ended: None,
            counted: Vec::new(),
            stood: Vec::new(),
        };
        walk(history, periods, &mut follower);
        let is_duration = figure.figure.duration.is_some();
        let counted = follower.end();
        for (n, one) in counted.iter().enumerate() {
            let cell = self.cells.at(&one.part, one.period);
            add(&mut cell.count, sign);
            if is_duration {
                cell.durations.add(one.ms, sign);
            }
            let next = counted.get(n.saturating_add(1));
            if next.is_none_or(|next| next.period != one.period) {
                add(&mut cell.tickets, sign);
            }
        }
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        self.cells.merge(same::<Self>(other).cells, |mine, more| {
            add(&mut mine.count, more.count);
            add(&mut mine.tickets, more.tickets);
            mine.durations.merge(more.durations);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let Some(Defined { name, version, figure }) = &self.figure else {
            return Data::ReportFigure(FigureReport::default());
        };
        let make = |at: At<'_>, cell: &Cell, total: &i64| -> FigureRow {
            row!(
                table,
                at,
                FigureRow {
                    figure: name.clone(),
                    definition_version: *version,
                    count: told(cell.count),
                    tickets: told(cell.tickets),
                    total: told(*total),
                    duration: figure.duration.as_ref().map(|_| cell.durations.figures()),
                }
            )
        };
        let carry = |total: &mut i64, cell: &Cell| add(total, cell.count);
        Data::ReportFigure(FigureReport { rows: self.cells.rows(table, carry, make) })
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
