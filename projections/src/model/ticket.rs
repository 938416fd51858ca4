//! The ticket view: one row per ticket, folded event by event.
//!
//! Times are those when something happened (`occurred_at`), so an imported ticket shows its own history.
//! The fold is total: whatever the log says happened, happened, and no sequence of events makes it panic.
//! What depends on the present instant is not in the row; [`answer`] adds it. Sealed texts stay sealed: the row keeps
//! which commands wrote them, and the query service opens them in the answer.

mod answers;
mod assistance;
mod attachments;
mod attributes;
mod confirmation;
mod fold;
mod merged;
mod moderation;
mod records;
mod redacted;
mod view;
mod work;

use guichet_schemas::codec::number_text;
use guichet_schemas::event::{
    Change, CommentAdded, Conversation, Event, LifeCycle, Meaning as _, Ownership, StatusChanged,
    TicketCreated, TicketEvent, TicketResolved,
};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{self, TicketLink, TicketView};
use guichet_schemas::words::{ConfirmedBy, TicketState, Visibility};

pub use fold::TICKET;
#[cfg(test)]
pub(crate) use fold::opened;
pub(crate) use merged::went;

/// The ticket after a record. `None` stands before its first.
#[must_use]
pub fn apply(row: Option<TicketView>, record: &Record) -> TicketView {
    let mut row = row.unwrap_or_default();
    if let Some(id) = record.ticket_id() {
        row.ticket_id = id.to_wire();
    }
    row.version = record.version.get();
    row.position = record.position.get();
    // What a timer found may come late, with its own instant.
    row.updated_at = row.updated_at.max(record.occurred_at.0);
    match &record.event {
        Event::Ticket(event) => changed(&mut row, event, record),
        // Its clocks are a read model of their own; the others are not about a ticket.
        Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => {}
    }
    row
}

/// The state of a row; `None` before its creation was folded.
#[must_use]
pub fn state(row: &TicketView) -> Option<TicketState> {
    TicketState::from_wire(row.state).ok()
}

/// The row as an answer that holds at `now`.
#[must_use]
pub fn answer(mut row: TicketView, now: Timestamp) -> TicketView {
    row.age_ms = Some(now.since(Timestamp(row.created_at)));
    row.time_in_state_ms = Some(now.since(Timestamp(row.state_since)));
    if let Some(state) = state(&row) {
        let allowed = match merged::went(&row) {
            Some(_) => guichet_rules::allowed_when_merged().to_vec(),
            None => guichet_rules::allowed_verbs(state),
        };
        row.allowed_verbs = allowed.into_iter().map(str::to_owned).collect();
        row.next_due_at = row.due_at.filter(|_| !state.is_done());
    }
    work::claim_at(&mut row, now);
    row
}

fn changed(row: &mut TicketView, event: &TicketEvent, record: &Record) {
    event.changes(|change| take(row, change));
    match event {
        TicketEvent::LifeCycle(event) => life_cycle(row, event, record),
        TicketEvent::Ownership(Ownership::TicketEscalated(_)) => count(&mut row.escalations),
        TicketEvent::Ownership(Ownership::TicketDeescalated(_)) => count(&mut row.deescalations),
        TicketEvent::Conversation(Conversation::CommentAdded(e)) => commented(row, e),
        TicketEvent::Conversation(Conversation::ReopenHeld(_)) => {
            row.reopen_held_at = row.reopen_held_at.or(Some(record.occurred_at.0));
        }
        TicketEvent::Confirmation(event) => confirmation::take(row, event, record),
        TicketEvent::Conversation(Conversation::CallLogged(e)) => work::called(row, e),
        TicketEvent::Conversation(Conversation::ChannelSwitched(_)) => {}
        TicketEvent::Satisfaction(event) => work::asked(row, event, record),
        TicketEvent::Work(event) => work::take(row, event),
        TicketEvent::Relations(event) => merged::take(row, event, record),
        TicketEvent::Moderation(event) => moderation::take(row, event, record),
        TicketEvent::Assistance(event) => assistance::take(row, event, record),
        TicketEvent::Attachments(event) => attachments::take(row, event, record),
        // Beside what they change, they leave nothing in the row.
        TicketEvent::Ownership(_) | TicketEvent::Classification(_) => {}
    }
}

/// An attribute that becomes another, whichever event says so.
fn take(row: &mut TicketView, change: Change<'_>) {
    match change {
        Change::Group(to) => set_group(row, to),
        Change::Assignee { to, .. } => set_assignee(row, to),
        Change::Tier { to, .. } => set_tier(row, to),
        Change::Priority { to, .. } => row.priority = to.to_wire(),
        Change::Urgency(to) => row.urgency = to.to_wire(),
        Change::Impact(to) => row.impact = to.to_wire(),
        Change::Type { to, .. } => row.r#type = to.to_wire(),
        Change::Category { to, .. } => row.category = to.map(str::to_owned),
        Change::Tags { added, removed } => attributes::names(&mut row.tags, added, removed),
        Change::Field { name, to, .. } => attributes::field(row, name, to),
        Change::DueAt(to) => row.due_at = to.to_wire(),
        Change::Claim(to) => work::claimed(row, to),
        Change::Participants { added, removed } => attributes::names(&mut row.participants, added, removed),
        Change::Restriction { to, .. } => row.restricted_to = to.to_vec(),
        Change::Channel { to, .. } => row.channel = to.to_wire(),
        Change::Link { other, number, kind, from_other, comes } => {
            let link = TicketLink {
                ticket_id: other.to_wire(),
                number: number_text(number),
                kind: kind.to_wire(),
                from_other,
            };
            attributes::link(row, link, comes);
        }
    }
}

