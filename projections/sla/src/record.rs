//! What a record of the log means for the clocks of its ticket.

use std::collections::BTreeMap;

use guichet_config::{Attributes, Metric};
use guichet_rules::SLA_CALLER;
use guichet_rules::calendar::{END, FIRST};
use guichet_schemas::event::{
    Classification, ConfigEvent, Conversation, Event, FieldValue, LifeCycle, LogEvent, Ownership, SlaEvent,
    TicketCreated, TicketEvent,
};
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{AuthorKind, CloseReason, Origin, SlaMetric, TicketState, Visibility};

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
        if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(e))) = &record.event {
            ticket.describe(attributes(e), e.tier);
        }
        let imports =
            matches!(record.event, Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketImported(_))));
        ticket.told_by(record.command_id.0.as_u128(), imports.then_some(record.recorded_at));
        if matches!(
            record.event,
            Event::Sla(SlaEvent::SlaWarned(_))
                | Event::Sla(SlaEvent::SlaBreached(_))
                | Event::Sla(SlaEvent::TimeRuleFired(_))
        ) {
            ticket.advance(Timestamp(at.0.saturating_add(1)), book, facts);
        }
        let update = is_update(record).then_some(Happening::Updated);
        for happening in ticket.happenings(&record.event, record).into_iter().chain(update) {
            ticket.apply(at, &happening, book, facts);
        }
        ticket
    }

    fn happenings(&self, event: &Event, record: &Record) -> Vec<Happening> {
        let set = |name: &str, value: Option<&str>| {
            let values = value.map(str::to_owned).into_iter().collect();
            Happening::Changed(BTreeMap::from([(name.to_owned(), values)]))
        };
        match event {
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(e))) => {
                let assigned = e.assignee.is_some();
                let created = Happening::Created { outbound: e.origin == Origin::Agent, assigned };
                [created]
                    .into_iter()
                    .chain(assigned.then_some(Happening::Status(TicketState::Open)))
                    .collect()
            }
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::StatusChanged(e))) => {
                vec![Happening::Status(e.to)]
            }
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(_))) => {
                vec![Happening::Status(TicketState::Resolved)]
            }
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketReopened(_))) => {
                vec![Happening::Status(TicketState::Open)]
            }
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketClosed(e)))
                if e.reason == CloseReason::Merged =>
            {
                vec![Happening::Merged]
            }
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketClosed(_))) => {
                vec![Happening::Status(TicketState::Closed)]
            }
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCancelled(_))) => {
                vec![Happening::Status(TicketState::Cancelled)]
            }
            Event::Ticket(TicketEvent::Ownership(Ownership::TicketRouted(e))) => {
                vec![set("group", e.to_group.as_deref())]
            }
            // Whoever waited for somebody has waited under the promise of before.
            Event::Ticket(TicketEvent::Ownership(Ownership::TicketAssigned(e))) => {
                let mut changed = BTreeMap::from([("assignee".to_owned(), vec![e.to.clone()])]);
                changed.insert("group".to_owned(), e.group.iter().cloned().collect());
                vec![Happening::Assigned, Happening::Changed(changed)]
            }
            Event::Ticket(TicketEvent::Ownership(Ownership::TicketUnassigned(_))) => {
                vec![set("assignee", None), Happening::Unassigned]
            }
            Event::Ticket(TicketEvent::Ownership(Ownership::TicketEscalated(e))) => {
                vec![Happening::Tier(e.to_tier)]
            }
            Event::Ticket(TicketEvent::Ownership(Ownership::TicketDeescalated(e))) => {
                vec![Happening::Tier(e.to_tier)]
            }
            Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e)))
                if e.visibility == Visibility::Internal =>
            {
                Vec::new()
            }
            Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e)))
                if e.author_kind == AuthorKind::Requester =>
            {
                vec![Happening::RequesterComment]
            }
            Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) if e.counts_as_reply => {
                vec![Happening::PublicReply]
            }
            Event::Ticket(TicketEvent::Classification(Classification::PriorityChanged(e))) => {
                let mut changed = BTreeMap::from([word("priority", Some(e.to.as_str()))]);
                changed.extend([word("urgency", e.urgency.map(|word| word.as_str()))]);
                changed.extend([word("impact", e.impact.map(|word| word.as_str()))]);
                vec![Happening::Changed(changed)]
            }
            Event::Ticket(TicketEvent::Classification(Classification::CategoryChanged(e))) => {
                vec![set("category", e.to.as_deref())]
            }
            Event::Ticket(TicketEvent::Classification(Classification::TagsChanged(e))) => {
                let mut tags = self.attribute("tags").to_vec();
                tags.retain(|tag| !e.removed.contains(tag));
                let new: Vec<_> = e.added.iter().filter(|tag| !tags.contains(tag)).cloned().collect();
                tags.extend(new);
                vec![Happening::Changed(BTreeMap::from([("tags".to_owned(), tags)]))]
            }
            Event::Ticket(TicketEvent::Classification(Classification::FieldChanged(e))) => {
                let value = e.to.as_ref().map(text);
                vec![set(&format!("fields.{}", e.field), value.as_deref())]
            }
            Event::Sla(SlaEvent::SlaBreachVoided(e)) => vec![Happening::BreachVoided {
                metric: metric(e.metric),
                instance: e.instance,
                by: record.actor.id.clone(),
                reason: e.reason.clone(),
            }],
            Event::Ticket(TicketEvent::Conversation(_) | TicketEvent::LifeCycle(_))
            | Event::Log(_)
            | Event::Sla(_)
            | Event::Config(_) => Vec::new(),
        }
    }
}

/// True for what somebody did to a ticket that was there: what clocks and rules do ends no silence.
fn is_update(record: &Record) -> bool {
    let begins = matches!(
        record.event,
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(_)))
            | Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketImported(_)))
    );
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

/// The metric of a recorded fact.
#[must_use]
pub const fn metric(of: SlaMetric) -> Metric {
    match of {
        SlaMetric::FirstReply => Metric::FirstReply,
        SlaMetric::NextReply => Metric::NextReply,
        SlaMetric::Assignment => Metric::Assignment,
        SlaMetric::PeriodicUpdate => Metric::PeriodicUpdate,
        SlaMetric::PausableUpdate => Metric::PausableUpdate,
        SlaMetric::RequesterWait => Metric::RequesterWait,
        SlaMetric::AgentWork => Metric::AgentWork,
        SlaMetric::Resolution => Metric::Resolution,
        SlaMetric::TierTime => Metric::TierTime,
    }
}

/// The metric as a fact names it.
#[must_use]
pub const fn metric_word(of: Metric) -> SlaMetric {
    match of {
        Metric::FirstReply => SlaMetric::FirstReply,
        Metric::NextReply => SlaMetric::NextReply,
        Metric::Assignment => SlaMetric::Assignment,
        Metric::PeriodicUpdate => SlaMetric::PeriodicUpdate,
        Metric::PausableUpdate => SlaMetric::PausableUpdate,
        Metric::RequesterWait => SlaMetric::RequesterWait,
        Metric::AgentWork => SlaMetric::AgentWork,
        Metric::Resolution => SlaMetric::Resolution,
        Metric::TierTime => SlaMetric::TierTime,
    }
}
