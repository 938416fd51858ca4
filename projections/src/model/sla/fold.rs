//! What a record does to the clocks of its ticket, and what a publication does to the alarms of all.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use guichet_reports::{distill, encode};
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{SlaBreachView, StepsView};
use guichet_schemas::words::Priority;
use guichet_service::caught;
use guichet_sla::{Fact, Kind, Rulebook, TimerName};
use prost::Message as _;

use super::Row;
use super::answers::Clocks;
use super::books::{BatchBooks, Book, Books, is_publication};
use super::dues::{Change, Dues};
use super::row::{Armed, Kept};
use crate::keys;
use crate::model::rows::{RowCache, Rows};
use crate::projection::{Accepted, Opened, Projection, TicketKey};
use crate::store::{Batch, Entry, Store, StoreError, damaged_key};

/// Tickets of a step: some ten milliseconds, so that no record waits long behind it. The desks of the unit tests are
/// small, and are to have many steps.
const STEP_TICKETS: usize = if cfg!(test) { 4 } else { 1_000 };
/// Clocks of a ticket, stretches in which they ran, and facts that are not recorded yet: more than a thousand questions
/// and answers make. Beyond, each event of the ticket would cost more than those of a hundred others.
const PARTS_MAX: usize = if cfg!(test) { 300 } else { 10_000 };
/// Tickets that are over and are read over to find the next one that is not.
const PASSED_MAX: usize = 16;

pub(super) fn open(store: &Arc<Store>) -> Result<Opened, StoreError> {
    let view = store.view();
    let mut books = Books::default();
    let mut sweeps = BTreeMap::new();
    for entry in view.scan(keys::SLA_SWEEP, Vec::new(), &[]) {
        let (key, value) = entry?;
        let tenant = String::from_utf8(key.into_vec()).map_err(|_| damaged_key())?;
        sweeps.insert(tenant, Sweep::read(&value)?);
    }
    let mut plans = BTreeMap::new();
    for entry in view.scan(keys::SLA_PLANS, Vec::new(), &[]) {
        let (key, value) = entry?;
        let tenant = String::from_utf8(key.into_vec()).map_err(|_| damaged_key())?;
        let until = value.first_chunk().map(|bytes| Timestamp(i64::from_be_bytes(*bytes)));
        let until = until.ok_or(StoreError::Damaged { what: "an instant of plans" })?;
        let next = books.of(&view, &tenant)?.rules.next_plan(until);
        plans.insert(tenant, Plans { until, next });
    }
    let dues = Arc::new(Dues::new(behind(&sweeps)));
    let next_plan = next_plan(&plans);
    let fold = Fold {
        store: Arc::clone(store),
        books: BatchBooks::default(),
        sweeps,
        stepped: String::new(),
        plans,
        next_plan,
        rows: Rows::default(),
        cache: RowCache::default(),
        moments: BTreeMap::new(),
        changes: Vec::new(),
        dues: Arc::clone(&dues),
    };
    Ok(Opened { fold: Box::new(fold), answers: Arc::new(Clocks::new(Arc::clone(store), dues)) })
}

struct Fold {
    store: Arc<Store>,
    books: BatchBooks,
    /// By tenant, alarms that are looked at again.
    sweeps: BTreeMap<String, Sweep>,
    /// The tenant of the last step.
    stepped: String,
    plans: BTreeMap<String, Plans>,
    /// When something planned takes hold next, of whichever tenant.
    next_plan: Option<Timestamp>,
    /// Of the batch at hand.
    rows: Rows<Kept>,
    cache: RowCache<Kept>,
    /// Of the batch at hand, to append.
    moments: BTreeMap<TicketKey, Vec<u8>>,
    /// Changes of the batch at hand to the instants at which tickets are due.
    changes: Vec<Change>,
    dues: Arc<Dues>,
}

