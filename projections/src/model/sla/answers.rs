//! The queries about clocks and broken promises.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

use std::sync::Arc;

use guichet_config::HoursKind;
use guichet_reports::{Cut, Look, Params};
use guichet_schemas::codec::number_text;
use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::wire::SlaClockState;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::words::SlaMetric;
use guichet_service::caught;
use guichet_sla::{AlarmKey, ClockView, Standing, TimerName};
use prost::Message as _;

use super::books::Book;
use super::dues::Dues;
use super::fold::{Owner, breach, breach_key};
use super::{BooksCache, Row};
use crate::keys;
use crate::model::reports;
use crate::projection::Answers;
use crate::projection::News;
use crate::queries::page::{NOT_OURS, Page, ROWS_READ_MAX, list};
use crate::queries::{Ask, Found, Question, Reader, Refusal, Which, absent};
use crate::store::{Store, StoreError, View, damaged_key};

/// Stretches of one clock that are shown, in the answer about the clocks of a ticket and in that about the ticket.
const RUNS_MAX: usize = 1_000;
pub(crate) const RUNS_OF_TICKET_MAX: usize = 100;
/// Bytes of a broken promise that nobody has written down yet.
const FRESH_BYTES: usize = 1_024;

/// Answers from rows.
pub(super) struct Clocks {
    store: Arc<Store>,
    dues: Arc<Dues>,
    books: BooksCache,
    published: reports::Cache,
}

impl Clocks {
    pub(super) fn new(store: Arc<Store>, dues: Arc<Dues>) -> Self {
        let published = reports::Cache::of_family(keys::SLA_CONFIG);
        Self { store, dues, books: BooksCache::default(), published }
    }
}

impl Answers for Clocks {
    fn dues(&self, whole: bool) -> Result<Option<News>, StoreError> {
        self.dues.take(&self.store, whole).map(Some)
    }

    fn answer(&self, reader: &Reader<'_>) -> Result<Found, Refusal> {
        let book = self.books.of(&reader.view, reader.tenant())?;
        match &reader.ask.question {
            Question::SlaClocks(which) => {
                present_only(reader.ask)?;
                of_ticket(reader, which, &book)
            }
            Question::SlaDue(before) => {
                present_only(reader.ask)?;
                due(reader, *before, &book)
            }
            Question::SlaBreaches(query) => {
                present_only(reader.ask)?;
                breaches(reader, query, &book)
            }
            Question::Report(kind, query) => {
                if reader.ask.as_of_position.is_some() {
                    return Err(unsupported("as_of_position for report_sla; ask with as_of").into());
                }
                let (params, span) = Params::read(*kind, query, reader.now.0)?;
                let cut = Cut { before: reader.ask.as_of.map_or(i64::MAX, |as_of| as_of.0), ..Cut::NONE };
                // It is read again for each answer, so only what the answer is of.
                let report = reports::Sum {
                    view: &reader.view,
                    family: keys::SLA_HISTORIES,
                    tenant: reader.tenant(),
                    params: &params,
                    cut,
                    within: Some(span),
                    budget: reader.budget,
                };
                let published = self.published.of(&reader.view, reader, reader.until)?;
                let look = Look::at(reader.until, reader.now.0).of(&published.configuration);
                let window = reports::window_of(look, reports::window(reader.ask)?);
                reports::page(report.build()?.page(span, look, window), &params, look, reader)
            }
            Question::Ticket(_)
            | Question::Timeline(_)
            | Question::Tickets(_)
            | Question::Events(_)
            | Question::Queues(_)
            | Question::Queue(_)
            | Question::Figures
            | Question::Article(_)
            | Question::Articles(_)
            | Question::SuggestedArticles(..)
            | Question::KnowledgeGaps(_)
            | Question::Projections => Err(unsupported("this query here").into()),
        }
    }
}

fn unsupported(what: &str) -> Rejection {
    Rejection::Unsupported(what.to_owned())
}

