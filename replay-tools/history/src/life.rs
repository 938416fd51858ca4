//! What the tickets of a desk were at a position: the rows of every table but that of events. One fold over the events,
//! by the rules and the clocks of the desk itself; memory grows with the number of tickets.

use std::collections::{BTreeMap, HashMap};

use guichet_config::Publication;
use guichet_rules::{Ticket, evolve};
use guichet_schemas::event::{
    Change, Classification, Conversation, Event, ExternalRef, FieldValue, LifeCycle, Meaning as _,
    TicketCreated, TicketEvent,
};
use guichet_schemas::ids::TicketId;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{HoldReason, TicketState};
use guichet_sla::{Rulebook, Standing};
use serde_json::Value;

use crate::HistoryError;
use crate::filter::Filter;
use crate::table::Cell;

/// About how much memory a ticket takes, with a dozen stretches of states and owners...
const TICKET_BYTES: usize = 3 << 10;
/// ... and three clocks more.
const CLOCKS_BYTES: usize = 2 << 10;

/// Takes the rows of a table.
pub type Take<'a> = dyn FnMut(&[Cell<'_>]) -> Result<(), HistoryError> + 'a;

/// The tickets of a desk.
pub struct Desk {
    lives: HashMap<TicketId, Life>,
    book: Rulebook,
    with_clocks: bool,
    last: Timestamp,
}

/// A ticket, and what became of it.
struct Life {
    ticket: Ticket,
    clocks: Option<guichet_sla::Ticket>,
    begun: Option<Begun>,
    imported: bool,
    fields: BTreeMap<String, Value>,
    first_resolved_at: Option<Timestamp>,
    last_resolved_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    resolutions: u64,
    reopens: u64,
    comments: u64,
    events: u64,
    first_position: u64,
    last_position: u64,
    statuses: Vec<Stretch<Status>>,
    owners: Vec<Stretch<Owner>>,
}

struct Begun {
    at: Timestamp,
    channel: &'static str,
    origin: &'static str,
    requester_kind: Option<&'static str>,
    organisation: Option<String>,
    product: Option<String>,
    brand: Option<String>,
    language: Option<String>,
    external: Option<ExternalRef>,
    synthetic: bool,
}

/// A time in which something stayed as it was.
struct Stretch<T> {
    what: T,
    from: (Timestamp, u64),
    to: Option<(Timestamp, u64)>,
    by: String,
}

#[derive(PartialEq)]
struct Status {
    state: TicketState,
    custom: Option<String>,
    hold: Option<HoldReason>,
}

struct Owner {
    group: Option<String>,
    assignee: Option<String>,
    tier: u32,
}

/// Two owners are equal if the same person or group has the ticket. The level of support is told, but does not make
/// another owner.
impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        (&self.group, &self.assignee) == (&other.group, &other.assignee)
    }
}

impl Owner {
    const fn is_nobody(&self) -> bool {
        self.group.is_none() && self.assignee.is_none()
    }
}

impl Desk {
    /// A desk at which nothing has happened yet. Its clocks are kept only where somebody asks for them.
    #[must_use]
    pub fn new(with_clocks: bool) -> Self {
        Self { lives: HashMap::new(), book: Rulebook::default(), with_clocks, last: Timestamp(0) }
    }

    /// Takes the next record of the desk.
    pub fn take(&mut self, record: &Record) {
        self.last = self.last.max(record.recorded_at);
        if self.with_clocks
            && let Some(publication) = Publication::of(&record.event)
        {
            self.book.take(record.recorded_at, &publication);
        }
        let Some(id) = record.ticket_id() else { return };
        let before = self.lives.remove(&id);
        let mut life = match before {
            Some(life) => life.after(record),
            None => Life::new(record),
        };
        if self.with_clocks {
            let mut facts = Vec::new();
            life.clocks = Some(guichet_sla::Ticket::fold(life.clocks.take(), record, &self.book, &mut facts));
        }
        self.lives.insert(id, life);
    }

    /// When the newest record was recorded.
    #[must_use]
    pub const fn last(&self) -> Timestamp {
        self.last
    }

