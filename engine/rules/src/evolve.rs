//! What a ticket is after an event. Total: whatever the log says happened, happened.

use std::collections::BTreeSet;

use guichet_schemas::event::{
    Classification, CommentAdded, Conversation, Event, FieldChanged, FieldValue, LifeCycle, Ownership,
    SlaEvent, StatusChanged, TagsChanged, TicketCreated, TicketEvent,
};
use guichet_schemas::ids::TicketNumber;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{AuthorKind, HoldReason, TicketState, Visibility};

use crate::clocks::key;
use crate::state::{ImportMark, ImportProgress, LastResolution, Phase, Ticket};

/// Folds one event that occurred at `occurred_at` into a ticket; `None` stands before the first.
#[must_use]
pub fn evolve(ticket: Option<Ticket>, event: &Event, occurred_at: Timestamp) -> Ticket {
    let mut t = ticket.unwrap_or_else(Ticket::blank);
    if !is_found(event) {
        t.last_occurred_at = t.last_occurred_at.max(occurred_at);
    }
    let before = t.state();
    match event {
        Event::Ticket(event) => changed(&mut t, event, occurred_at),
        Event::Sla(event) => noted(&mut t, event),
        // No decision depends on these.
        Event::Log(_) | Event::Config(_) => {}
    }
    if t.state() != before || event.created().is_some() {
        t.state_since = occurred_at;
    }
    t
}

/// True for what a timer found: it has the instant of the timer, and may come after what happened later.
const fn is_found(event: &Event) -> bool {
    matches!(
        event,
        Event::Sla(SlaEvent::SlaWarned(_) | SlaEvent::SlaBreached(_) | SlaEvent::TimeRuleFired(_))
    )
}

fn changed(t: &mut Ticket, event: &TicketEvent, at: Timestamp) {
    match event {
        TicketEvent::LifeCycle(event) => life_cycle(t, event, at),
        TicketEvent::Ownership(event) => ownership(t, event),
        TicketEvent::Conversation(Conversation::CommentAdded(e)) => commented(t, e),
        TicketEvent::Classification(event) => classification(t, event),
    }
}

fn life_cycle(t: &mut Ticket, event: &LifeCycle, at: Timestamp) {
    match event {
        LifeCycle::TicketCreated(e) => created(t, e),
        LifeCycle::TicketImported(e) => {
            let mark = e.facts.zip(e.digest).map(|(facts, digest)| ImportMark { facts, digest });
            t.import = Some(ImportProgress { done: e.part, parts: e.parts, mark });
        }
        LifeCycle::StatusChanged(e) => status_changed(t, e),
        LifeCycle::TicketResolved(e) => {
            enter(t, Phase::Resolved);
            t.last_resolution = Some(LastResolution { number: e.resolution_no, by: e.by.clone(), at });
        }
        LifeCycle::TicketReopened(_) => enter(t, Phase::Open),
        LifeCycle::TicketClosed(_) => enter(t, Phase::Closed),
        LifeCycle::TicketCancelled(_) => enter(t, Phase::Cancelled),
    }
}

fn ownership(t: &mut Ticket, event: &Ownership) {
    match event {
        Ownership::TicketRouted(e) => t.group.clone_from(&e.to_group),
        Ownership::TicketAssigned(e) => {
            t.assignee = Some(e.to.clone());
            t.group.clone_from(&e.group);
            t.stations = e.station_no;
        }
        Ownership::TicketUnassigned(_) => t.assignee = None,
        Ownership::TicketEscalated(e) => t.tier = e.to_tier,
        Ownership::TicketDeescalated(e) => t.tier = e.to_tier,
    }
}

fn classification(t: &mut Ticket, event: &Classification) {
    match event {
        Classification::PriorityChanged(e) => {
            t.priority = e.to;
            t.urgency = e.urgency;
            t.impact = e.impact;
        }
        Classification::CategoryChanged(e) => t.category.clone_from(&e.to),
        Classification::TagsChanged(e) => tags_changed(&mut t.tags, e),
        Classification::FieldChanged(e) => field_changed(t, e),
    }
}

/// Once noted, a fact of the clocks is not recorded a second time.
fn noted(t: &mut Ticket, event: &SlaEvent) {
    match event {
        SlaEvent::SlaWarned(e) => drop(t.facts.insert(key::warning(e.metric, e.instance, e.pct))),
        SlaEvent::SlaBreached(e) => drop(t.facts.insert(key::breach(e.metric, e.instance))),
        SlaEvent::SlaBreachVoided(e) => drop(t.facts.insert(key::void(e.metric, e.instance))),
        SlaEvent::TimeRuleFired(e) => key::note_rule(&mut t.facts, &e.rule, e.instance),
    }
}

fn created(t: &mut Ticket, e: &TicketCreated) {
    t.number = TicketNumber(e.number);
    t.phase = if e.assignee.is_some() { Phase::Open } else { Phase::New };
    t.stations = u32::from(e.assignee.is_some());
    t.group.clone_from(&e.group);
    t.assignee.clone_from(&e.assignee);
    t.tier = e.tier;
    t.category.clone_from(&e.category);
    t.urgency = e.urgency;
    t.impact = e.impact;
    t.priority = e.priority;
    t.tags.clone_from(&e.tags);
    t.fields = e.fields.iter().map(|(name, value)| (name.clone(), weight(value))).collect();
    t.requester.clone_from(&e.requester);
}

fn status_changed(t: &mut Ticket, e: &StatusChanged) {
    let phase = match e.to {
        TicketState::New => Phase::New,
        TicketState::Open => Phase::Open,
        TicketState::Pending => Phase::Pending,
        TicketState::Hold => Phase::Hold(e.hold_reason.unwrap_or(HoldReason::Internal)),
        TicketState::Resolved => Phase::Resolved,
        TicketState::Closed => Phase::Closed,
        TicketState::Cancelled => Phase::Cancelled,
    };
    enter(t, phase);
    t.custom_status.clone_from(&e.custom_status);
}

fn commented(t: &mut Ticket, e: &CommentAdded) {
    if e.visibility == Visibility::Public {
        match e.author_kind {
            AuthorKind::Requester => t.answered = false,
            AuthorKind::Agent => t.answered = true,
            AuthorKind::Bot | AuthorKind::System | AuthorKind::Peer | AuthorKind::ThirdParty => {}
        }
    }
}

/// In a time that grows with the tags, not with their square: an older log may hold any number of them.
fn tags_changed(tags: &mut Vec<String>, e: &TagsChanged) {
    if !e.removed.is_empty() {
        let removed: BTreeSet<&String> = e.removed.iter().collect();
        tags.retain(|tag| !removed.contains(tag));
    }
    let mut had: BTreeSet<&String> = tags.iter().collect();
    let added: Vec<String> = e.added.iter().filter(|tag| had.insert(tag)).cloned().collect();
    tags.extend(added);
}

fn field_changed(t: &mut Ticket, e: &FieldChanged) {
    match &e.to {
        Some(value) => drop(t.fields.insert(e.field.clone(), weight(value))),
        None => drop(t.fields.remove(&e.field)),
    }
}

fn weight(value: &FieldValue) -> u32 {
    u32::try_from(value.weight()).unwrap_or(u32::MAX)
}

fn enter(t: &mut Ticket, phase: Phase) {
    t.phase = phase;
    t.custom_status = None;
}
