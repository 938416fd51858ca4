//! The verb `reject_resolution`.

use guichet_schemas::command::{Command, RejectResolution};
use guichet_schemas::event::ResolutionRejected;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{StatusCause, TicketState};

use super::confirm_resolution::{by_requester, nothing_proposed};
use super::shared::{in_time, moved, reopened};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for RejectResolution {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        by_requester(ticket, command)?;
        require(ticket, &command.order)?;
        let mut drafts = vec![Draft::of(ResolutionRejected { reason: self.reason.clone().into() })];
        match ticket.state() {
            TicketState::Resolved => {
                in_time(ticket, context)?;
                drafts.push(Draft::of(reopened(ticket, None, command, context)));
            }
            _ if ticket.proposal.is_none() => return Err(nothing_proposed(ticket)),
            TicketState::Open => {}
            TicketState::New
            | TicketState::Pending
            | TicketState::Hold
            | TicketState::Closed
            | TicketState::Cancelled => {
                drafts.push(Draft::of(moved(ticket, TicketState::Open, StatusCause::RequesterComment)));
            }
        }
        Ok(drafts)
    }
}

impl Fold for ResolutionRejected {
    /// What the requester says is a message: the desk has to answer it.
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.proposal = None;
        ticket.is_asked();
    }
}
