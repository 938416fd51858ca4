//! What a record of the log means for the clocks of its ticket.

use guichet_config::Attributes;
use guichet_rules::SLA_CALLER;
use guichet_rules::calendar::{END, FIRST};
use guichet_schemas::event::{
    Change, CommentAdded, Confirmation, Conversation, Event, FieldValue, LifeCycle, Meaning as _, Ownership,
    SlaEvent, TicketCreated, TicketEvent,
};
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{AuthorKind, CloseReason, Origin, TicketState, Visibility};

use crate::fact::Fact;
use crate::rulebook::Rulebook;
use crate::ticket::{Happening, Ticket};

impl Ticket {
    /// Folds a record into a ticket; `None` stands before the first. What it finds on the way comes to the facts.
    ///
    /// A fact that a timer found carries the timer's instant: everything up to it is done, and it included.
    #[must_use]
    pub fn fold(ticket: Option<Self>, record: &Record, book: &Rulebook, facts: &mut Vec<Fact>) -> Self {
        let mut ticket = ticket.unwrap_or_else(|| Self::new(Attributes::new(), 1, book));
        // A log may hold any instant; clocks know those of which calendars know something.
        let at = record.occurred_at.clamp(FIRST, END);
        if let Some(e) = record.event.created() {
            ticket.describe(attributes(e), e.tier);
        }
        let import = record.event.imported().map(|e| (record.recorded_at, e.replies_complete));
        ticket.told_by(record.command_id.0.as_u128(), import);
        if matches!(
            record.event,
            Event::Sla(SlaEvent::SlaWarned(_) | SlaEvent::SlaBreached(_) | SlaEvent::TimeRuleFired(_))
        ) {
            ticket.advance(Timestamp(at.0.saturating_add(1)), book, facts);
        }
        let update = is_update(record).then_some(Happening::Updated);
        for happening in ticket.happenings(record).into_iter().chain(update) {
            ticket.apply(at, &happening, book, facts);
        }
        ticket
    }

    fn happenings(&self, record: &Record) -> Vec<Happening> {
        match &record.event {
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(e))) => created(e),
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketClosed(e)))
                if e.reason == CloseReason::Merged =>
            {
                vec![Happening::Merged]
            }
            Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) => {
                commented(e).into_iter().chain(answers(e).then_some(Happening::Proposed(false))).collect()
            }
            Event::Ticket(TicketEvent::Confirmation(event)) => vec![Happening::Proposed(match event {
                Confirmation::ResolutionProposed(_) => true,
                Confirmation::ResolutionConfirmed(_) | Confirmation::ResolutionRejected(_) => false,
            })],
            Event::Ticket(event) => self.described(event),
            Event::Sla(SlaEvent::SlaBreachVoided(e)) => vec![Happening::BreachVoided {
                metric: e.metric,
                instance: e.instance,
                by: record.actor.id.clone(),
                reason: e.reason.clone(),
            }],
            Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => Vec::new(),
        }
    }

    /// The effects on clocks that an event describes itself: changed attributes, tier, state.
    fn described(&self, event: &TicketEvent) -> Vec<Happening> {
        let mut changed = Attributes::new();
        let mut tier = None;
        event.changes(|change| match change {
            Change::Tier { to, .. } => tier = Some(Happening::Tier(to)),
            Change::Group(to) => changed.extend([word("group", to)]),
            Change::Assignee { to, .. } => changed.extend([word("assignee", to)]),
            Change::Priority { to, .. } => changed.extend([word("priority", Some(to.as_str()))]),
            Change::Urgency(to) => changed.extend([word("urgency", to.map(|word| word.as_str()))]),
            Change::Impact(to) => changed.extend([word("impact", to.map(|word| word.as_str()))]),
            Change::Type { to, .. } => changed.extend([word("type", Some(to.as_str()))]),
            Change::Category { to, .. } => changed.extend([word("category", to)]),
            Change::Tags { added, removed } => {
                changed.extend([("tags".to_owned(), self.tags_after(added, removed))]);
            }
            Change::Field { name, to, .. } => {
                changed.extend([word(&format!("fields.{name}"), to.map(text).as_deref())]);
            }
            // No condition reads it, and no clock counts by it: it is a promise of somebody, not of a policy.
            Change::DueAt(_) => {}
            Change::Channel { to, .. } => changed.extend([word("channel", Some(to.as_str()))]),
            // Who works on it, and who reads along, is no promise.
            Change::Claim(_) | Change::Participants { .. } | Change::Restriction { .. } => {}
            // What becomes of another ticket moves no clock of this one.
            Change::Link { .. } => {}
        });
        let changed = (!changed.is_empty()).then_some(Happening::Changed(changed));
        // Whoever waited for somebody has waited under the promise of before.
        let (before, after) = match event {
            TicketEvent::Ownership(Ownership::TicketAssigned(_)) => (Some(Happening::Assigned), None),
            TicketEvent::Ownership(Ownership::TicketUnassigned(_)) => (None, Some(Happening::Unassigned)),
            TicketEvent::LifeCycle(_)
            | TicketEvent::Ownership(_)
            | TicketEvent::Conversation(_)
            | TicketEvent::Relations(_)
            | TicketEvent::Confirmation(_)
            | TicketEvent::Classification(_)
            | TicketEvent::Satisfaction(_)
            | TicketEvent::Work(_)
            | TicketEvent::Attachments(_)
            // Whoever takes an answer back had given it: clocks start where a requester asks, and nowhere else.
            | TicketEvent::Moderation(_)
            // Words beside the conversation with the requester answer nobody.
            | TicketEvent::Assistance(_) => (None, None),
        };
        let entered = event.enters().map(Happening::Status);
        [before, changed, tier, after, entered].into_iter().flatten().collect()
    }

    fn tags_after(&self, added: &[String], removed: &[String]) -> Vec<String> {
        let mut tags = self.attribute("tags").to_vec();
        tags.retain(|tag| !removed.contains(tag));
        let new: Vec<_> = added.iter().filter(|tag| !tags.contains(tag)).cloned().collect();
        tags.extend(new);
        tags
    }
}

