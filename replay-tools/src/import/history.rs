//! Turns the rows of one ticket into facts: each row is the ticket after an update, so what differs from
//! the row before is what happened. Pure; no number, position or id of ours is known here.

use std::collections::BTreeMap;

use guichet_schemas::command::{Fact, limits};
use guichet_schemas::event::{
    Actor, CategoryChanged, CommentAdded, Event, ExternalRef, FieldChanged, FieldValue, Personal,
    PriorityChanged, TicketAssigned, TicketCreated, TicketDeescalated, TicketEscalated, TicketRouted,
    TicketUnassigned,
};
use guichet_schemas::ids::CommentId;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    ActorKind, AuthorKind, CommentKind, EscalationKind, EscalationReason, HoldReason, Origin, Priority,
    StatusCause, Strategy, TicketState, Visibility,
};
use uuid::Uuid;

use super::balance::{Note, Reason};
use super::bounds::{FACTS_BYTES_MAX, shown};
use super::classify;
use super::mapping::{ENTRY_TIER, Mapping, Meaning, Slot};
use super::parts;
use super::row::Row;
use super::usable;

const SUBJECT_CHARS_MAX: usize = 300;
const BODY_BYTES_MAX: usize = 48 * 1024;
const LABEL_CHARS_MAX: usize = 128;
const CATEGORY_CHARS_MAX: usize = 200;
/// Bytes of a name of the source that a note repeats.
const NAME_SHOWN: usize = 500;
/// Rows for whose facts there is room from the beginning.
const ROOM_ROWS: usize = 256;

/// A ticket's facts so far, and how it stands after them.
pub(super) struct History<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) facts: Vec<Fact>,
    /// What the facts take, roughly.
    bytes: usize,
    /// Time of the newest fact, lifted where the source steps back; as the engine will have it.
    pub(super) clock: Timestamp,
    pub(super) state: TicketState,
    pub(super) hold_reason: Option<HoldReason>,
    /// The source's name of what the ticket waits for, while it waits.
    pub(super) waits_for: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) resolutions: u32,
    pub(super) resolver: Option<String>,
    pub(super) resolved_at: Timestamp,
    group: Option<String>,
    tier: u32,
    priority: Priority,
    category: Option<String>,
    stations: u32,
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
    },
    /// More than may be held; of so many rows nothing was said yet.
    TooMuch {
        /// The rows that were not rejected one by one.
        unread: u64,
    },
}

/// What the rows of a ticket say. `reject` hears of each row that cannot be used, and why.
pub(super) fn of<E>(
    mapping: &Mapping,
    external_id: &str,
    rows: &[Row],
    mut reject: impl FnMut(&Row, Note) -> Result<(), E>,
) -> Result<Told, E> {
    let mut history = History::new(mapping, rows.len());
    let mut before: Option<&Row> = None;
    let mut unread = rows.len() as u64;
    let (mut used, mut without_effect) = (0_u64, 0_u64);
    for row in rows {
        let facts = history.facts.len();
        match history.add(external_id, row, before) {
            Ok(()) => {
                before = Some(row);
                let effect = if history.facts.len() > facts { &mut used } else { &mut without_effect };
                *effect = effect.saturating_add(1);
            }
            Err(why) => {
                unread = unread.saturating_sub(1);
                reject(row, why)?;
            }
        }
        if history.bytes > FACTS_BYTES_MAX {
            return Ok(Told::TooMuch { unread });
        }
    }
    Ok(Told::Facts { facts: history.facts, used, without_effect })
}

impl<'a> History<'a> {
    fn new(mapping: &'a Mapping, rows: usize) -> Self {
        Self {
            mapping,
            facts: Vec::with_capacity(rows.min(ROOM_ROWS).saturating_mul(2)),
            bytes: 0,
            clock: Timestamp(i64::MIN),
            state: TicketState::New,
            hold_reason: None,
            waits_for: None,
            agent: None,
            resolutions: 0,
            resolver: None,
            resolved_at: Timestamp(0),
            group: None,
            tier: ENTRY_TIER,
            priority: Priority::Normal,
            category: None,
            stations: 0,
        }
    }

    /// All or nothing: a row that cannot be used leaves no trace.
    fn add(&mut self, external_id: &str, row: &Row, before: Option<&Row>) -> Result<(), Note> {
        self.check(row)?;
        let state = self.state_of(row, before)?;
        // Work begins again before it is given to somebody; it is given before it is done.
        let reopens = self.state.is_done() && state.is_work();
        if let Some(before) = before {
            self.keep_order(row, before);
        }
        if reopens {
            self.enter(row, &state);
        }
        match before {
            None => self.created(external_id, row)?,
            Some(before) => self.changed(row, before),
        }
        if let Some(text) = row.optional(self.mapping.comment) {
            self.comments(row, text);
        }
        if !reopens {
            self.enter(row, &state);
        }
        Ok(())
    }