/// Tickets that sleep are looked at again, in the order of their keys.
#[derive(Debug)]
struct Sweep {
    /// Of the first record whose effect is not everywhere yet.
    position: u64,
    /// So many were looked at.
    tickets: u64,
    /// The next one.
    cursor: Vec<u8>,
}

impl Sweep {
    fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged { what: "how far the alarms are" };
        let (position, rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let (tickets, cursor) = rest.split_first_chunk().ok_or_else(damaged)?;
        let (position, tickets) = (u64::from_be_bytes(*position), u64::from_be_bytes(*tickets));
        Ok(Self { position, tickets, cursor: cursor.to_vec() })
    }

    fn write(&self) -> Vec<u8> {
        [&self.position.to_be_bytes()[..], &self.tickets.to_be_bytes(), &self.cursor].concat()
    }
}

/// Up to which position it is known when all tickets are due; `None`: up to where the model is.
fn behind(sweeps: &BTreeMap<String, Sweep>) -> Option<u64> {
    sweeps.values().map(|sweep| sweep.position - 1).min()
}

/// Publications that take hold later than they are recorded: what is due by clocks of tickets that sleep is looked at
/// again when the log has come so far.
#[derive(Debug, Clone, Copy)]
struct Plans {
    /// Plans up to this instant have taken hold.
    until: Timestamp,
    next: Option<Timestamp>,
}

fn next_plan(plans: &BTreeMap<String, Plans>) -> Option<Timestamp> {
    plans.values().filter_map(|plans| plans.next).min()
}

impl Projection for Fold {
    fn apply(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let record = accepted.record;
        if self.next_plan.is_some_and(|next| next <= record.recorded_at) {
            self.plans_take_hold(record, batch)?;
        }
        if is_publication(record) {
            return self.publish(accepted, batch);
        }
        let Some((id, key)) = accepted.ticket else { return Ok(()) };
        if let Some(e) = record.event.created() {
            let number = keys::number(&record.tenant, TicketNumber(e.number));
            batch.put(keys::NUMBERS, &number, id.0.as_bytes());
        }
        let store = &self.store;
        let book = Arc::clone(self.books.of(|| store.view(), &record.tenant)?);
        let slot = self.rows.slot(key, &mut self.cache, || kept(store, key))?;
        let (before, armed) = slot.take().map_or((None, None), |kept| (Some(kept.row), kept.armed));
        let owner = before.as_ref().map(Owner::of);
        let (row, facts) = Row::fold(before, record, &book.rules);
        // A ticket that swells is set aside, as one whose fold panics: it keeps back nobody else's clocks.
        let parts = row.parts();
        if parts > PARTS_MAX {
            tracing::error!(ticket = %id, parts, at_most = PARTS_MAX, "the clocks of a ticket swell; it is set aside");
        }
        assert!(parts <= PARTS_MAX, "the clocks of a ticket have at most {PARTS_MAX} parts");
        let mut moments = distill(record);
        // What time did comes before what happened.
        moments.splice(0..0, facts.iter().filter_map(|fact| fact.counted(record.position.get())));
        if !moments.is_empty() {
            let appended = self.moments.entry(key.clone()).or_default();
            moments.iter().for_each(|moment| encode(moment, appended));
        }
        for fact in &facts {
            // Time broke it before the event; who had the ticket then is who had it.
            let earlier = owner.clone().filter(|_| fact.at < record.occurred_at);
            let owner = earlier.unwrap_or_else(|| Owner::of(&row));
            if let Some(breach) = breach(fact, *id, row.number, owner) {
                batch.put(
                    keys::SLA_BREACHES,
                    &breach_key(&record.tenant, *id, &breach),
                    &breach.encode_to_vec(),
                );
            }
        }
        *slot = Some(Kept { row, armed });
        Ok(())
    }

