//! Turns the rows of one ticket into facts: each row is the ticket after an update, so what differs from
//! the row before is what happened. Pure; no number, position or id of ours is known here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use guichet_rules::{LastResolution, Ticket, evolve};
use guichet_schemas::command::Fact;
use guichet_schemas::event::{
    Actor, CategoryChanged, Event, ExternalRef, FieldChanged, FieldValue, Personal, PriorityChanged,
    TagsChanged, TicketAssigned, TicketCreated, TicketDeescalated, TicketEscalated, TicketRouted,
    TicketUnassigned,
};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    ActorKind, Channel, EscalationKind, EscalationReason, HoldReason, Origin, Priority, StatusCause,
    Strategy, TicketState, TicketType,
};

use super::balance::{Note, Reason};
use super::bounds::{FACTS_BYTES_MAX, shown};
use super::grammar::Unknown;
use super::limits::{self, Prepared};
use super::mapping::{ENTRY_TIER, Mapping, Meaning, Milestone, Slot};
use super::milestones;
use super::names::{self, Kind, Strangers};
use super::parts;
use super::people::Written;
use super::row::Row;
use super::usable;
use super::words::{Meant, Words};

/// Bytes of a name of the source that a note repeats.
pub(super) const NAME_SHOWN: usize = 500;
/// Rows for whose facts there is room from the beginning.
const ROOM_ROWS: usize = 256;
/// What we say of a ticket whose channel is unknown: it reached us through an interface.
const UNKNOWN_CHANNEL: Channel = Channel::Api;

/// A ticket's facts so far, and how it stands after them: the rules of the engine fold them.
pub(super) struct History<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) external_id: &'a str,
    pub(super) facts: Vec<Fact>,
    /// What the facts take, roughly.
    bytes: usize,
    /// How it stands after the facts, by the rules; `None` before the first.
    ticket: Option<Ticket>,
    /// When what is told at present happened, and who did it.
    pub(super) at: Timestamp,
    pub(super) by: Option<String>,
    /// Who has the problem, where the mapping names a column for it.
    pub(super) requester: Option<String>,
    /// Its tags in the order of the newest row: changes tell of them in that order.
    tags: Vec<String>,
    /// Milestones that were told.
    pub(super) passed: BTreeSet<(Timestamp, Milestone)>,
    /// Comments of lists that were told; a later row repeats them.
    pub(super) told: HashSet<String>,
    /// Names that the desk does not list.
    pub(super) strangers: Strangers,
    /// Comments of other files, each with its time, until a row with milestones tells them.
    pub(super) elsewhere: Vec<Written>,
    /// What was guessed or changed in the present row.
    pub(super) heard: Vec<Note>,
}

/// What the rows of a ticket say.
pub(super) enum Told {
    /// Its facts.
    Facts {
        facts: Vec<Fact>,
        /// Rows that became facts.
        used: u64,
        /// Rows that say nothing that the row before them did not say.
        without_effect: u64,
        /// Those of the row that was asked for.
        asked: Option<Range<usize>>,
    },
    /// More than may be held; of so many rows nothing was said yet.
    TooMuch {
        /// The rows that were not rejected one by one.
        unread: u64,
    },
}

/// What is to be counted of a row.
pub(super) enum Heard {
    /// It cannot be used.
    Rejected(Note),
    /// It is used, and something was guessed or changed.
    Noted(Note),
}