    pub(super) fn push(&mut self, row: &Row, event: Event) {
        let actor = self.actor(row.optional(self.mapping.by));
        self.push_at(row.at, actor, event);
    }

    fn push_at(&mut self, at: Timestamp, actor: Option<Actor>, event: Event) {
        self.clock = self.clock.max(at);
        let fact = Fact { occurred_at: at, actor, event };
        self.bytes = self.bytes.saturating_add(parts::weight(&fact)).saturating_add(size_of::<Fact>());
        self.facts.push(fact);
    }

    fn actor(&self, id: Option<&str>) -> Option<Actor> {
        id.map(|id| Actor { kind: self.kind(id), id: id.to_owned(), on_behalf_of: None })
    }

    fn kind(&self, id: &str) -> ActorKind {
        if self.mapping.is_system(id) { ActorKind::System } else { ActorKind::Agent }
    }

    /// Kind of who wrote the row; where the source does not say, it is the importer that acts.
    pub(super) fn row_kind(&self, row: &Row) -> ActorKind {
        row.optional(self.mapping.by).map_or(ActorKind::Service, |by| self.kind(by))
    }
}

/// Checks.
impl History<'_> {
    fn check(&self, row: &Row) -> Result<(), Note> {
        let m = self.mapping;
        let over = |text: String| Err(Note::new(Reason::OverLimit, text));
        for slot in [m.by, m.group, m.agent, m.ticket.created_by].into_iter().flatten() {
            if row.get(slot).is_some_and(|v| longer(v, LABEL_CHARS_MAX)) {
                return over(format!(
                    "{:?} has more than {LABEL_CHARS_MAX} characters",
                    m.columns[slot].name
                ));
            }
        }
        let category = m
            .ticket
            .category
            .iter()
            .filter_map(|s| row.get(*s))
            .map(|v| v.len().saturating_add(1))
            .sum::<usize>();
        if category > CATEGORY_CHARS_MAX
            && longer(&self.category_of(row).unwrap_or_default(), CATEGORY_CHARS_MAX)
        {
            return over(format!("its category has more than {CATEGORY_CHARS_MAX} characters"));
        }
        let fields: usize = m
            .ticket
            .fields
            .iter()
            .map(|s| row.get(*s).map_or(0, str::len).saturating_add(m.columns[*s].name.len()))
            .sum();
        if fields > limits::FIELDS_BYTES {
            return over(format!("its fields have more than {} bytes together", limits::FIELDS_BYTES));
        }
        if m.rejects_unknown()
            && let Some(value) = row.optional(m.ticket.priority)
            && m.priority(value).is_none()
        {
            return Err(Note::new(
                Reason::UnknownValue,
                format!("the priority {value:?} is not in priority.map"),
            ));
        }
        Ok(())
    }
}

fn longer(text: &str, chars: usize) -> bool {
    text.len() > chars && text.chars().count() > chars
}

/// What a row says of the state.
pub(super) enum NewState {
    Same,
    Known(Meaning),
    Unknown(String),
}

