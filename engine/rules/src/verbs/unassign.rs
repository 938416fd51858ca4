//! The verb `unassign`.

use guichet_schemas::command::{Command, Unassign};
use guichet_schemas::event::{TicketRouted, TicketUnassigned};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Strategy;

use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for Unassign {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let reason = Some(self.reason.as_str().to_owned());
        let mut drafts = Vec::new();
        if let Some(from) = &ticket.assignee {
            drafts.push(Draft::of(TicketUnassigned { from: from.clone(), reason: reason.clone() }));
        }
        if self.group && ticket.group.is_some() {
            drafts.push(Draft::of(TicketRouted {
                from_group: ticket.group.clone(),
                to_group: None,
                rule: None,
                strategy: Strategy::Manual,
                reason,
            }));
        }
        Ok(drafts)
    }
}

impl Fold for TicketUnassigned {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.assignee = None;
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.from = ticket.assignee.clone().unwrap_or_default();
    }

    fn repeats(&self, ticket: &Ticket) -> usize {
        ticket.assignee.as_ref().map_or(0, String::len)
    }
}
