//! What a ticket is after an event. Total: whatever the log says happened, happened.

use std::collections::BTreeSet;

use guichet_schemas::event::{
    Classification, ConfigEvent, Conversation, Event, FieldChanged, FieldValue, LifeCycle, LogEvent,
    Ownership, SlaEvent, StatusChanged, TagsChanged, TicketCreated, TicketEvent,
};
use guichet_schemas::ids::TicketNumber;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{AuthorKind, HoldReason, TicketState, Visibility};

use crate::clocks::key;
use crate::state::{ImportProgress, LastResolution, Phase, Ticket};

/// Folds one event that occurred at `occurred_at` into a ticket; `None` stands before the first.
#[must_use]
pub fn evolve(ticket: Option<Ticket>, event: &Event, occurred_at: Timestamp) -> Ticket {
    let mut t = ticket.unwrap_or_else(Ticket::blank);
    if !is_found(event) {
        t.last_occurred_at = t.last_occurred_at.max(occurred_at);
    }
    let before = t.state();
    match event {
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(e))) => created(&mut t, e),
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketImported(e))) => {
            t.import = Some(ImportProgress { done: e.part, parts: e.parts })
        }
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::StatusChanged(e))) => status_changed(&mut t, e),
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(e))) => {
            enter(&mut t, Phase::Resolved);
            t.last_resolution =
                Some(LastResolution { number: e.resolution_no, by: e.by.clone(), at: occurred_at });
        }
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketReopened(_))) => enter(&mut t, Phase::Open),
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketClosed(_))) => enter(&mut t, Phase::Closed),
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCancelled(_))) => {
            enter(&mut t, Phase::Cancelled)
        }
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketRouted(e))) => t.group.clone_from(&e.to_group),
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketAssigned(e))) => {
            t.assignee = Some(e.to.clone());
            t.group.clone_from(&e.group);
            t.stations = e.station_no;
        }
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketUnassigned(_))) => t.assignee = None,
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketEscalated(e))) => t.tier = e.to_tier,
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketDeescalated(e))) => t.tier = e.to_tier,
        Event::Ticket(TicketEvent::Classification(Classification::PriorityChanged(e))) => {
            t.priority = e.to;
            t.urgency = e.urgency;
            t.impact = e.impact;
        }
        Event::Ticket(TicketEvent::Classification(Classification::CategoryChanged(e))) => {
            t.category.clone_from(&e.to)
        }
        Event::Ticket(TicketEvent::Classification(Classification::TagsChanged(e))) => {
            tags_changed(&mut t.tags, e)
        }
        Event::Ticket(TicketEvent::Classification(Classification::FieldChanged(e))) => {
            field_changed(&mut t, e)
        }
        Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e)))
            if e.visibility == Visibility::Public =>
        {
            match e.author_kind {
                AuthorKind::Requester => t.answered = false,
                AuthorKind::Agent => t.answered = true,
                AuthorKind::Bot | AuthorKind::System | AuthorKind::Peer | AuthorKind::ThirdParty => {}
            }
        }
        Event::Sla(SlaEvent::SlaWarned(e)) => drop(t.facts.insert(key::warning(e.metric, e.instance, e.pct))),
        Event::Sla(SlaEvent::SlaBreached(e)) => drop(t.facts.insert(key::breach(e.metric, e.instance))),
        Event::Sla(SlaEvent::SlaBreachVoided(e)) => drop(t.facts.insert(key::void(e.metric, e.instance))),
        Event::Sla(SlaEvent::TimeRuleFired(e)) => key::note_rule(&mut t.facts, &e.rule, e.instance),
        // No decision depends on these.
        Event::Ticket(TicketEvent::Conversation(_)) | Event::Log(_) | Event::Config(_) => {}
    }
    if t.state() != before
        || matches!(event, Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(_))))
    {
        t.state_since = occurred_at;
    }
    t
}

/// True for what a timer found: it has the instant of the timer, and may come after what happened later.
const fn is_found(event: &Event) -> bool {
    matches!(
        event,
        Event::Sla(SlaEvent::SlaWarned(_))
            | Event::Sla(SlaEvent::SlaBreached(_))
            | Event::Sla(SlaEvent::TimeRuleFired(_))
    )
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