impl NewState {
    const fn is_work(&self) -> bool {
        match self {
            Self::Known(Meaning::State(to, _)) => !to.is_done(),
            Self::Known(Meaning::Ignore) | Self::Same | Self::Unknown(_) => false,
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
        match states.map.get(&name) {
            Some(meaning) => Ok(NewState::Known(*meaning)),
            None if self.mapping.rejects_unknown() => {
                Err(Note::new(Reason::UnknownValue, format!("the state {name:?} is not in state.map")))
            }
            None => Ok(NewState::Unknown(name)),
        }
    }

    fn enter(&mut self, row: &Row, state: &NewState) {
        match state {
            NewState::Same | NewState::Known(Meaning::Ignore) => {}
            NewState::Known(Meaning::State(to, hold_reason)) => self.go_to(row, *to, *hold_reason),
            NewState::Unknown(name) => self.note(
                row,
                &format!(
                    "The source calls the state {:?}, which the mapping does not know; the ticket stays {}.",
                    shown(name, NAME_SHOWN),
                    self.state
                ),
            ),
        }
    }

    /// The source's own name of the state.
    pub(super) fn state_name(&self, row: &Row) -> Option<String> {
        self.mapping.state.as_ref().and_then(|s| joined(row, &s.columns))
    }

    fn category_of(&self, row: &Row) -> Option<String> {
        joined(row, &self.mapping.ticket.category)
    }
}

/// The values that are there, with slashes in between.
fn joined(row: &Row, slots: &[Slot]) -> Option<String> {
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
    fn created(&mut self, external_id: &str, row: &Row) -> Result<(), Note> {
        let m = self.mapping;
        let at = match m.ticket.created_at.filter(|slot| row.get(*slot).is_some()) {
            None => row.at,
            Some(slot) => usable::time(m, row, slot, None)?.at,
        };
        let creator = row.optional(m.ticket.created_by).or_else(|| row.optional(m.by));
        self.group = row.optional(m.group).map(str::to_owned);
        self.agent = row.optional(m.agent).map(str::to_owned);
        self.tier = self.group.as_deref().map_or(ENTRY_TIER, |g| m.tier(g));
        let priority = row.optional(m.ticket.priority);
        self.priority = priority.and_then(|p| m.priority(p)).unwrap_or(Priority::Normal);
        self.category = self.category_of(row);
        self.stations = u32::from(self.agent.is_some());
        if self.agent.is_some() {
            self.state = TicketState::Open;
        }
        let text = row.optional(m.ticket.subject);
        let event = TicketCreated {
            number: 0,
            subject: Personal::Plain(subject(text, external_id)),
            description: Personal::Plain(match text {
                Some(text) => cut(text, BODY_BYTES_MAX).to_owned(),
                None => format!("Imported from {}, where it is {external_id}.", m.name),
            }),
            requester: creator.unwrap_or("unknown").to_owned(),
            requester_kind: None,
            requester_name: None,
            requester_email: None,
            requester_phone: None,
            channel: classify::channel(row.optional(m.ticket.channel)),
            origin: if creator.is_some_and(|c| !m.is_system(c)) { Origin::Agent } else { Origin::System },
            r#type: classify::ticket_type(row.optional(m.ticket.r#type)),
            category: self.category.clone(),
            urgency: None,
            impact: None,
            priority: self.priority,
            tags: Vec::new(),
            group: self.group.clone(),
            assignee: self.agent.clone(),
            tier: self.tier,
            product: None,
            brand: None,
            language: None,
            organisation: None,
            external_ref: Some(ExternalRef {
                source: m.name.as_str().to_owned(),
                id: external_id.to_owned(),
            }),
            fields: self.fields(row),
            due_at: None,
            synthetic: false,
        };
        let actor = self.actor(creator);
        self.push_at(at, actor, event.into());
        if let Some(value) = priority.filter(|p| m.priority(p).is_none()) {
            self.note_priority(row, value);
        }
        Ok(())
    }

    fn fields(&self, row: &Row) -> BTreeMap<String, FieldValue> {
        let fields = self.mapping.ticket.fields.iter();
        fields
            .filter_map(|s| Some((self.mapping.columns[*s].name.clone(), field_value(row.get(*s)?))))
            .collect()
    }
}

fn subject(text: Option<&str>, external_id: &str) -> String {
    let Some(text) = text else { return external_id.to_owned() };
    // A subject is one line; the whole text stands in the description.
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(SUBJECT_CHARS_MAX) {
        None => line,
        Some(_) => {
            line.chars().take(SUBJECT_CHARS_MAX.saturating_sub(1)).collect::<String>().trim_end().to_owned()
                + "…"
        }
    }
}

/// The longest beginning of at most so many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn field_value(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

/// Later rows.
impl History<'_> {
    fn changed(&mut self, row: &Row, before: &Row) {
        self.people(row);
        self.classification(row, before);
        for slot in &self.mapping.ticket.fields {
            let (from, to) = (before.get(*slot), row.get(*slot));
            if from != to {
                let field = self.mapping.columns[*slot].name.clone();
                let event = FieldChanged { field, from: from.map(field_value), to: to.map(field_value) };
                self.push(row, event.into());
            }
        }
    }