    /// About how many bytes its tickets hold.
    #[must_use]
    pub fn bytes_about(&self) -> usize {
        let each = if self.with_clocks { TICKET_BYTES.saturating_add(CLOCKS_BYTES) } else { TICKET_BYTES };
        self.lives.len().saturating_mul(each)
    }

    /// The tickets that a filter takes, in the order of their numbers.
    fn wanted(&self, filter: &Filter) -> Vec<(TicketId, &Life)> {
        let mut wanted: Vec<_> = self
            .lives
            .iter()
            .map(|(id, life)| (*id, life))
            .filter(|(id, life)| life.begun.is_some() && filter.takes_ticket(*id, &life.ticket))
            .collect();
        wanted.sort_unstable_by_key(|(id, life)| (life.ticket.number, *id));
        wanted
    }

    /// Rows of the table of tickets.
    ///
    /// # Errors
    /// Those of `take`.
    pub fn tickets(&self, filter: &Filter, take: &mut Take<'_>) -> Result<(), HistoryError> {
        self.wanted(filter).into_iter().try_for_each(|(id, life)| life.row(id, take))
    }

    /// Rows of the table of clocks, as of an instant.
    ///
    /// # Errors
    /// Those of `take`.
    pub fn clocks(&self, filter: &Filter, at: Timestamp, take: &mut Take<'_>) -> Result<(), HistoryError> {
        for (id, life) in self.wanted(filter) {
            let Some(clocks) = &life.clocks else { continue };
            let (mut clocks, mut facts) = (clocks.clone(), Vec::new());
            if clocks.time() < at {
                clocks.advance(at, &self.book, &mut facts);
            }
            let id = id.to_string();
            for clock in clocks.clocks(at, &self.book) {
                take(&[
                    Cell::Text(&id),
                    Cell::whole(life.ticket.number.0),
                    Cell::Text(clock.metric.as_str()),
                    Cell::whole(clock.instance.into()),
                    Cell::Text(standing(clock.standing)),
                    Cell::Text(&clock.policy),
                    Cell::whole(clock.policy_version.into()),
                    Cell::whole(clock.target_s.into()),
                    Cell::Text(clock.hours.as_str()),
                    Cell::text(clock.calendar.as_deref()),
                    Cell::Time(clock.started_at.0),
                    instant(clock.due_at),
                    instant(clock.breached_at),
                    instant(clock.ended_at),
                    Cell::Whole(clock.consumed_s),
                    Cell::Flag(clock.voided),
                ])?;
            }
        }
        Ok(())
    }

    /// Rows of the table of states.
    ///
    /// # Errors
    /// Those of `take`.
    pub fn statuses(&self, filter: &Filter, take: &mut Take<'_>) -> Result<(), HistoryError> {
        for (id, life) in self.wanted(filter) {
            let id = id.to_string();
            for (stretch, sequence) in life.statuses.iter().zip(1..) {
                take(&[
                    Cell::Text(&id),
                    Cell::whole(life.ticket.number.0),
                    Cell::Whole(sequence),
                    Cell::Text(stretch.what.state.as_str()),
                    Cell::text(stretch.what.custom.as_deref()),
                    Cell::text(stretch.what.hold.map(HoldReason::as_str)),
                    Cell::Time(stretch.from.0.0),
                    Cell::time(stretch.to.map(|(at, _)| at.0)),
                    Cell::whole(stretch.from.1),
                    stretch.to.map_or(Cell::Null, |(_, position)| Cell::whole(position)),
                    Cell::Text(&stretch.by),
                ])?;
            }
        }
        Ok(())
    }

    /// Rows of the table of owners.
    ///
    /// # Errors
    /// Those of `take`.
    pub fn assignments(&self, filter: &Filter, take: &mut Take<'_>) -> Result<(), HistoryError> {
        for (id, life) in self.wanted(filter) {
            let id = id.to_string();
            let owned = life.owners.iter().filter(|stretch| !stretch.what.is_nobody());
            for (stretch, sequence) in owned.zip(1..) {
                take(&[
                    Cell::Text(&id),
                    Cell::whole(life.ticket.number.0),
                    Cell::Whole(sequence),
                    Cell::text(stretch.what.group.as_deref()),
                    Cell::text(stretch.what.assignee.as_deref()),
                    Cell::whole(stretch.what.tier.into()),
                    Cell::Time(stretch.from.0.0),
                    Cell::time(stretch.to.map(|(at, _)| at.0)),
                    Cell::whole(stretch.from.1),
                    stretch.to.map_or(Cell::Null, |(_, position)| Cell::whole(position)),
                    Cell::Text(&stretch.by),
                ])?;
            }
        }
        Ok(())
    }
}

