//! A ticket's whole history as one file to hand over: what happened and what it changed, the promises, what caused what,
//! and what proves it. It needs nothing but a browser, and asks nobody for anything.
//!
//! Personal texts are what the caller was given: where a text is sealed, the page says so.

use std::collections::BTreeMap;

use askama::Template;
use guichet_schemas::ids::CommandId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::view::readable;
use guichet_schemas::wire;
use guichet_schemas::words::{Priority, TicketState};

use super::clocks::Clock;
use super::form;
use super::text::{Text, by_code, fill};
use super::text_of;
use super::ticket::{Entry, Fact, facts};

/// Further in than this, what was caused is not drawn.
const DEPTH_MAX: usize = 6;

/// Everything that the page is written from.
#[derive(Debug)]
pub struct Handover<'a> {
    pub ticket: &'a wire::TicketView,
    /// Its history, oldest first.
    pub entries: &'a [wire::TimelineEntry],
    /// Position for which both hold.
    pub position: u64,
    /// Instant for which both hold, in milliseconds.
    pub now: i64,
    /// What became another, oldest first.
    pub changes: &'a [Changed],
    /// What proves it.
    pub proof: &'a Proof,
}

/// What something made of the ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What did.
    pub by: By,
    /// When, in milliseconds.
    pub at: i64,
    /// The fields that became another.
    pub fields: Vec<FieldChange>,
}

/// What changed a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Its event at this position.
    Event(u64),
    /// A publication of configuration, by kind and id.
    Configuration(String),
    /// Time alone: a clock ran out, or what was planned took effect.
    Time,
}

/// A field that became another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name, as `guichet explain` writes it.
    pub field: String,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

/// What proves the events: each was checked against this checkpoint before it was put on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Name of the log.
    pub origin: String,
    /// Records under the checkpoint.
    pub size: u64,
    /// Its root, in hex.
    pub root: String,
    /// The signed note.
    pub note: String,
    /// The key that the signature was checked with; `None`: it was not.
    pub key: Option<String>,
    /// Leaf hashes by position, in hex.
    pub hashes: BTreeMap<u64, String>,
}

#[derive(Template)]
#[template(path = "handover.html")]
struct Page<'a> {
    t: &'static Text,
    title: String,
    subject: String,
    description: String,
    made: String,
    state: &'static str,
    facts: Vec<Fact>,
    clocks: Vec<Clock>,
    steps: Vec<Step>,
    causes: Vec<Cause>,
    proof: &'a Proof,
    proven: String,
    check: String,
}

/// A place of the history: an event, or what else changed the ticket.
struct Step {
    entry: Option<Entry>,
    /// What did it, where that is no event.
    by: String,
    at: (String, String),
    changes: Vec<(String, String, String)>,
    hash: Option<String>,
}

/// A command and what it wrote.
struct Cause {
    depth: usize,
    id: String,
    who: String,
    events: Vec<(u64, String)>,
    outside: Option<String>,
}

/// The languages of the page, by their codes.
pub const LANGUAGES: [&str; 2] = ["en", "fr"];

/// Writes the page. A language that it does not know is English.
#[must_use]
pub fn page(history: &Handover<'_>, lang: &str) -> String {
    let t = by_code(lang).unwrap_or(super::text::LANGUAGES[0]);
    let view = history.ticket;
    let (events, size) = (form::count(t, history.entries.len() as u64), form::count(t, history.proof.size));
    let proven = if history.proof.key.is_some() { t.handover_proven } else { t.handover_unsigned };
    text_of(&Page {
        t,
        title: fill(t.handover_title, &[&view.number]),
        subject: readable(view.subject.as_ref()).to_owned(),
        description: readable(view.description.as_ref()).to_owned(),
        made: fill(t.handover_made, &[&form::minute(history.now), &history.position.to_string()]),
        state: form::state_of(t, view.state).1,
        facts: facts(t, view),
        clocks: view.sla_clocks.iter().map(|clock| Clock::new(t, clock, history.now)).collect(),
        steps: steps(t, history),
        causes: causes(t, history.entries),
        proof: history.proof,
        proven: fill(proven, &[&events, &size]),
        check: fill(t.handover_check, &[&view.number]),
    })
}

/// The events, each with what it changed; between them, what changed the ticket without one.
fn steps(t: &'static Text, history: &Handover<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::with_capacity(history.entries.len());
    let of = |position: u64| history.changes.iter().find(|one| one.by == By::Event(position));
    let mut others = history.changes.iter().filter(|one| !matches!(one.by, By::Event(_))).peekable();
    for entry in history.entries {
        while let Some(other) = others.next_if(|other| other.at < entry.occurred_at) {
            steps.push(aside(t, other));
        }
        let shown = Entry::new(t, entry);
        steps.push(Step {
            by: String::new(),
            at: (shown.at.clone(), shown.at_text.clone()),
            changes: of(entry.position).map_or_else(Vec::new, |one| changes(t, one)),
            hash: history.proof.hashes.get(&entry.position).cloned(),
            entry: Some(shown),
        });
    }
    steps.extend(others.map(|other| aside(t, other)));
    steps
}