/// What the rows of a ticket say. `hear` is told of each row that cannot be used, and of what was guessed.
/// `ask` is the line of the row whose facts are wanted.
pub(super) fn of<E>(
    mapping: &Mapping,
    external_id: &str,
    rows: &[Row],
    ask: Option<u64>,
    mut hear: impl FnMut(&Row, Heard) -> Result<(), E>,
) -> Result<Told, E> {
    let mut history = History::new(mapping, external_id, rows.len());
    let mut before: Option<Cow<'_, Row>> = None;
    let mut unread = rows.iter().map(Row::count).fold(0, u64::saturating_add);
    let (mut used, mut without_effect, mut asked) = (0_u64, 0_u64, None);
    let mut gathered = Vec::new();
    for row in rows.iter().filter(|row| milestones::is_beside(mapping, row)) {
        match history.gather(row) {
            Ok(true) => gathered.push(row),
            Ok(false) => without_effect = without_effect.saturating_add(1),
            Err(why) => {
                unread = unread.saturating_sub(1);
                hear(row, Heard::Rejected(why))?;
            }
        }
        for note in history.heard.drain(..) {
            hear(row, Heard::Noted(note))?;
        }
    }
    let opening = milestones::opening(mapping, rows);
    for row in opening.iter().chain(rows.iter().filter(|row| !milestones::is_beside(mapping, row))) {
        let first = history.facts.len();
        match history.row(row, before.as_deref()) {
            Ok(now) => {
                for note in history.heard.drain(..) {
                    hear(row, Heard::Noted(note))?;
                }
                before = Some(now);
                let told = history.facts.len() > first || row.told_before;
                let effect = if told { &mut used } else { &mut without_effect };
                *effect = effect.saturating_add(row.count());
                if ask == Some(row.line) {
                    // Rows of one record begin at one line.
                    let begin = asked.as_ref().map_or(first, |facts: &Range<usize>| facts.start);
                    asked = Some(begin..history.facts.len());
                }
            }
            Err(why) => {
                history.heard.clear();
                unread = unread.saturating_sub(row.count());
                hear(row, Heard::Rejected(why))?;
            }
        }
        if history.bytes > FACTS_BYTES_MAX {
            return Ok(Told::TooMuch { unread });
        }
    }
    if history.elsewhere.is_empty() {
        used = used.saturating_add(gathered.len() as u64);
    } else {
        for row in gathered {
            let text = "no row of its ticket could be used";
            hear(row, Heard::Rejected(Note::new(Reason::NoPartner, text)))?;
        }
    }
    if let ([row], true) = (rows, history.is_a_snapshot()) {
        let text = "it is the only row of its ticket, which is done: the time of the row stands for the time at which it was done; name the columns of such times in [milestones]";
        hear(row, Heard::Noted(Note::new(Reason::GuessedTime, text)))?;
    }
    Ok(Told::Facts { facts: history.facts, used, without_effect, asked })
}

impl<'a> History<'a> {
    fn new(mapping: &'a Mapping, external_id: &'a str, rows: usize) -> Self {
        Self {
            mapping,
            external_id,
            facts: Vec::with_capacity(rows.min(ROOM_ROWS).saturating_mul(2)),
            bytes: 0,
            ticket: None,
            at: Timestamp(0),
            by: None,
            requester: None,
            tags: Vec::new(),
            passed: BTreeSet::new(),
            told: HashSet::new(),
            strangers: Strangers::new(),
            elsewhere: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// One row that tells of a ticket that was created at another time and is done: when it was done, such
    /// an export does not say.
    fn is_a_snapshot(&self) -> bool {
        let created = self.facts.first().map(|fact| fact.occurred_at);
        self.mapping.milestones.is_empty()
            && self.mapping.ticket.created_at.is_some()
            && self.state().is_done()
            && created.is_some_and(|created| created < self.clock())
    }

    /// Tells a row, and answers it as it is with what it leaves unsaid. All or nothing: a row that cannot be
    /// used leaves no trace.
    fn row<'r>(&mut self, row: &'r Row, before: Option<&Row>) -> Result<Cow<'r, Row>, Note> {
        let Prepared { row: mut now, cut } = limits::prepare(self.mapping, row, before)?;
        limits::check(self.mapping, &now, before.is_none())?;
        let met = names::meet(self.mapping, &mut now, before, &self.strangers)?;
        let known = std::mem::replace(&mut self.strangers, met.strangers);
        if let Err(why) = self.add(row, &now, before) {
            self.strangers = known;
            return Err(why);
        }
        for (what, says_so) in met.told {
            if says_so {
                self.note(&format!("Left out of what the source says: {}.", what.text));
            }
            self.heard.push(what);
        }
        for (slot, what) in cut {
            let was_so = before.is_some_and(|before| before.get(slot) == now.get(slot));
            if !was_so {
                self.note(&what.text);
                self.heard.push(what);
            }
        }
        Ok(now)
    }