    fn seal(&mut self, batch: &mut Batch<'_>) {
        for (key, moments) in std::mem::take(&mut self.moments) {
            batch.merge(keys::SLA_HISTORIES, &key, &moments);
        }
        let (judges, changes) =
            (Judges { books: self.books.of_batch(), plans: &self.plans }, &mut self.changes);
        self.rows.each(|key, kept| {
            batch.put(keys::SLA_TICKETS, key, &kept.row.write());
            let armed = judges.armed(key, &kept.row);
            move_alarm(key, kept.armed, armed, batch, changes);
            kept.armed = armed;
        });
    }

    fn committed(&mut self) {
        self.cache.keep(std::mem::take(&mut self.rows));
        self.books.committed();
        self.dues.note(self.changes.drain(..), behind(&self.sweeps));
    }

    fn skipped(&mut self, accepted: &Accepted<'_>, _: &mut Batch<'_>) {
        // Its row stands still, and nobody can say when it is due.
        if let Some((id, _)) = accepted.ticket {
            self.changes.push(Change { tenant: accepted.record.tenant.clone(), id: *id, due: None });
        }
    }

    fn steps(&self) -> Option<StepsView> {
        let tickets = self.sweeps.values().map(|sweep| sweep.tickets).sum();
        Some(StepsView { position: behind(&self.sweeps)? + 1, tickets })
    }

    fn step(&mut self, batch: &mut Batch<'_>) -> Result<bool, StoreError> {
        // Tenants take turns: one that publishes again and again keeps back nobody else's alarms.
        let after = (Bound::Excluded(self.stepped.as_str()), Bound::Unbounded);
        let turn = self.sweeps.range::<str, _>(after).next().or_else(|| self.sweeps.first_key_value());
        let Some(tenant) = turn.map(|(tenant, _)| tenant.clone()) else { return Ok(false) };
        let Some(sweep) = self.sweeps.get_mut(&tenant) else { return Ok(false) };
        self.stepped.clone_from(&tenant);
        let view = self.store.view();
        let (mut asleep, mut next) = (Vec::with_capacity(STEP_TICKETS), None);
        for entry in view.scan(keys::SLA_ARMED, keys::tenant(&tenant), &sweep.cursor) {
            let (key, value) = entry?;
            if asleep.len() == STEP_TICKETS {
                next = Some(key);
                break;
            }
            asleep.push((key, Armed::read(&value)?));
        }
        self.books.of(|| self.store.view(), &tenant)?;
        let armed =
            Judges { books: self.books.of_batch(), plans: &self.plans }.all_armed(&self.store, &asleep)?;
        for ((key, before), after) in asleep.iter().zip(armed) {
            move_alarm(key, Some(*before), after, batch, &mut self.changes);
        }
        // What it changed may be remembered otherwise.
        self.cache = RowCache::default();
        match next {
            Some(cursor) => {
                sweep.tickets += asleep.len() as u64;
                sweep.cursor = cursor.into_vec();
                batch.put(keys::SLA_SWEEP, tenant.as_bytes(), &sweep.write());
            }
            None => {
                batch.delete(keys::SLA_SWEEP, tenant.as_bytes());
                self.sweeps.remove(&tenant);
                tracing::info!(tenant, "the alarms of all tickets follow what is published");
            }
        }
        Ok(true)
    }
}

impl Fold {
    /// Every alarm of the tenant is looked at again, from the first ticket on.
    fn publish(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let record = accepted.record;
        let book = Arc::make_mut(self.books.of(|| self.store.view(), &record.tenant)?);
        let rules_before = book.rules.len();
        book.publish(record);
        let follows = book.rules.len() != rules_before;
        batch.put(keys::SLA_CONFIG, &keys::record(&record.tenant, record.position), accepted.bytes);
        if follows { self.sweep(&record.tenant, record, batch) } else { Ok(()) }
    }

    /// Of every tenant, with whoever's record the log has come so far: one to whom nothing happens has no record of its
    /// own, and its tickets would stand among the due ones where they stood before.
    fn plans_take_hold(&mut self, record: &Record, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let takes_hold = |plans: &Plans| plans.next.is_some_and(|next| next <= record.recorded_at);
        let tenants = self.plans.iter().filter(|(_, plans)| takes_hold(plans)).map(|(tenant, _)| tenant);
        for tenant in tenants.cloned().collect::<Vec<_>>() {
            self.sweep(&tenant, record, batch)?;
        }
        Ok(())
    }