fn created(e: &TicketCreated) -> Vec<Happening> {
    let assigned = e.assignee.is_some();
    let created = Happening::Created { outbound: e.origin == Origin::Agent, assigned };
    [created].into_iter().chain(assigned.then_some(Happening::Status(TicketState::Open))).collect()
}

fn commented(e: &CommentAdded) -> Option<Happening> {
    if e.visibility == Visibility::Internal {
        None
    } else if e.author_kind == AuthorKind::Requester {
        Some(Happening::RequesterComment)
    } else {
        e.counts_as_reply.then_some(Happening::PublicReply)
    }
}

/// True for a message of the requester that is more than a thank-you.
fn answers(e: &CommentAdded) -> bool {
    e.visibility == Visibility::Public && e.author_kind == AuthorKind::Requester && !e.no_reopen
}

/// True for what somebody did to a ticket that was there: what clocks and rules do ends no silence, and neither does who
/// means to do something.
fn is_update(record: &Record) -> bool {
    let begins = record.event.created().is_some() || record.event.imported().is_some();
    let claims = matches!(
        record.event,
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketClaimed(_) | Ownership::ClaimReleased(_)))
    );
    !begins && !claims && record.caller != SLA_CALLER
}

/// The attributes that conditions read, of a new ticket.
fn attributes(e: &TicketCreated) -> Attributes {
    let mut all = Attributes::from([
        word("priority", Some(e.priority.as_str())),
        word("type", Some(e.r#type.as_str())),
        word("category", e.category.as_deref()),
        word("channel", Some(e.channel.as_str())),
        word("origin", Some(e.origin.as_str())),
        word("urgency", e.urgency.map(|word| word.as_str())),
        word("impact", e.impact.map(|word| word.as_str())),
        word("requester_kind", e.requester_kind.map(|word| word.as_str())),
        word("organisation", e.organisation.as_deref()),
        word("product", e.product.as_deref()),
        word("brand", e.brand.as_deref()),
        word("language", e.language.as_deref()),
        ("tags".to_owned(), e.tags.clone()),
        word("group", e.group.as_deref()),
        word("assignee", e.assignee.as_deref()),
    ]);
    all.extend(e.fields.iter().map(|(name, value)| (format!("fields.{name}"), vec![text(value)])));
    all.retain(|_, values| !values.is_empty());
    all
}

fn word(name: &str, value: Option<&str>) -> (String, Vec<String>) {
    (name.to_owned(), value.map(str::to_owned).into_iter().collect())
}

fn text(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => text.clone(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Flag(flag) => flag.to_string(),
    }
}