    fn add(&mut self, row: &Row, now: &Row, before: Option<&Row>) -> Result<(), Note> {
        let m = self.mapping;
        let state = self.state_of(now, before)?;
        let created_at = match m.created().filter(|slot| now.get(*slot).is_some()) {
            None => row.at,
            Some(slot) => usable::time(m, now, slot, None)?.at,
        };
        let due_at = match m.ticket.due_at.filter(|slot| before.is_none() && now.get(*slot).is_some()) {
            None => None,
            Some(slot) => Some(usable::planned(m, now, slot)?),
        };
        let comments = self.written(row)?;
        let steps = self.steps(now)?;
        self.hear_of_types(now, before);
        self.at = row.at;
        self.by = row.optional(m.by).map(|by| limits::label(by).into_owned());
        if !m.milestones.is_empty() {
            self.by_milestones(now, before, &state, (created_at, due_at), steps, comments);
            return Ok(());
        }
        // Work begins again before it is given to somebody; it is given before it is done.
        let reopens = self.state().is_done() && state.is_work();
        if let Some(before) = before {
            self.keep_order(row, before);
        }
        if reopens {
            self.enter(now, &state);
        }
        match before {
            None => self.created(now, created_at, due_at, false),
            Some(before) => self.changed(now, before),
        }
        self.unknown_change(row);
        self.comments(comments);
        if !reopens {
            self.enter(now, &state);
        }
        Ok(())
    }

    /// A field that is to be a number or a flag, and is none, stays a text.
    fn hear_of_types(&mut self, now: &Row, before: Option<&Row>) {
        let m = self.mapping;
        for slot in m.ticket.numbers.iter().chain(&m.ticket.flags).copied() {
            let Some(text) = now.get(slot).filter(|text| before.and_then(|b| b.get(slot)) != Some(*text))
            else {
                continue;
            };
            if matches!(limits::field_value(m, slot, text), FieldValue::Text(_)) {
                let what = if m.ticket.flags.contains(&slot) { "flag" } else { "number" };
                let name = &m.columns[slot].name;
                let text = format!("{name:?} is {text:?}, which is no {what}; it stays a text");
                self.heard.push(Note::new(Reason::UnknownValue, text));
            }
        }
    }

    pub(super) fn push(&mut self, event: impl Into<Event>) {
        let actor = self.actor(self.by.as_deref());
        self.push_at(self.at, actor, event.into());
    }

    pub(super) fn push_at(&mut self, at: Timestamp, actor: Option<Actor>, event: Event) {
        let lifted = at.max(self.clock());
        self.ticket = Some(evolve(self.ticket.take(), &event, lifted));
        let fact = Fact { occurred_at: at, actor, event };
        self.bytes = self.bytes.saturating_add(parts::weight(&fact)).saturating_add(size_of::<Fact>());
        self.facts.push(fact);
    }

    fn actor(&self, id: Option<&str>) -> Option<Actor> {
        id.map(|id| Actor { kind: self.kind(id), id: id.to_owned(), on_behalf_of: None })
    }

    pub(super) fn kind(&self, id: &str) -> ActorKind {
        if self.mapping.is_system(id) {
            ActorKind::System
        } else if self.mapping.is_bot(id) {
            ActorKind::Bot
        } else if self.requester.as_deref() == Some(id) {
            ActorKind::Requester
        } else {
            ActorKind::Agent
        }
    }

    /// Kind of who wrote the row; where the source does not say, it is the importer that acts.
    pub(super) fn row_kind(&self) -> ActorKind {
        self.by.as_deref().map_or(ActorKind::Service, |by| self.kind(by))
    }
}