    /// Something that clocks go by takes hold of tickets that sleep.
    fn sweep(&mut self, tenant: &str, record: &Record, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        tracing::info!(
            tenant,
            position = %record.position,
            "something that clocks go by takes hold; the alarms of all tickets are looked at again"
        );
        // What was not done of one before is done with it.
        let first = self.sweeps.get(tenant).map_or(record.position.get(), |sweep| sweep.position);
        let sweep = Sweep { position: first, tickets: 0, cursor: keys::tenant(tenant) };
        batch.put(keys::SLA_SWEEP, tenant.as_bytes(), &sweep.write());
        self.sweeps.insert(tenant.to_owned(), sweep);
        let until = record.recorded_at;
        let next = self.books.of(|| self.store.view(), tenant)?.rules.next_plan(until);
        self.plans.insert(tenant.to_owned(), Plans { until, next });
        self.next_plan = next_plan(&self.plans);
        batch.put(keys::SLA_PLANS, tenant.as_bytes(), &until.0.to_be_bytes());
        Ok(())
    }
}

struct Judges<'a> {
    books: &'a BTreeMap<String, Arc<Book>>,
    plans: &'a BTreeMap<String, Plans>,
}

impl Judges<'_> {
    /// Where a ticket stands among the alarms and the due ones.
    fn armed(&self, key: &[u8], row: &Row) -> Option<Armed> {
        self.judge(key, |book, now| row.armed(book, now))
    }

    fn judge(&self, key: &[u8], judge: impl FnOnce(&Rulebook, Timestamp) -> Option<Armed>) -> Option<Armed> {
        let (tenant, id) = keys::tenant_and_ticket(key)?;
        let now = self.plans.get(tenant).map_or(Timestamp(i64::MIN), |plans| plans.until);
        // Here the future of a ticket is looked at: a panic costs it its alarm, not the desk its clocks.
        let book = self.books.get(tenant).expect("the batch has asked for the book of each of its tickets");
        let armed = caught("fold", || judge(&book.rules, now));
        armed.unwrap_or_else(|_| {
            tracing::error!(ticket = %id, "looking ahead panicked; no clock of this ticket will raise an alarm");
            None
        })
    }

    /// The same for many, in the order of their keys, on every core.
    fn all_armed(
        &self,
        store: &Store,
        tickets: &[(Box<[u8]>, Armed)],
    ) -> Result<Vec<Option<Armed>>, StoreError> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let portions = tickets.chunks(tickets.len().div_ceil(threads).max(1));
        thread::scope(|scope| {
            let running: Vec<_> =
                portions.map(|portion| scope.spawn(move || self.portion_armed(store, portion))).collect();
            let mut all = Vec::with_capacity(tickets.len());
            for one in running {
                all.append(&mut one.join().unwrap_or_else(|panic| resume_unwind(panic))?);
            }
            Ok(all)
        })
    }

    fn portion_armed(
        &self,
        store: &Store,
        tickets: &[(Box<[u8]>, Armed)],
    ) -> Result<Vec<Option<Armed>>, StoreError> {
        let view = store.view();
        let from = tickets.first().map_or(&[][..], |(key, _)| key);
        // Both lie in the order of tickets: read side by side, each block is read once.
        let mut rows = view.scan(keys::SLA_TICKETS, Vec::new(), from).peekable();
        let mut armed = Vec::with_capacity(tickets.len());
        for (key, before) in tickets {
            // Tickets that are over lie in between; of many it is quicker to look the next one up.
            let earlier = |row: &Result<Entry, StoreError>| matches!(row, Ok((other, _)) if *other < *key);
            let mut passed = 0;
            while passed < PASSED_MAX && rows.next_if(earlier).is_some() {
                passed += 1;
            }
            let row = match rows.next_if(|row| matches!(row, Ok((other, _)) if *other == *key)) {
                Some(row) => Some(Row::read(&row?.1)?),
                None => store.row(keys::SLA_TICKETS, key, Row::read)?,
            };
            armed.push(match row {
                Some(row) => self.judge(key, |book, now| row.into_armed(book, now)),
                None => Some(*before),
            });
        }
        Ok(armed)
    }
}