/// Rows stand where the last event left them: what was known before is not kept.
fn present_only(ask: &Ask) -> Result<(), Rejection> {
    if ask.looks_back() {
        Err(unsupported("a look back at clocks; ask report_sla with as_of"))
    } else {
        Ok(())
    }
}

fn of_ticket(reader: &Reader<'_>, which: &Which, book: &Book) -> Result<Found, Refusal> {
    let id = reader.find(which)?;
    let quarantined = reader.view.get(keys::QUARANTINE, &keys::ticket(reader.tenant(), id))?;
    if quarantined.is_some() {
        let reason = format!("the clocks of {which} could not be folded; its timeline is complete");
        let as_of_position = Some(reader.checkpoint.position_or_zero());
        return Err(Rejection::Unavailable { reason, as_of_position }.into());
    }
    let row = row(&reader.view, reader.tenant(), id)?.ok_or_else(|| absent(which))?;
    let clocks = clocks(&row, id, reader.now, book, Runs::Newest(RUNS_MAX));
    let (clocks, next) = list(clocks, reader.ask)?;
    Ok((Data::SlaClocks(wire::SlaClocksView { clocks }), next))
}

/// Which of the stretches in which a clock ran are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Runs {
    None,
    /// So many, the newest ones; how many are left out is told.
    Newest(usize),
}

/// The clocks of a ticket at an instant.
pub(crate) fn clocks(
    row: &Row,
    id: TicketId,
    now: Timestamp,
    book: &Book,
    shown_runs: Runs,
) -> Vec<wire::SlaClockView> {
    let (ticket, _) = row.at(now, &book.rules);
    let views = ticket.map_or_else(Vec::new, |ticket| ticket.clocks(now, &book.rules)).into_iter();
    views.map(|clock| shown(clock, id, row.number, shown_runs)).collect()
}

fn shown(clock: ClockView, id: TicketId, number: u64, shown_runs: Runs) -> wire::SlaClockView {
    let state = match clock.standing {
        Standing::Running => SlaClockState::Running,
        Standing::Paused => SlaClockState::Paused,
        Standing::Met => SlaClockState::Met,
        Standing::Breached => SlaClockState::Breached,
        Standing::Voided => SlaClockState::Voided,
        Standing::Cancelled => SlaClockState::Cancelled,
    };
    let (skip, left_out) = match shown_runs {
        Runs::None => (usize::MAX, 0),
        Runs::Newest(most) => {
            let left_out = clock.runs.len().saturating_sub(most);
            (left_out, left_out as u64)
        }
    };
    let runs = clock.runs.into_iter().skip(skip);
    wire::SlaClockView {
        ticket_id: id.to_wire(),
        number: number_text(number),
        metric: clock.metric.to_wire(),
        instance: clock.instance,
        state: state as i32,
        policy: clock.policy,
        policy_version: clock.policy_version,
        revision: clock.revision,
        target_s: clock.target_s,
        hours: match clock.hours {
            HoursKind::Business => "business".to_owned(),
            HoursKind::Calendar => "calendar".to_owned(),
        },
        calendar: clock.calendar,
        started_at: clock.started_at.0,
        due_at: clock.due_at.map(|at| at.0),
        consumed_s: seconds(clock.consumed_s),
        remaining_s: seconds(i64::from(clock.target_s).saturating_sub(clock.consumed_s)),
        breached_at: clock.breached_at.map(|at| at.0),
        voided: clock.voided,
        ended_at: clock.ended_at.map(|at| at.0),
        warned_pct: clock.warned_pct,
        runs: runs
            .map(|run| wire::SlaRunView {
                from: run.from.0,
                to: run.to.map(|to| to.0),
                counted_s: seconds(run.counted_s),
            })
            .collect(),
        runs_left_out: left_out,
    }
}

