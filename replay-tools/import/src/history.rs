//! Turns the rows of one ticket into facts: each row is the ticket after an update, so what differs from
//! the row before is what happened. Pure; no number, position or id of ours is known here.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use guichet_rules::{LastResolution, Ticket, evolve};
use guichet_schemas::command::Fact;
use guichet_schemas::event::{Actor, Event, FieldValue};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, Channel, HoldReason, Priority, TicketState};

use super::balance::{Note, Reason};
use super::bounds::FACTS_BYTES_MAX;
use super::limits::{self, Prepared};
use super::mapping::{Mapping, Milestone};
use super::milestones;
use super::names::{self, Strangers};
use super::parts;
use super::people::Written;
use super::recorded;
use super::row::{Place, Row};
use super::usable;

mod changed;
mod created;
mod links;
mod state;

pub(super) use state::{NewState, joined};

/// Bytes of a name of the source that a note repeats.
pub(super) const NAME_SHOWN: usize = 500;
/// Rows for whose facts there is room from the beginning.
const ROOM_ROWS: usize = 256;
/// The channel of a ticket whose channel is unknown: it reached us through an interface.
const UNKNOWN_CHANNEL: Channel = Channel::Api;

/// A ticket's facts so far, and how it stands after them: the rules of the engine fold them.
pub(super) struct History<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) external_id: &'a str,
    pub(super) facts: Vec<Fact>,
    bytes: usize,
    /// How it stands after the facts, by the rules; `None` before the first.
    ticket: Option<Ticket>,
    /// When what is told at present happened, and who did it.
    pub(super) at: Timestamp,
    pub(super) by: Option<String>,
    /// The requester, where the mapping names a column for it.
    pub(super) requester: Option<String>,
    /// Its tags in the order of the newest row: changes tell of them in that order.
    tags: Vec<String>,
    /// Milestones that were told.
    pub(super) passed: BTreeSet<(Timestamp, Milestone)>,
    /// Comments of lists that were told; a later row repeats them.
    pub(super) told: HashSet<String>,
    /// Prints of the rows whose comments were told.
    pub(super) prints: HashSet<u64>,
    /// Names that the desk does not list.
    pub(super) strangers: Strangers,
    /// Comments of other files, each with its time, until a row with milestones tells them.
    pub(super) elsewhere: Vec<Written>,
    /// Guesses and changes in the present row.
    pub(super) heard: Vec<Note>,
}

/// The history in the rows of a ticket.
pub(super) enum Told {
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

/// A note that is to be counted for a row.
pub(super) enum Heard {
    /// It cannot be used.
    Rejected(Note),
    /// It is used, and something was guessed or changed.
    Noted(Note),
}

/// What the rows of a ticket say. `hear` is told of each row that cannot be used, and of what was guessed.
/// `ask` is where the row begins whose facts are wanted.
pub(super) fn of<E>(
    mapping: &Mapping,
    external_id: &str,
    rows: &[Row],
    ask: Option<Place>,
    mut hear: impl FnMut(&Row, Heard) -> Result<(), E>,
) -> Result<Told, E> {
    if let Some(event) = mapping.event {
        return recorded::of(event, rows, ask, hear);
    }
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
                if ask == Some(row.place()) {
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
            prints: HashSet::new(),
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
        self.activity(now, before);
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