    fn people(&mut self, row: &Row) {
        let group = row.optional(self.mapping.group);
        let agent = row.optional(self.mapping.agent);
        let (new_group, new_agent) = (self.group.as_deref() != group, self.agent.as_deref() != agent);
        let from_group =
            if new_group { std::mem::replace(&mut self.group, group.map(str::to_owned)) } else { None };
        if new_agent {
            let from = std::mem::replace(&mut self.agent, agent.map(str::to_owned));
            match agent {
                Some(to) => {
                    self.stations = self.stations.saturating_add(1);
                    let event = TicketAssigned {
                        from,
                        to: to.to_owned(),
                        group: self.group.clone(),
                        strategy: Strategy::Manual,
                        handover_comment: None,
                        station_no: self.stations,
                        reason: None,
                    };
                    self.push(row, event.into());
                }
                None => {
                    let event = TicketUnassigned { from: from.unwrap_or_default(), reason: None };
                    self.push(row, event.into());
                }
            }
        }
        // An assignment to somebody names the group already.
        if new_group && !(new_agent && agent.is_some()) {
            let to_group = self.group.clone();
            let event =
                TicketRouted { from_group, to_group, rule: None, strategy: Strategy::Manual, reason: None };
            self.push(row, event.into());
        }
        if new_group && let Some(group) = group {
            self.tier(row, self.mapping.tier(group));
        }
    }

    fn tier(&mut self, row: &Row, to: u32) {
        let from = std::mem::replace(&mut self.tier, to);
        if to > from {
            self.push(
                row,
                Event::from(TicketEscalated {
                    kind: EscalationKind::Functional,
                    from_tier: from,
                    to_tier: to,
                    to_manager: None,
                    reason: EscalationReason::Expertise,
                    tags_at: Vec::new(),
                    category_at: self.category.clone(),
                    note_comment: None,
                }),
            );
        } else if to < from {
            self.push(row, Event::from(TicketDeescalated { from_tier: from, to_tier: to, reason: None }));
        }
    }

    fn classification(&mut self, row: &Row, before: &Row) {
        let m = self.mapping;
        if let Some(value) = row.optional(m.ticket.priority)
            && before.optional(m.ticket.priority) != Some(value)
        {
            match m.priority(value) {
                None => self.note_priority(row, value),
                Some(to) if to == self.priority => {}
                Some(to) => {
                    let from = std::mem::replace(&mut self.priority, to);
                    self.push(
                        row,
                        Event::from(PriorityChanged {
                            from,
                            to,
                            urgency: None,
                            impact: None,
                            cause: StatusCause::Command,
                            reason: None,
                        }),
                    );
                }
            }
        }
        if m.ticket.category.iter().any(|s| before.get(*s) != row.get(*s)) {
            let to = self.category_of(row);
            if to != self.category {
                let from = std::mem::replace(&mut self.category, to.clone());
                self.push(row, Event::from(CategoryChanged { from, to }));
            }
        }
    }
}

/// Comments.
impl History<'_> {
    /// A text longer than a comment may be becomes several.
    fn comments(&mut self, row: &Row, mut text: &str) {
        let author = row.optional(self.mapping.by).unwrap_or("unknown").to_owned();
        let by_system = self.row_kind(row) == ActorKind::System;
        let author_kind = if by_system { AuthorKind::System } else { AuthorKind::Agent };
        while !text.is_empty() {
            let piece = cut(text, BODY_BYTES_MAX);
            text = &text[piece.len()..];
            self.comment(row, CommentKind::Message, author.clone(), author_kind, piece);
        }
    }

    /// Where a row without facts is later than the one that follows it, nothing would tell the engine to
    /// lift what follows. The order of the source holds, so it gets a fact to hold on to.
    fn keep_order(&mut self, row: &Row, before: &Row) {
        if row.at < before.at && self.clock < before.at {
            self.note(
                before,
                "An update without a change that the mapping knows. The source's clock steps back after it.",
            );
        }
    }

    fn note_priority(&mut self, row: &Row, value: &str) {
        let priority = self.priority;
        self.note(row, &format!(
            "The source calls the priority {:?}, which the mapping does not know; the ticket stays {priority}.",
            shown(value, NAME_SHOWN)
        ));
    }

    /// What the history cannot say in its own words.
    fn note(&mut self, row: &Row, text: &str) {
        self.comment(row, CommentKind::Troubleshooting, "import".to_owned(), AuthorKind::System, text);
    }

    fn comment(&mut self, row: &Row, kind: CommentKind, author: String, author_kind: AuthorKind, body: &str) {
        self.push(
            row,
            Event::from(CommentAdded {
                // The engine gives it one that follows from the command.
                comment_id: CommentId(Uuid::nil()),
                // Nobody outside may read what the source may have kept inside.
                visibility: Visibility::Internal,
                kind,
                author,
                author_kind,
                channel: None,
                body: Personal::Plain(body.to_owned()),
                attachments: Vec::new(),
                in_reply_to: None,
                counts_as_reply: false,
                no_reopen: false,
            }),
        );
    }
}