impl Life {
    fn new(record: &Record) -> Self {
        Self {
            ticket: evolve(None, &record.event, record.occurred_at),
            clocks: None,
            begun: None,
            imported: false,
            fields: BTreeMap::new(),
            first_resolved_at: None,
            last_resolved_at: None,
            closed_at: None,
            resolutions: 0,
            reopens: 0,
            comments: 0,
            events: 0,
            first_position: record.position.get(),
            last_position: 0,
            statuses: Vec::new(),
            owners: Vec::new(),
        }
        .noted(record)
    }

    fn after(mut self, record: &Record) -> Self {
        self.ticket = evolve(Some(self.ticket), &record.event, record.occurred_at);
        self.noted(record)
    }

    /// Adds the texts that the rules do not keep: nothing is decided by them.
    fn noted(mut self, record: &Record) -> Self {
        self.events += 1;
        self.last_position = record.position.get();
        if let Some(e) = record.event.created() {
            self.begun = Some(Begun::new(e, record.occurred_at));
            self.fields = e.fields.iter().map(|(name, value)| (name.clone(), json(value))).collect();
        }
        if let Event::Ticket(event) = &record.event {
            self.note(event, record.occurred_at);
        }
        if self.begun.is_some() {
            self.stretch(record);
        }
        self
    }

    fn note(&mut self, event: &TicketEvent, at: Timestamp) {
        match event {
            TicketEvent::LifeCycle(LifeCycle::TicketImported(_)) => self.imported = true,
            TicketEvent::LifeCycle(LifeCycle::TicketResolved(_)) => {
                self.resolutions += 1;
                self.first_resolved_at.get_or_insert(at);
                self.last_resolved_at = Some(at);
            }
            TicketEvent::LifeCycle(LifeCycle::TicketReopened(_)) => self.reopens += 1,
            TicketEvent::LifeCycle(LifeCycle::TicketClosed(_) | LifeCycle::TicketCancelled(_)) => {
                self.closed_at = Some(at);
            }
            TicketEvent::Conversation(Conversation::CommentAdded(_)) => self.comments += 1,
            TicketEvent::Classification(Classification::FieldChanged(_)) => {
                event.changes(|change| match change {
                    Change::Field { name, to: Some(value), .. } => {
                        self.fields.insert(name.to_owned(), json(value));
                    }
                    Change::Field { name, to: None, .. } => {
                        self.fields.remove(name);
                    }
                    Change::Group(_)
                    | Change::Assignee { .. }
                    | Change::Tier { .. }
                    | Change::Priority { .. }
                    | Change::Urgency(_)
                    | Change::Impact(_)
                    | Change::Type { .. }
                    | Change::Category { .. }
                    | Change::Tags { .. }
                    | Change::DueAt(_)
                    | Change::Claim(_)
                    | Change::Participants { .. }
                    | Change::Restriction { .. }
                    | Change::Channel { .. }
                    | Change::Link { .. } => {}
                });
            }
            TicketEvent::LifeCycle(LifeCycle::TicketCreated(_) | LifeCycle::StatusChanged(_))
            | TicketEvent::Ownership(_)
            | TicketEvent::Relations(_)
            | TicketEvent::Conversation(
                Conversation::ReopenHeld(_) | Conversation::CallLogged(_) | Conversation::ChannelSwitched(_),
            )
            | TicketEvent::Confirmation(_)
            | TicketEvent::Classification(_)
            | TicketEvent::Satisfaction(_)
            | TicketEvent::Work(_)
            | TicketEvent::Moderation(_)
            | TicketEvent::Assistance(_)
            | TicketEvent::Attachments(_) => {}
        }
    }