fn life_cycle(row: &mut TicketView, event: &LifeCycle, record: &Record) {
    let at = record.occurred_at;
    match event {
        LifeCycle::TicketCreated(e) => {
            created(row, e, at);
            row.created_command_id = Some(record.command_id.to_wire());
        }
        LifeCycle::TicketImported(_) => {
            row.imported = true;
            row.external_ref = record.event.external_ref().to_wire();
        }
        LifeCycle::StatusChanged(e) => status_changed(row, e, at),
        LifeCycle::TicketResolved(e) => resolved(row, e, record),
        LifeCycle::TicketReopened(_) => {
            enter(row, TicketState::Open, at);
            row.merged_into.clear();
            // Of a resolution that did not hold, only its times are left.
            row.resolution = None;
            count(&mut row.reopen_count);
        }
        LifeCycle::TicketClosed(_) => {
            // Closing what is closed is no entry into closed.
            if state(row) != Some(TicketState::Closed) {
                row.closed_at = Some(at.0);
            }
            enter(row, TicketState::Closed, at);
            count(&mut row.close_count);
        }
        LifeCycle::TicketCancelled(_) => {
            enter(row, TicketState::Cancelled, at);
            row.cancelled_at = Some(at.0);
        }
    }
}

fn created(row: &mut TicketView, e: &TicketCreated, at: Timestamp) {
    if let Some(state) = e.enters() {
        enter(row, state, at);
    }
    let e = e.clone();
    row.created_at = at.0;
    row.number = number_text(e.number);
    row.subject = e.subject.to_wire();
    row.description = e.description.to_wire();
    row.requester = e.requester;
    row.requester_kind = e.requester_kind.to_wire();
    row.requester_name = e.requester_name.to_wire();
    row.requester_email = e.requester_email.to_wire();
    row.requester_phone = e.requester_phone.to_wire();
    row.channel = e.channel.to_wire();
    row.origin = e.origin.to_wire();
    row.r#type = e.r#type.to_wire();
    row.category = e.category;
    row.urgency = e.urgency.to_wire();
    row.impact = e.impact.to_wire();
    row.priority = e.priority.to_wire();
    row.tags = e.tags;
    // What the creation carries is the first value, not a change.
    row.group = e.group;
    row.assignee = e.assignee;
    set_tier(row, e.tier);
    row.product = e.product;
    row.brand = e.brand;
    row.language = e.language;
    row.organisation = e.organisation;
    // The import has said where the ticket is from; the creation in its history need not say it again.
    row.external_ref = e.external_ref.to_wire().or(row.external_ref.take());
    row.fields = e.fields.to_wire();
    row.due_at = e.due_at.to_wire();
    row.synthetic = e.synthetic;
    row.restricted_to = e.restricted_to;
}

fn status_changed(row: &mut TicketView, e: &StatusChanged, at: Timestamp) {
    enter(row, e.to, at);
    row.custom_status.clone_from(&e.custom_status);
    row.hold_reason = e.hold_reason.to_wire();
    row.expected_until = e.expected_until.to_wire();
}

fn resolved(row: &mut TicketView, e: &TicketResolved, record: &Record) {
    let at = record.occurred_at;
    enter(row, TicketState::Resolved, at);
    row.first_resolved_at = row.first_resolved_at.or(Some(at.0));
    row.last_resolved_at = Some(at.0);
    count(&mut row.resolve_count);
    row.awaiting_confirmation = e.confirmed_by == ConfirmedBy::None;
    row.resolution = Some(wire::ResolutionView {
        by: e.by.clone(),
        code: e.code.to_wire(),
        summary: e.summary.clone().to_wire(),
        resolution_no: e.resolution_no,
        command_id: Some(record.command_id.to_wire()),
    });
}

fn commented(row: &mut TicketView, e: &CommentAdded) {
    match e.visibility {
        Visibility::Public => count(&mut row.public_comments),
        Visibility::Internal => count(&mut row.internal_comments),
    }
}

/// A new state begins without the marks of the old one.
fn enter(row: &mut TicketView, to: TicketState, at: Timestamp) {
    if state(row) != Some(to) {
        row.state_since = at.0;
    }
    row.state = to.to_wire();
    row.custom_status = None;
    row.hold_reason = None;
    row.expected_until = None;
    row.reopen_held_at = None;
    row.awaiting_confirmation = false;
    if to.is_done() {
        row.proposal = None;
    }
}

fn set_group(row: &mut TicketView, to: Option<&str>) {
    if row.group.as_deref() != to {
        row.group = to.map(str::to_owned);
        count(&mut row.group_changes);
    }
}

fn set_assignee(row: &mut TicketView, to: Option<&str>) {
    if row.assignee.as_deref() != to {
        row.assignee = to.map(str::to_owned);
        count(&mut row.agent_changes);
    }
}

fn set_tier(row: &mut TicketView, to: u32) {
    row.tier = to;
    row.max_tier = row.max_tier.max(to);
}

fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

#[cfg(test)]
#[path = "ticket_tests.rs"]
mod tests;
