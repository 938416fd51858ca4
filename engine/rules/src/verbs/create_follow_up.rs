//! The verb `create_follow_up`, and the follow-up that a message to a closed ticket begins.

use guichet_schemas::command::{Command, CreateFollowUp};
use guichet_schemas::event::{Event, FollowUpCreated, Personal, TicketCreated, TicketsLinked};
use guichet_schemas::ids::TicketId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{LinkKind, Priority, StatusCause};

use super::create::{exists, origin};
use super::shared::sees_it;
use super::{Begin, Fold};
use crate::beside::Other;
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Begin for CreateFollowUp {
    fn begin(
        &self,
        ticket: Option<&Ticket>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        if ticket.is_some() {
            return Err(exists(command));
        }
        let other =
            context.other.ok_or_else(|| Rejection::NotFound { what: format!("ticket {}", self.of) })?;
        if let Some(agent) = &self.assignee {
            sees_it(agent.as_str(), &other.ticket.restricted_to, context)?;
        }
        require(&other.ticket, &command.order)?;
        let created = follow_up(other, command, context)?;
        let created = TicketCreated {
            subject: self.subject.clone().map_or(created.subject, Into::into),
            description: self.description.clone().map_or(created.description, Into::into),
            group: self.group.as_ref().map(|group| group.as_str().to_owned()).or(created.group),
            assignee: self.assignee.as_ref().map(|agent| agent.as_str().to_owned()),
            ..created
        };
        let told = told(other.id, context, StatusCause::Command);
        Ok(vec![Draft::at(other.id, told), Draft::of(created), Draft::of(linked(other))])
    }
}

impl Fold for FollowUpCreated {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.follow_up = Some(self.new_ticket);
        ticket.links.insert((self.new_ticket, LinkKind::FollowUp, true));
    }
}

/// What the closed ticket tells of the one that goes on.
pub(super) fn told(of: TicketId, context: &Context<'_>, cause: StatusCause) -> FollowUpCreated {
    FollowUpCreated { of, new_ticket: context.fresh, new_number: context.next_number.0, cause }
}

/// What the new ticket tells of the closed one.
pub(super) fn linked(other: &Other) -> TicketsLinked {
    TicketsLinked {
        other: other.id,
        other_number: other.ticket.number.0,
        kind: LinkKind::FollowUp,
        from_other: false,
    }
}

/// A ticket that goes on where another ended: what it is about and for whom, and in the same queue, or nobody would look
/// at it. How urgent it is and who does it is said anew.
pub(super) fn follow_up(
    other: &Other,
    command: &Command,
    context: &Context<'_>,
) -> Result<TicketCreated, Rejection> {
    let of = &other.ticket;
    let missing = || Rejection::NotFound { what: format!("the creation of ticket {}", of.number) };
    let first = other.event.as_ref().and_then(Event::created).ok_or_else(missing)?;
    let nameless = || Personal::Plain(format!("Follow-up of {}", of.number));
    let open = |text: &Personal| matches!(text, Personal::Plain(_)).then(|| text.clone());
    let may_open = |text: &Option<Personal>| text.as_ref().and_then(open);
    Ok(TicketCreated {
        number: context.next_number.0,
        subject: open(&first.subject).unwrap_or_else(nameless),
        description: open(&first.description).unwrap_or_else(nameless),
        requester: of.requester.clone(),
        requester_kind: first.requester_kind,
        requester_name: may_open(&first.requester_name),
        requester_email: may_open(&first.requester_email),
        requester_phone: may_open(&first.requester_phone),
        channel: command.channel.unwrap_or(first.channel),
        origin: origin(command),
        r#type: of.r#type,
        category: of.category.clone(),
        urgency: None,
        impact: None,
        priority: Priority::Normal,
        tags: of.tags.clone(),
        group: of.group.clone(),
        assignee: None,
        tier: 1,
        product: first.product.clone(),
        brand: first.brand.clone(),
        language: first.language.clone(),
        organisation: first.organisation.clone(),
        external_ref: None,
        fields: of.fields.clone(),
        due_at: None,
        synthetic: first.synthetic,
        restricted_to: of.restricted_to.iter().cloned().collect(),
    })
}