/// Puts a ticket into its place among the alarms and the due ones.
fn move_alarm(
    key: &[u8],
    before: Option<Armed>,
    after: Option<Armed>,
    batch: &mut Batch<'_>,
    changes: &mut Vec<Change>,
) {
    if before == after {
        return;
    }
    let Some((tenant, id)) = keys::tenant_and_ticket(key) else { return };
    let of = |armed: Option<Armed>| armed.map_or((Armed::NEVER, Armed::NEVER), |a| (a.alarm, a.due));
    let ((alarm_before, due_before), (alarm, due)) = (of(before), of(after));
    let mut moves = |family, before: u64, after: u64| {
        if before == after {
            return;
        }
        if let Some(before) = Armed::instant(before) {
            batch.delete(family, &keys::at(tenant, before, id));
        }
        if let Some(after) = Armed::instant(after) {
            batch.put(family, &keys::at(tenant, after, id), &[]);
        }
    };
    moves(keys::SLA_ALARMS, alarm_before, alarm);
    moves(keys::SLA_DUE, due_before, due);
    if due != due_before {
        changes.push(Change { tenant: tenant.to_owned(), id, due: Armed::instant(due) });
    }
    match after {
        Some(armed) => batch.put(keys::SLA_ARMED, key, &armed.write()),
        None => batch.delete(keys::SLA_ARMED, key),
    }
}

fn kept(store: &Store, key: &[u8]) -> Result<Option<Kept>, StoreError> {
    let Some(row) = store.row(keys::SLA_TICKETS, key, Row::read)? else { return Ok(None) };
    let armed = store.row(keys::SLA_ARMED, key, Armed::read)?;
    Ok(Some(Kept { row, armed }))
}

#[derive(Debug, Clone)]
pub(super) struct Owner {
    group: Option<String>,
    assignee: Option<String>,
    priority: Option<Priority>,
}

impl Owner {
    pub(super) fn of(row: &Row) -> Self {
        let attribute = |name: &str| row.ticket.as_ref()?.attribute(name).first().cloned();
        Self {
            group: attribute("group"),
            assignee: attribute("assignee"),
            priority: attribute("priority").and_then(|word| Priority::parse(&word)),
        }
    }
}

/// A breach as it is listed, but for what changes later.
pub(super) fn breach(fact: &Fact, id: TicketId, number: u64, owner: Owner) -> Option<SlaBreachView> {
    let (TimerName::Clock(metric), Kind::Breached { due_at, consumed_s, policy, policy_version, immediate }) =
        (&fact.of, &fact.kind)
    else {
        return None;
    };
    Some(SlaBreachView {
        ticket_id: id.to_wire(),
        number: guichet_schemas::codec::number_text(number),
        metric: metric.to_wire(),
        instance: fact.instance,
        at: fact.at.0,
        due_at: due_at.0,
        immediate: *immediate,
        policy: policy.clone(),
        policy_version: *policy_version,
        consumed_s: u64::try_from(*consumed_s).unwrap_or(0),
        voided: false,
        recorded: false,
        group: owner.group,
        assignee: owner.assignee,
        priority: owner.priority.map_or(0, Priority::to_wire),
    })
}

pub(super) fn breach_key(tenant: &str, id: TicketId, breach: &SlaBreachView) -> Vec<u8> {
    let mut key = keys::at(tenant, Timestamp(breach.at), id);
    let [.., metric] = breach.metric.to_be_bytes();
    key.push(metric);
    key.extend_from_slice(&breach.instance.to_be_bytes());
    key
}