fn aside(t: &Text, other: &Changed) -> Step {
    let by = match &other.by {
        By::Configuration(item) => fill(t.handover_by_config, &[item]),
        By::Time | By::Event(_) => t.handover_by_time.to_owned(),
    };
    let at = (form::machine(other.at), form::minute(other.at));
    Step { entry: None, by, at, changes: changes(t, other), hash: None }
}

fn changes(t: &Text, changed: &Changed) -> Vec<(String, String, String)> {
    let value = |field: &str, value: Option<&String>| {
        value.map_or_else(|| form::NOTHING.to_owned(), |value| word(t, field, value))
    };
    changed
        .fields
        .iter()
        .map(|one| {
            let (before, after) =
                (value(&one.field, one.before.as_ref()), value(&one.field, one.after.as_ref()));
            (name(t, &one.field).to_owned(), before, after)
        })
        .collect()
}

/// The name of a field; its own where it is newer than this page.
fn name<'t>(t: &Text, field: &'t str) -> &'t str {
    match field {
        "status" => t.state,
        "custom_status" => t.custom_status,
        "hold_reason" => t.hold_reason,
        "group" => t.group,
        "assignee" => t.assignee,
        "tier" => t.tier,
        "priority" => t.priority,
        "urgency" => t.urgency,
        "impact" => t.impact,
        "type" => t.ticket_type,
        "category" => t.category,
        "tags" => t.tags,
        "due" => t.due,
        "due_date" => t.due_date,
        newer => newer,
    }
}

/// A value as the reader's language has it, where it is one of ours.
fn word(t: &Text, field: &str, value: &str) -> String {
    let state = || TicketState::ALL.iter().copied().find(|state| state.as_str() == value);
    let priority = || Priority::ALL.iter().copied().find(|priority| priority.as_str() == value);
    match field {
        "status" => state().map(|state| form::state(t, state).to_owned()),
        "priority" => priority().map(|priority| form::priority(t, priority).to_owned()),
        "due" | "due_date" => Timestamp::parse(value).map(|at| form::minute(at.0)),
        _ => None,
    }
    .unwrap_or_else(|| value.to_owned())
}

/// The commands, each below the one that caused it.
fn causes(t: &'static Text, entries: &[wire::TimelineEntry]) -> Vec<Cause> {
    let id = |bytes: &[u8]| {
        CommandId::from_wire(bytes.to_vec()).map_or_else(|_| String::new(), |id| id.to_string())
    };
    let mut commands: Vec<(Cause, Option<usize>)> = Vec::new();
    // What can be named as a cause: a command, or one of its events.
    let mut known: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for entry in entries {
        let shown = Entry::new(t, entry);
        let event = (entry.position, shown.name.clone());
        let at = match commands.last_mut().filter(|(last, _)| last.id == id(&entry.command_id)) {
            Some((last, _)) => {
                last.events.push(event);
                commands.len() - 1
            }
            None => {
                let parent = entry.causation_id.as_ref().and_then(|cause| known.get(cause)).copied();
                let outside = entry.causation_id.as_ref().filter(|_| parent.is_none());
                let outside = outside.map(|cause| fill(t.handover_outside, &[&id(cause)]));
                let who = format!("{} · {}", shown.actor, entry.caller);
                let cause = Cause { depth: 0, id: id(&entry.command_id), who, events: vec![event], outside };
                commands.push((cause, parent));
                commands.len() - 1
            }
        };
        known.insert(entry.command_id.clone(), at);
        if let Some(record) = &entry.data {
            known.insert(record.event_id.clone(), at);
        }
    }
    below(commands)
}

/// In the order of a tree: a cause, then all that it caused. A cause is always before what it caused.
fn below(mut commands: Vec<(Cause, Option<usize>)>) -> Vec<Cause> {
    let mut paths: Vec<Vec<usize>> = Vec::with_capacity(commands.len());
    for (at, (cause, parent)) in commands.iter_mut().enumerate() {
        let mut path = parent.and_then(|parent| paths.get(parent)).cloned().unwrap_or_default();
        cause.depth = path.len().min(DEPTH_MAX);
        path.push(at);
        paths.push(path);
    }
    let ordered: BTreeMap<Vec<usize>, Cause> =
        paths.into_iter().zip(commands.into_iter().map(|one| one.0)).collect();
    ordered.into_values().collect()
}

#[cfg(test)]
#[path = "handover_tests.rs"]
mod tests;
