//! The verb `confirm_resolution`, and what becomes of a proposal that is confirmed.

use guichet_schemas::command::{Command, ConfirmResolution};
use guichet_schemas::event::{
    Confirmation, Event, Personal, ResolutionConfirmed, ResolutionProposed, TicketEvent, TicketResolved,
};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, ConfirmedBy, Strategy, TicketState};

use super::shared::{assigned, unblocked};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::permission::is_human_agent;
use crate::state::{Proposal, Ticket};
use crate::transition::require;

impl Decide for ConfirmResolution {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        by_requester(ticket, command)?;
        require(ticket, &command.order)?;
        let confirmed = Draft::of(ResolutionConfirmed { by: command.actor.id.clone() });
        if ticket.state() == TicketState::Resolved {
            let is_known = ticket.last_resolution.as_ref().is_some_and(|last| last.confirmed);
            return Ok(if is_known { Vec::new() } else { vec![confirmed] });
        }
        let proposal = ticket.proposal.as_ref().ok_or_else(|| nothing_proposed(ticket))?;
        unblocked(ticket, command, None)?;
        let resolved = as_proposed(ticket, proposal, ConfirmedBy::Requester, context);
        Ok([confirmed].into_iter().chain(resolved.into_iter().map(Draft::from)).collect())
    }
}

impl Fold for ResolutionConfirmed {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        if let Some(last) = ticket.last_resolution.as_mut() {
            last.confirmed = true;
        }
    }
}

/// Nobody else says for the requester that it is solved, or that it is not.
pub(super) fn by_requester(ticket: &Ticket, command: &Command) -> Result<(), Rejection> {
    if command.actor.kind == ActorKind::Requester && command.actor.id == ticket.requester {
        return Ok(());
    }
    Err(Rejection::Forbidden(format!(
        "only the requester of ticket {} may {}; a supervisor resolves it with an override_reason",
        ticket.number,
        command.order.verb()
    )))
}

/// There is nothing that the requester could decide.
pub(super) fn nothing_proposed(ticket: &Ticket) -> Rejection {
    let message = format!("nothing is proposed for ticket {}", ticket.number);
    Rejection::GuardFailed { guard: "proposed", message }
}

/// The ticket is resolved as it was proposed. A person who proposed has it from then on, if nobody had.
pub(super) fn as_proposed(
    ticket: &Ticket,
    proposal: &Proposal,
    confirmed_by: ConfirmedBy,
    context: &Context<'_>,
) -> Vec<Event> {
    let Some(proposed) = proposed(context) else { return Vec::new() };
    let mut events = Vec::new();
    let takes = context.desk.life().auto_assign_on_resolve && is_human_agent(proposal.by_kind);
    if ticket.assignee.is_none() && takes {
        let group = ticket.group.clone();
        events.push(assigned(ticket, &proposal.by, group, Strategy::Manual, None, None).into());
    }
    let summary = match &proposed.summary {
        text @ Personal::Plain(_) => text.clone(),
        Personal::Sealed(_) => Personal::Plain("As proposed.".to_owned()),
    };
    events.push(Event::from(TicketResolved {
        by: proposal.by.clone(),
        code: proposed.code,
        summary,
        steps: proposed.steps.clone(),
        root_cause: proposed.root_cause.clone(),
        confirmed_by,
        override_reason: None,
        resolution_no: ticket.resolutions().saturating_add(1),
    }));
    events
}

/// What was proposed, as the log has it.
fn proposed<'a>(context: &Context<'a>) -> Option<&'a ResolutionProposed> {
    let Some(Event::Ticket(TicketEvent::Confirmation(Confirmation::ResolutionProposed(proposed)))) =
        &context.other?.event
    else {
        return None;
    };
    Some(proposed)
}
