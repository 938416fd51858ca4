//! The verb `create`.

use std::collections::BTreeSet;

use guichet_schemas::command::{Command, Create};
use guichet_schemas::event::TicketCreated;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::text::Label;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, Origin, Priority, TicketType};

use super::shared::{have_members, may_get, sees_it};
use super::{Begin, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;

/// Where every ticket begins.
const ENTRY_TIER: u32 = 1;

impl Begin for Create {
    fn begin(
        &self,
        ticket: Option<&Ticket>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        if ticket.is_some() {
            return Err(exists(command));
        }
        if let Some(of) = context.external_ref_of {
            return Err(Rejection::Duplicate { of });
        }
        if let Some(agent) = &self.assignee {
            may_get(
                agent.as_str(),
                (self.group.as_ref().map(Label::as_str), ENTRY_TIER),
                command,
                None,
                context,
            )?;
        }
        have_members(&self.restricted_to, context)?;
        let restricted_to: BTreeSet<String> =
            self.restricted_to.iter().map(|group| group.as_str().to_owned()).collect();
        if let Some(agent) = &self.assignee {
            sees_it(agent.as_str(), &restricted_to, context)?;
        }
        let text = |l: &Label| l.as_str().to_owned();
        let mut tags: Vec<String> = Vec::new();
        for tag in &self.tags {
            if !tags.iter().any(|t| t == tag.as_str()) {
                tags.push(tag.as_str().to_owned());
            }
        }
        Ok(vec![Draft::of(TicketCreated {
            number: context.next_number.0,
            subject: self.subject.clone().into(),
            description: self.description.clone().into(),
            requester: text(&self.requester.id),
            requester_kind: self.requester.kind,
            requester_name: self.requester.name.clone().map(Into::into),
            requester_email: self.requester.email.clone().map(Into::into),
            requester_phone: self.requester.phone.clone().map(Into::into),
            channel: self.channel,
            origin: self.origin.unwrap_or_else(|| origin(command)),
            r#type: self.r#type.unwrap_or(TicketType::Incident),
            category: self.category.as_ref().map(|c| c.as_str().to_owned()),
            urgency: self.urgency,
            impact: self.impact,
            priority: self.priority.unwrap_or(Priority::Normal),
            tags,
            group: self.group.as_ref().map(text),
            assignee: self.assignee.as_ref().map(text),
            tier: ENTRY_TIER,
            product: self.product.as_ref().map(text),
            brand: self.brand.as_ref().map(text),
            language: self.language.as_ref().map(text),
            organisation: self.organisation.as_ref().map(text),
            external_ref: self.external_ref.clone(),
            fields: self.fields.clone(),
            due_at: self.due_at,
            synthetic: self.synthetic,
            restricted_to: restricted_to.into_iter().collect(),
        })])
    }
}

impl Fold for TicketCreated {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.begin(self);
    }

    fn complete(&mut self, _: &Ticket, replayed: &Replayed<'_>) {
        self.number = replayed.context.next_number.0;
    }
}

/// Who noticed first, where nobody says so.
pub(super) const fn origin(command: &Command) -> Origin {
    match command.actor.kind {
        ActorKind::Requester => Origin::Requester,
        ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin => Origin::Agent,
        ActorKind::Bot | ActorKind::Service | ActorKind::System => Origin::System,
    }
}

/// A second create: the engine, which knows the version, completes the numbers.
pub(super) fn exists(command: &Command) -> Rejection {
    Rejection::VersionConflict {
        expected: command.expected_version.unwrap_or(0),
        actual: 0,
        missed: Vec::new(),
        missed_count: 0,
    }
}