fn seconds(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// Where a page of a list by instants ended: after so many entries of what stands at this key.
struct Cursor {
    key: Vec<u8>,
    taken: usize,
}

impl Cursor {
    fn read(ask: &Ask, tenant: &str) -> Result<Option<Self>, FieldError> {
        let Some(text) = &ask.cursor else { return Ok(None) };
        let parse = || {
            let (key, taken) = text.strip_prefix('k')?.split_once('.')?;
            let mut whole = keys::tenant(tenant);
            whole.extend(hex::decode(key).ok()?);
            Some(Self { key: whole, taken: taken.parse().ok()? })
        };
        parse().map(Some).ok_or_else(|| FieldError::new("cursor", NOT_OURS))
    }

    fn write(key: &[u8], tenant: &str, taken: usize) -> String {
        let own = key.get(keys::tenant(tenant).len()..).unwrap_or_default();
        format!("k{}.{taken}", hex::encode(own))
    }
}

/// Running clocks that are due before an instant: tickets by the first of theirs.
fn due(reader: &Reader<'_>, before: Timestamp, book: &Book) -> Result<Found, Refusal> {
    let tenant = reader.tenant();
    let cursor = Cursor::read(reader.ask, tenant)?;
    let start = cursor.as_ref().map_or_else(|| keys::tenant(tenant), |cursor| cursor.key.clone());
    let end = keys::from(tenant, before);
    let mut page = Page::new(reader.ask);
    let mut next = None;
    for (count, entry) in reader.view.scan(keys::SLA_DUE, keys::tenant(tenant), &start).enumerate() {
        let (key, _) = entry?;
        if *key >= *end {
            break;
        }
        reader.entry(key.len())?;
        if count == ROWS_READ_MAX || count > 0 && reader.slice_is_over() {
            next = Some(Cursor::write(&key, tenant, 0));
            break;
        }
        let id = keys::trailing_ticket(&key).ok_or_else(damaged_key)?;
        if reader.hides(id)? {
            continue;
        }
        let Some(row) = row(&reader.view, tenant, id)? else { continue };
        let late = |clock: &wire::SlaClockView| {
            clock.state == SlaClockState::Running as i32 && clock.due_at.is_some_and(|due| due < before.0)
        };
        let Some(clocks) = spared(id, || clocks(&row, id, reader.now, book, Runs::None)) else { continue };
        let clocks = clocks.into_iter().filter(late);
        let skip = cursor.as_ref().filter(|cursor| *cursor.key == *key).map_or(0, |cursor| cursor.taken);
        let over = clocks.enumerate().skip(skip).find_map(|(n, clock)| (!page.takes(clock)).then_some(n));
        if let Some(taken) = over {
            next = Some(Cursor::write(&key, tenant, taken));
            break;
        }
    }
    Ok((Data::SlaClocks(wire::SlaClocksView { clocks: page.into_entries() }), next))
}

/// Broken promises by instant; those that the log will have in a moment, too.
fn breaches(reader: &Reader<'_>, query: &wire::SlaBreachesQuery, book: &Book) -> Result<Found, Refusal> {
    let tenant = reader.tenant();
    let wanted =
        query.metric.map(|m| SlaMetric::from_wire(m).map_err(|e| e.in_field("metric"))).transpose()?;
    let cursor = Cursor::read(reader.ask, tenant)?;
    let from = Timestamp(query.from.unwrap_or(0));
    let to = Timestamp(query.to.unwrap_or(i64::MAX));
    let start = cursor.as_ref().map_or_else(|| keys::from(tenant, from), |cursor| cursor.key.clone());
    let end = keys::from(tenant, to);
    // What nobody has written down yet: of tickets whose alarm is past.
    let mut fresh = fresh(reader, book)?.into_iter().peekable();
    let mut page = Page::new(reader.ask);
    let mut kept = reader.view.scan(keys::SLA_BREACHES, keys::tenant(tenant), &start).peekable();
    let mut next = None;
    let mut count = 0_usize;
    while fresh.next_if(|(key, _)| *key < start).is_some() {}
    loop {
        let kept_first = match (kept.peek(), fresh.peek()) {
            (None, None) => break,
            (Some(Ok((key, _))), Some((other, _))) => **key <= **other,
            (Some(_), _) => true,
            (None, Some(_)) => false,
        };
        let one = if kept_first {
            let Some(entry) = kept.next() else { break };
            let (key, bytes) = entry?;
            let one = wire::SlaBreachView::decode(&*bytes);
            (key.into_vec(), one.map_err(|_| StoreError::Damaged { what: "a breach" })?)
        } else {
            let Some(entry) = fresh.next() else { break };
            entry
        };
        let (key, mut one) = one;
        if key >= end {
            break;
        }
        count = count.saturating_add(1);
        reader.entry(key.len())?;
        if count > ROWS_READ_MAX || count > 1 && reader.slice_is_over() {
            next = Some(Cursor::write(&key, tenant, 0));
            break;
        }
        if wanted.is_some_and(|wanted| wanted.to_wire() != one.metric) {
            continue;
        }
        if reader.hides(TicketId::from_wire(one.ticket_id.clone()).map_err(|_| damaged_key())?)? {
            continue;
        }
        if kept_first {
            look_up(&reader.view, tenant, &mut one)?;
        }
        if !page.takes(one) {
            next = Some(Cursor::write(&key, tenant, 0));
            break;
        }
    }
    Ok((Data::SlaBreaches(wire::SlaBreachesView { breaches: page.into_entries() }), next))
}

/// Adds to a breach the part that changes later, from the row of its ticket.
fn look_up(view: &View<'_>, tenant: &str, one: &mut wire::SlaBreachView) -> Result<(), StoreError> {
    let id = TicketId::from_wire(one.ticket_id.clone()).map_err(|_| damaged_key())?;
    let Some(row) = row(view, tenant, id)? else { return Ok(()) };
    let of = SlaMetric::from_wire(one.metric).map_err(|_| StoreError::Damaged { what: "a breach" })?;
    one.voided = row.ticket.as_ref().is_some_and(|ticket| ticket.is_voided(of, one.instance));
    one.recorded =
        row.recorded.contains(&AlarmKey { of: TimerName::Clock(of), instance: one.instance, pct: None });
    Ok(())
}

/// The finding about one ticket of many; `None`: looking at it panicked, and the list is about the others.
fn spared<T>(id: TicketId, look: impl FnOnce() -> T) -> Option<T> {
    let found = caught("query", look).ok();
    if found.is_none() {
        tracing::error!(ticket = %id, "looking at the clocks of a ticket panicked; a list goes on without it");
    }
    found
}

type Fresh = Vec<(Vec<u8>, wire::SlaBreachView)>;

/// Breaches that time has made since the last events of their tickets.
fn fresh(reader: &Reader<'_>, book: &Book) -> Result<Fresh, Refusal> {
    let tenant = reader.tenant();
    let end = keys::from(tenant, reader.now);
    let start = keys::tenant(tenant);
    let mut found = Vec::new();
    for entry in reader.view.scan(keys::SLA_ALARMS, start.clone(), &start) {
        let (key, _) = entry?;
        if *key >= *end {
            break;
        }
        let id = keys::trailing_ticket(&key).ok_or_else(damaged_key)?;
        let Some(row) = row(&reader.view, tenant, id)? else { continue };
        let Some((_, facts)) = spared(id, || row.at(reader.now, &book.rules)) else { continue };
        reader.entry(facts.len().saturating_mul(FRESH_BYTES))?;
        reader.budget.grow(facts.len().saturating_mul(FRESH_BYTES))?;
        let breaches = facts.iter().filter_map(|fact| breach(fact, id, row.number, Owner::of(&row)));
        found.extend(breaches.map(|breach| (breach_key(tenant, id, &breach), breach)));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn row(view: &View<'_>, tenant: &str, id: TicketId) -> Result<Option<Row>, StoreError> {
    view.get(keys::SLA_TICKETS, &keys::ticket(tenant, id))?.map(|bytes| Row::read(&bytes)).transpose()
}
