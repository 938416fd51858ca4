//! The verb `assign`.

use guichet_schemas::command::{Assign, Command};
use guichet_schemas::event::{TicketAssigned, TicketRouted};
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{CommentKind, StatusCause, Strategy, TicketState};

use super::shared::{assigned, internal_note, may_get, moved, sees_it};
use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for Assign {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let group = self.group.as_ref().map(|g| g.as_str().to_owned()).or_else(|| ticket.group.clone());
        let new_assignee =
            self.assignee.as_ref().map(|a| a.as_str()).filter(|a| ticket.assignee.as_deref() != Some(a));
        let mut drafts = Vec::new();
        if new_assignee.is_none() && group == ticket.group {
            return Ok(drafts);
        }
        if let Some(agent) = new_assignee {
            may_get(agent, (group.as_deref(), ticket.tier), command, self.reason.as_ref(), context)?;
            sees_it(agent, &ticket.restricted_to, context)?;
        }
        let handover_comment = self.handover_note.as_ref().map(|note| {
            let id = CommentId(command.command_id.derive("handover"));
            drafts.push(Draft::of(internal_note(command, id, CommentKind::Handover, note.clone().into())));
            id
        });
        let reason = self.reason.as_ref().map(|r| r.as_str().to_owned());
        match new_assignee {
            Some(to) => {
                let strategy = Strategy::Manual;
                drafts.push(Draft::of(assigned(ticket, to, group, strategy, handover_comment, reason)));
                if ticket.state() == TicketState::New {
                    drafts.push(Draft::of(moved(ticket, TicketState::Open, StatusCause::Command)));
                }
            }
            None => drafts.push(Draft::of(TicketRouted {
                from_group: ticket.group.clone(),
                to_group: group,
                rule: None,
                strategy: Strategy::Manual,
                reason,
            })),
        }
        Ok(drafts)
    }
}

impl Fold for TicketRouted {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.group.clone_from(&self.to_group);
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.from_group.clone_from(&ticket.group);
    }

    fn repeats(&self, ticket: &Ticket) -> usize {
        ticket.group.as_ref().map_or(0, String::len)
    }
}

impl Fold for TicketAssigned {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.assignee = Some(self.to.clone());
        ticket.group.clone_from(&self.group);
        ticket.stations = self.station_no;
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.from.clone_from(&ticket.assignee);
        self.station_no = ticket.stations.saturating_add(1);
    }

    fn repeats(&self, ticket: &Ticket) -> usize {
        ticket.assignee.as_ref().map_or(0, String::len)
    }
}