/// How the ticket stands.
impl History<'_> {
    pub(super) fn state(&self) -> TicketState {
        self.ticket.as_ref().map_or(TicketState::New, Ticket::state)
    }

    /// Time of the newest fact, lifted where the source steps back; as the engine will have it.
    pub(super) fn clock(&self) -> Timestamp {
        self.ticket.as_ref().map_or(Timestamp(i64::MIN), |t| t.last_occurred_at)
    }

    pub(super) fn hold_reason(&self) -> Option<HoldReason> {
        self.ticket.as_ref().and_then(Ticket::hold_reason)
    }

    /// The source's name of what the ticket waits for, while it waits.
    pub(super) fn waits_for(&self) -> Option<&str> {
        self.ticket.as_ref()?.custom_status.as_deref()
    }

    pub(super) fn last_resolution(&self) -> Option<&LastResolution> {
        self.ticket.as_ref()?.last_resolution.as_ref()
    }

    pub(super) fn agent(&self) -> Option<&str> {
        self.ticket.as_ref()?.assignee.as_deref()
    }

    fn group(&self) -> Option<&str> {
        self.ticket.as_ref()?.group.as_deref()
    }

    fn category(&self) -> Option<&str> {
        self.ticket.as_ref()?.category.as_deref()
    }

    fn priority(&self) -> Priority {
        self.ticket.as_ref().map_or(Priority::Normal, |t| t.priority)
    }
}

/// What a row says of the state.
pub(super) enum NewState {
    Same,
    Known(Meaning),
    Unknown(String),
    /// Nobody knows the name; it is passed over, or the mapping's default stands for it.
    Guessed(String, Option<Meaning>),
}

impl NewState {
    fn is_work(&self) -> bool {
        self.meaning().is_some_and(|meaning| match meaning {
            Meaning::State { to, reopens, .. } => reopens && !to.is_done(),
            Meaning::Ignore | Meaning::Note => false,
        })
    }

    /// What it is taken for.
    pub(super) const fn meaning(&self) -> Option<Meaning> {
        match self {
            Self::Known(meaning) => Some(*meaning),
            Self::Guessed(_, meaning) => *meaning,
            Self::Same | Self::Unknown(_) => None,
        }
    }
}

impl History<'_> {
    fn state_of(&self, row: &Row, before: Option<&Row>) -> Result<NewState, Note> {
        let Some(states) = &self.mapping.state else { return Ok(NewState::Same) };
        let same = |slot: &Slot| before.is_some_and(|b| b.get(*slot) == row.get(*slot));
        if states.columns.iter().all(same) {
            return Ok(NewState::Same);
        }
        let name = joined(row, &states.columns);
        let Some(name) = name else { return Ok(NewState::Same) };
        if let Some(meaning) = states.map.get(&name) {
            return Ok(NewState::Known(*meaning));
        }
        match states.unknown {
            Unknown::Note => Ok(NewState::Unknown(name)),
            Unknown::Ignore => Ok(NewState::Guessed(name, None)),
            Unknown::Default => Ok(NewState::Guessed(name, states.default)),
            Unknown::Reject => {
                Err(Note::new(Reason::UnknownValue, format!("the state {name:?} is not in state.map")))
            }
        }
    }

    pub(super) fn enter(&mut self, row: &Row, state: &NewState) {
        match state {
            NewState::Same | NewState::Known(_) => {}
            NewState::Unknown(name) => {
                self.note_state(name);
                let text = format!("the state {name:?} is not in state.map");
                self.heard.push(Note::new(Reason::UnknownValue, text));
            }
            NewState::Guessed(name, meaning) => {
                let reason = if meaning.is_some() { Reason::Defaulted } else { Reason::Ignored };
                self.heard.push(Note::new(reason, format!("the state {name:?} is not in state.map")));
            }
        }
        match state.meaning() {
            None | Some(Meaning::Ignore) => {}
            Some(Meaning::Note) => {
                if let Some(name) = self.state_name(row) {
                    self.note_state(&name);
                }
            }
            Some(Meaning::State { to, hold_reason, reopens }) => {
                if reopens || to.is_done() || !self.state().is_done() {
                    self.go_to(row, to, hold_reason);
                }
            }
        }
    }

    fn note_state(&mut self, name: &str) {
        self.note(&format!(
            "The source calls the state {:?}, which the mapping does not know; the ticket stays {}.",
            shown(name, NAME_SHOWN),
            self.state()
        ));
    }

    /// The source's own name of the state.
    pub(super) fn state_name(&self, row: &Row) -> Option<String> {
        self.mapping.state.as_ref().and_then(|s| joined(row, &s.columns))
    }

    /// What a word of the source means; `what` is what such words are of. A word that nobody knows is
    /// counted, and stays visible at the ticket where the mapping does not say that it may go.
    pub(super) fn word<T: Clone>(
        &mut self,
        words: &Words<T>,
        what: &str,
        value: Option<&str>,
        stays: &str,
    ) -> Option<T> {
        let value = value?;
        let meant = words.meant(value);
        if let Meant::Unknown { reason, says_so, .. } = &meant {
            self.heard
                .push(Note::new(*reason, format!("the {what} {value:?} is not in the mapping's words")));
            if *says_so {
                self.note(&format!(
                    "The source calls the {what} {:?}, which the mapping does not know; the ticket stays {stays}.",
                    shown(value, NAME_SHOWN)
                ));
            }
        }
        meant.value()
    }
}