    /// Ends the stretches that the event ends, and begins those that it begins.
    fn stretch(&mut self, record: &Record) {
        let ticket = &self.ticket;
        let status = Status {
            state: ticket.state(),
            custom: ticket.custom_status.clone(),
            hold: ticket.hold_reason(),
        };
        let owner =
            Owner { group: ticket.group.clone(), assignee: ticket.assignee.clone(), tier: ticket.tier };
        go_on(&mut self.statuses, status, record);
        go_on(&mut self.owners, owner, record);
    }

    fn row(&self, id: TicketId, take: &mut Take<'_>) -> Result<(), HistoryError> {
        let Some(begun) = &self.begun else { return Ok(()) };
        let (id, t) = (id.to_string(), &self.ticket);
        let fields = serde_json::to_string(&self.fields).unwrap_or_default();
        take(&[
            Cell::Text(&id),
            Cell::whole(t.number.0),
            Cell::Text(t.state().as_str()),
            Cell::text(t.custom_status.as_deref()),
            Cell::text(t.hold_reason().map(HoldReason::as_str)),
            Cell::Time(t.state_since.0),
            Cell::text(t.group.as_deref()),
            Cell::text(t.assignee.as_deref()),
            Cell::whole(t.tier.into()),
            Cell::Text(t.r#type.as_str()),
            Cell::text(t.category.as_deref()),
            Cell::Text(t.priority.as_str()),
            Cell::text(t.urgency.map(|word| word.as_str())),
            Cell::text(t.impact.map(|word| word.as_str())),
            Cell::Text(begun.channel),
            Cell::Text(begun.origin),
            Cell::Text(&t.requester),
            Cell::text(begun.requester_kind),
            Cell::text(begun.organisation.as_deref()),
            Cell::text(begun.product.as_deref()),
            Cell::text(begun.brand.as_deref()),
            Cell::text(begun.language.as_deref()),
            Cell::text(begun.external.as_ref().map(|external| external.source.as_str())),
            Cell::text(begun.external.as_ref().map(|external| external.id.as_str())),
            Cell::Flag(self.imported),
            Cell::Flag(begun.synthetic),
            Cell::Time(begun.at.0),
            instant(self.first_resolved_at),
            instant(self.last_resolved_at),
            instant(self.closed_at),
            instant(t.due_at),
            Cell::whole(self.resolutions),
            Cell::whole(self.reopens),
            Cell::whole(t.stations.into()),
            Cell::whole(self.comments),
            Cell::whole(self.events),
            Cell::whole(self.first_position),
            Cell::whole(self.last_position),
            Cell::Texts(&t.tags),
            Cell::Text(&fields),
        ])
    }
}

impl Begun {
    fn new(e: &TicketCreated, at: Timestamp) -> Self {
        Self {
            at,
            channel: e.channel.as_str(),
            origin: e.origin.as_str(),
            requester_kind: e.requester_kind.map(|word| word.as_str()),
            organisation: e.organisation.clone(),
            product: e.product.clone(),
            brand: e.brand.clone(),
            language: e.language.clone(),
            external: e.external_ref.clone(),
            synthetic: e.synthetic,
        }
    }
}

/// The last stretch goes on, or ends where another one begins.
fn go_on<T: PartialEq>(stretches: &mut Vec<Stretch<T>>, what: T, record: &Record) {
    let now = (record.occurred_at, record.position.get());
    match stretches.last_mut() {
        Some(last) if last.what == what => return,
        Some(last) => last.to = Some(now),
        None => {}
    }
    stretches.push(Stretch { what, from: now, to: None, by: record.actor.id.clone() });
}

fn instant(at: Option<Timestamp>) -> Cell<'static> {
    Cell::time(at.map(|at| at.0))
}

fn json(value: &FieldValue) -> Value {
    match value {
        FieldValue::Text(text) => Value::from(text.as_str()),
        FieldValue::Number(number) => Value::from(*number),
        FieldValue::Flag(flag) => Value::from(*flag),
    }
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Running => "running",
        Standing::Paused => "paused",
        Standing::Met => "met",
        Standing::Breached => "breached",
        Standing::Voided => "voided",
        Standing::Cancelled => "cancelled",
    }
}
