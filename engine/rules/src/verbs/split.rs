//! The verb `split`.

use guichet_schemas::command::{Command, Split, limits};
use guichet_schemas::event::{CommentCopied, TicketCreated, TicketSplit, TicketsLinked};
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{LinkKind, Visibility};

use super::create_follow_up::follow_up;
use super::merge::{bounded, said};
use super::shared::of_the_desk;
use super::{Decide, Fold};
use crate::beside::Other;
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for Split {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        require(ticket, &command.order)?;
        let missing = || Rejection::NotFound { what: format!("ticket {}", ticket.number) };
        let own = context.others.first().ok_or_else(missing)?;
        has_room(ticket)?;
        // Its first words are those of the ticket, and stay.
        let mut copies: Vec<CommentCopied> = said(own).skip(1).collect();
        bounded(&[own], std::slice::from_ref(&copies))?;
        let at = copies.iter().position(|copy| copy.comment_id == self.from_comment);
        let at = at.ok_or_else(|| Rejection::NotFound {
            what: format!("a comment of ticket {} with this id", ticket.number),
        })?;
        let mut copies = copies.drain(at..);
        let first = copies.next().ok_or_else(missing)?;
        if first.visibility == Visibility::Internal {
            let rule = "must be a public comment: it becomes what the requester said";
            return Err(FieldError::new("data.from_comment", rule).into());
        }
        let new = context.fresh;
        let comment_count = u32::try_from(copies.len()).unwrap_or(u32::MAX).saturating_add(1);
        let told = TicketSplit {
            new_ticket: new,
            new_number: context.next_number.0,
            from_comment: self.from_comment,
            comment_count,
        };
        let created = created(self, own, first, command, context)?;
        let tied = TicketsLinked {
            other: own.id,
            other_number: ticket.number.0,
            kind: LinkKind::Relates,
            from_other: false,
        };
        let begins = [Draft::of(told), Draft::at(new, created), Draft::at(new, tied)];
        Ok(begins.into_iter().chain(copies.map(|copy| Draft::at(new, copy))).collect())
    }
}

fn has_room(ticket: &Ticket) -> Result<(), Rejection> {
    if ticket.links.len() < limits::LINKS {
        return Ok(());
    }
    let message = format!("ticket {} has {} links, the most; unlink it first", ticket.number, limits::LINKS);
    Err(Rejection::GuardFailed { guard: "links", message })
}

/// The other ticket: in the same queue, for whoever said what it begins with.
fn created(
    order: &Split,
    own: &Other,
    first: CommentCopied,
    command: &Command,
    context: &Context<'_>,
) -> Result<TicketCreated, Rejection> {
    let event = own.said.first().map(|past| past.event.clone());
    let other = Other { event, said: Vec::new(), ..own.clone() };
    let of = follow_up(&other, command, context)?;
    let origin = other.event.as_ref().and_then(|event| event.created()).map_or(of.origin, |e| e.origin);
    let known = first.requester == of.requester;
    Ok(TicketCreated {
        subject: order.subject.clone().into(),
        description: first.body,
        channel: first.channel.unwrap_or(of.channel),
        origin,
        // It came with another ticket, by a merge: nothing more is known of its requester here.
        requester_kind: of.requester_kind.filter(|_| known),
        requester_name: of.requester_name.filter(|_| known),
        requester_email: of.requester_email.filter(|_| known),
        requester_phone: of.requester_phone.filter(|_| known),
        requester: first.requester,
        ..of
    })
}

impl Fold for TicketSplit {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.links.insert((self.new_ticket, LinkKind::Relates, true));
    }
}