/// The values that are there, with slashes in between.
pub(super) fn joined(row: &Row, slots: &[Slot]) -> Option<String> {
    let mut values = slots.iter().filter_map(|s| row.get(*s));
    let mut text = values.next()?.to_owned();
    for value in values {
        text.push('/');
        text.push_str(value);
    }
    Some(text)
}

/// The first row.
impl History<'_> {
    /// `later`: a milestone tells when the ticket was given to somebody.
    pub(super) fn created(&mut self, row: &Row, at: Timestamp, due_at: Option<Timestamp>, later: bool) {
        let m = self.mapping;
        let t = &m.ticket;
        let creator = row.optional(t.created_by).or_else(|| row.optional(m.by)).map(str::to_owned);
        self.requester = m.requester.as_ref().and_then(|r| row.get(r.id)).map(str::to_owned);
        let group = row.optional(m.group);
        let in_tier = group.filter(|_| !m.names.leaves_out(Kind::Tier, &self.strangers));
        self.tags = limits::tags(m, row);
        let known = |at: Option<Slot>| row.optional(at).map(str::to_owned);
        let priority =
            row.optional(t.priority).and_then(|p| m.priorities.meant(p).value()).unwrap_or(Priority::Normal);
        let person = |slot: Option<Slot>| known(slot).map(Personal::Plain);
        let who = m.requester.as_ref();
        let (subject, description) = limits::texts(m, row, self.external_id);
        let event = TicketCreated {
            number: 0,
            subject: Personal::Plain(subject),
            description: Personal::Plain(description),
            requester: self
                .requester
                .clone()
                .or_else(|| creator.clone())
                .unwrap_or_else(|| "unknown".to_owned()),
            requester_kind: who.and_then(|r| r.kinds.meant(row.optional(r.kind)?).value()),
            requester_name: person(who.and_then(|r| r.name)),
            requester_email: person(who.and_then(|r| r.email)),
            requester_phone: person(who.and_then(|r| r.phone)),
            channel: row
                .optional(t.channel)
                .and_then(|c| m.channels.meant(c).value())
                .unwrap_or(UNKNOWN_CHANNEL),
            origin: self.origin(creator.as_deref()),
            r#type: row
                .optional(t.r#type)
                .and_then(|w| m.types.meant(w).value())
                .unwrap_or(TicketType::Incident),
            category: limits::category(m, row),
            urgency: row.optional(t.urgency).and_then(|w| m.urgencies.meant(w).value()),
            impact: row.optional(t.impact).and_then(|w| m.impacts.meant(w).value()),
            priority,
            tags: self.tags.clone(),
            group: group.map(str::to_owned),
            assignee: if later { None } else { known(m.agent) },
            tier: in_tier.map_or(ENTRY_TIER, |group| m.tier(group)),
            product: known(t.product),
            brand: known(t.brand),
            language: known(t.language),
            organisation: known(t.organisation),
            external_ref: Some(ExternalRef {
                source: m.name.as_str().to_owned(),
                id: self.external_id.to_owned(),
            }),
            fields: self.fields(row),
            due_at,
            synthetic: false,
        };
        let actor = self.actor(creator.as_deref());
        self.push_at(at, actor, event.into());
        self.unknown_words(row);
    }

    fn origin(&self, creator: Option<&str>) -> Origin {
        match creator {
            Some(creator) if self.requester.as_deref() == Some(creator) => Origin::Requester,
            Some(creator) if !self.mapping.is_system(creator) => Origin::Agent,
            None if self.requester.is_some() => Origin::Requester,
            Some(_) | None => Origin::System,
        }
    }

    /// Says and counts what nobody knows of the first row.
    fn unknown_words(&mut self, row: &Row) {
        let m = self.mapping;
        let t = &m.ticket;
        let priority = self.priority().to_string();
        self.word(&m.priorities, "priority", row.optional(t.priority), &priority);
        self.word(&m.channels, "channel", row.optional(t.channel), "of the channel api");
        self.word(&m.types, "type", row.optional(t.r#type), "an incident");
        self.word(&m.urgencies, "urgency", row.optional(t.urgency), "without one");
        self.word(&m.impacts, "impact", row.optional(t.impact), "without one");
        if let (Some(words), Some(path)) = (&m.categories, joined(row, &t.category)) {
            self.word(words, "category", Some(&path), "in the category of that name");
        }
        if let Some(r) = &m.requester {
            self.word(&r.kinds, "kind of the requester", row.optional(r.kind), "without one");
            if row.get(r.id).is_none() {
                let text = format!("{:?} is missing: who asked stays unknown", m.columns[r.id].name);
                self.heard.push(Note::new(Reason::MissingValue, text));
            }
        }
    }

    fn fields(&self, row: &Row) -> BTreeMap<String, FieldValue> {
        let fields = self.mapping.ticket.fields.iter();
        fields
            .filter_map(|s| {
                Some((
                    self.mapping.columns[*s].name.clone(),
                    limits::field_value(self.mapping, *s, row.get(*s)?),
                ))
            })
            .collect()
    }
}

/// Later rows.
impl History<'_> {
    pub(super) fn changed(&mut self, row: &Row, before: &Row) {
        self.people(row);
        self.classification(row, before);
        for slot in &self.mapping.ticket.fields {
            let (from, to) = (before.get(*slot), row.get(*slot));
            if from != to {
                let field = self.mapping.columns[*slot].name.clone();
                let value = |text| limits::field_value(self.mapping, *slot, text);
                let (from, to) = (from.map(value), to.map(value));
                self.push(FieldChanged { field, from, to });
            }
        }
        self.said_once(row, before);
    }

    /// A change of a field that the mapping does not know stays visible.
    fn unknown_change(&mut self, row: &Row) {
        if let Some(text) = self.mapping.changes.as_ref().and_then(|changes| changes.note_of(row)) {
            self.note(&text);
        }
    }

    /// What only the creation of a ticket says has no event of its own later: it becomes a note.
    fn said_once(&mut self, row: &Row, before: &Row) {
        let m = self.mapping;
        let t = &m.ticket;
        let of_ticket = [
            t.subject,
            t.description,
            t.channel,
            t.r#type,
            t.urgency,
            t.impact,
            t.product,
            t.brand,
            t.language,
            t.organisation,
            t.due_at,
        ];
        let of_person = m.requester.iter().flat_map(|r| [Some(r.id), r.name, r.email, r.phone, r.kind]);
        for slot in of_ticket.into_iter().chain(of_person).flatten() {
            if m.ticket.fields.contains(&slot) || before.get(slot) == row.get(slot) {
                continue;
            }
            if let Some(to) = row.get(slot) {
                let name = shown(&m.columns[slot].name, NAME_SHOWN);
                self.note(&format!("The source changed {name:?} to: {to}"));
            }
        }
    }

    pub(super) fn people(&mut self, row: &Row) {
        let group = row.optional(self.mapping.group);
        let agent = row.optional(self.mapping.agent);
        let (new_group, new_agent) = (self.group() != group, self.agent() != agent);
        let from_group = self.group().filter(|_| new_group).map(str::to_owned);
        if new_agent {
            let from = self.agent().map(str::to_owned);
            match agent {
                Some(to) => self.push(TicketAssigned {
                    from,
                    to: to.to_owned(),
                    group: group.map(str::to_owned),
                    strategy: Strategy::Manual,
                    handover_comment: None,
                    station_no: self.ticket.as_ref().map_or(0, |t| t.stations).saturating_add(1),
                    reason: None,
                }),
                None => self.push(TicketUnassigned { from: from.unwrap_or_default(), reason: None }),
            }
        }
        // An assignment to somebody names the group already.
        if new_group && !(new_agent && agent.is_some()) {
            self.push(TicketRouted {
                from_group,
                to_group: group.map(str::to_owned),
                rule: None,
                strategy: Strategy::Manual,
                reason: None,
            });
        }
        if new_group
            && let Some(group) = group
            && !self.mapping.names.leaves_out(Kind::Tier, &self.strangers)
        {
            self.tier(self.mapping.tier(group));
        }
    }

    fn tier(&mut self, to: u32) {
        let from = self.ticket.as_ref().map_or(ENTRY_TIER, |t| t.tier);
        if to > from {
            self.push(TicketEscalated {
                kind: EscalationKind::Functional,
                from_tier: from,
                to_tier: to,
                to_manager: None,
                reason: EscalationReason::Expertise,
                tags_at: Vec::new(),
                category_at: self.category().map(str::to_owned),
                note_comment: None,
            });
        } else if to < from {
            self.push(TicketDeescalated { from_tier: from, to_tier: to, reason: None });
        }
    }

    fn classification(&mut self, row: &Row, before: &Row) {
        let m = self.mapping;
        let value = row.optional(m.ticket.priority);
        if value.is_some() && before.optional(m.ticket.priority) != value {
            let from = self.priority();
            let stays = from.to_string();
            if let Some(to) = self.word(&m.priorities, "priority", value, &stays).filter(|to| *to != from) {
                let cause = StatusCause::Command;
                self.push(PriorityChanged { from, to, urgency: None, impact: None, cause, reason: None });
            }
        }
        if m.ticket.category.iter().any(|s| before.get(*s) != row.get(*s)) {
            let to = limits::category(m, row);
            if let (Some(words), Some(path)) = (&m.categories, joined(row, &m.ticket.category)) {
                self.word(words, "category", Some(&path), "in the category of that name");
            }
            if to.as_deref() != self.category() {
                let from = self.category().map(str::to_owned);
                self.push(CategoryChanged { from, to });
            }
        }
        if m.ticket.tags.is_some_and(|slot| before.get(slot) != row.get(slot)) {
            let now = limits::tags(m, row);
            let before = std::mem::replace(&mut self.tags, now.clone());
            let less =
                |a: &[String], b: &[String]| a.iter().filter(|t| !b.contains(t)).cloned().collect::<Vec<_>>();
            let (added, removed) = (less(&now, &before), less(&before, &now));
            if !(added.is_empty() && removed.is_empty()) {
                self.push(TagsChanged { added, removed });
            }
        }
    }

    /// Where a row without facts is later than the one that follows it, nothing would tell the engine to
    /// lift what follows. The order of the source holds, so it gets a fact to hold on to.
    fn keep_order(&mut self, row: &Row, before: &Row) {
        if row.at < before.at && self.clock() < before.at {
            let (at, by) = (self.at, self.by.take());
            self.at = before.at;
            self.by = before.optional(self.mapping.by).map(str::to_owned);
            self.note(
                "An update without a change that the mapping knows. The source's clock steps back after it.",
            );
            (self.at, self.by) = (at, by);
        }
    }
}
