//! What a record of the log means for the clocks of its ticket.

use guichet_config::Attributes;
use guichet_rules::SLA_CALLER;
use guichet_rules::calendar::{END, FIRST};
use guichet_schemas::event::{
    Classification, CommentAdded, Conversation, Event, FieldValue, LifeCycle, Ownership, SlaEvent,
    TicketCreated, TicketEvent,
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
        let imported_at = record.event.imported().map(|_| record.recorded_at);
        ticket.told_by(record.command_id.0.as_u128(), imported_at);
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
            Event::Ticket(TicketEvent::LifeCycle(event)) => life_cycle(event),
            Event::Ticket(TicketEvent::Ownership(event)) => ownership(event),
            Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) => {
                commented(e).into_iter().collect()
            }
            Event::Ticket(TicketEvent::Classification(event)) => {
                self.classification(event).into_iter().map(Happening::Changed).collect()
            }
            Event::Sla(SlaEvent::SlaBreachVoided(e)) => vec![Happening::BreachVoided {
                metric: e.metric,
                instance: e.instance,
                by: record.actor.id.clone(),
                reason: e.reason.clone(),
            }],
            Event::Log(_) | Event::Sla(_) | Event::Config(_) => Vec::new(),
        }
    }

    /// The attributes that become others.
    fn classification(&self, event: &Classification) -> Option<Attributes> {
        let changed = if let Classification::PriorityChanged(e) = event {
            Attributes::from([
                word("priority", Some(e.to.as_str())),
                word("urgency", e.urgency.map(|word| word.as_str())),
                word("impact", e.impact.map(|word| word.as_str())),
            ])
        } else if let Classification::CategoryChanged(e) = event {
            Attributes::from([word("category", e.to.as_deref())])
        } else if let Classification::TagsChanged(e) = event {
            let mut tags = self.attribute("tags").to_vec();
            tags.retain(|tag| !e.removed.contains(tag));
            let new: Vec<_> = e.added.iter().filter(|tag| !tags.contains(tag)).cloned().collect();
            tags.extend(new);
            Attributes::from([("tags".to_owned(), tags)])
        } else if let Classification::FieldChanged(e) = event {
            let value = e.to.as_ref().map(text);
            Attributes::from([word(&format!("fields.{}", e.field), value.as_deref())])
        } else {
            return None;
        };
        Some(changed)
    }
}

fn life_cycle(event: &LifeCycle) -> Vec<Happening> {
    match event {
        LifeCycle::TicketCreated(e) => {
            let created =
                Happening::Created { outbound: e.origin == Origin::Agent, assigned: e.assignee.is_some() };
            let first = e.first_state();
            [created]
                .into_iter()
                .chain((first != TicketState::New).then_some(Happening::Status(first)))
                .collect()
        }
        LifeCycle::TicketImported(_) => Vec::new(),
        LifeCycle::StatusChanged(e) => vec![Happening::Status(e.to)],
        LifeCycle::TicketResolved(_) => vec![Happening::Status(TicketState::Resolved)],
        LifeCycle::TicketReopened(_) => vec![Happening::Status(TicketState::Open)],
        LifeCycle::TicketClosed(e) => vec![match e.reason {
            CloseReason::Resolved => Happening::Status(TicketState::Closed),
            CloseReason::Merged => Happening::Merged,
        }],
        LifeCycle::TicketCancelled(_) => vec![Happening::Status(TicketState::Cancelled)],
    }
}

fn ownership(event: &Ownership) -> Vec<Happening> {
    match event {
        Ownership::TicketRouted(e) => {
            vec![Happening::Changed(Attributes::from([word("group", e.to_group.as_deref())]))]
        }
        // Whoever waited for somebody has waited under the promise of before.
        Ownership::TicketAssigned(e) => {
            let changed = [word("assignee", Some(&e.to)), word("group", e.group.as_deref())];
            vec![Happening::Assigned, Happening::Changed(Attributes::from(changed))]
        }
        Ownership::TicketUnassigned(_) => {
            vec![Happening::Changed(Attributes::from([word("assignee", None)])), Happening::Unassigned]
        }
        Ownership::TicketEscalated(e) => vec![Happening::Tier(e.to_tier)],
        Ownership::TicketDeescalated(e) => vec![Happening::Tier(e.to_tier)],
    }
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

/// True for what somebody did to a ticket that was there: what clocks and rules do ends no silence.
fn is_update(record: &Record) -> bool {
    let begins = record.event.created().is_some() || record.event.imported().is_some();
    !begins && record.caller != SLA_CALLER
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
