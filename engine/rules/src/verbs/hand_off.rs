//! The verb `hand_off`: people go on where a bot ends.

use guichet_schemas::command::{Command, HandOff};
use guichet_schemas::event::{HandedOff, TicketRouted, TicketUnassigned};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{StatusCause, Strategy, TicketState};

use super::shared::{moved, of_the_desk};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for HandOff {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        require(ticket, &command.order)?;
        let (to_group, reason) = (self.to_group.as_str().to_owned(), self.reason.as_str().to_owned());
        let mut drafts = vec![Draft::of(HandedOff {
            from_kind: command.actor.kind,
            to_group: to_group.clone(),
            reason: reason.clone(),
            packet: self.packet.clone().into(),
        })];
        let by = &command.actor.id;
        if ticket.assignee.as_ref() == Some(by) {
            let reason = Some(reason.clone());
            drafts.push(Draft::of(TicketUnassigned { from: by.clone(), reason }));
        }
        if ticket.group.as_ref() != Some(&to_group) {
            drafts.push(Draft::of(TicketRouted {
                from_group: ticket.group.clone(),
                to_group: Some(to_group),
                rule: None,
                strategy: Strategy::Manual,
                reason: Some(reason),
            }));
        }
        // A bot waited for the requester; now people are waited for.
        if ticket.state() == TicketState::Pending {
            drafts.push(Draft::of(moved(ticket, TicketState::Open, StatusCause::Command)));
        }
        Ok(drafts)
    }
}

impl Fold for HandedOff {
    /// What it changes are events of their own.
    fn fold(&self, _: &mut Ticket, _: Timestamp) {}
}
