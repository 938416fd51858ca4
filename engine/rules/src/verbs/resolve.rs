//! The verb `resolve`.

use guichet_schemas::command::{Command, Resolve};
use guichet_schemas::event::TicketResolved;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, ConfirmedBy, Strategy, TicketState};

use super::shared::{assigned, has_authority, has_required_fields, unblocked};
use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::permission::oversees;
use crate::state::{LastResolution, Phase, Ticket};
use crate::transition::require;

impl Decide for Resolve {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        if ticket.state() == TicketState::Resolved {
            return Ok(Vec::new());
        }
        require(ticket, &command.order)?;
        has_authority(ticket, command, context)?;
        let override_reason = self.override_reason.as_ref().filter(|_| oversees(command, context.desk));
        unblocked(ticket, command, override_reason)?;
        let life = context.desk.life();
        let overrides = command.actor.kind == ActorKind::Supervisor && override_reason.is_some();
        if life.resolve_requires_confirmation && !overrides {
            return Err(Rejection::GuardFailed {
                guard: "confirmation",
                message: format!(
                    "the requester of ticket {} says that it is solved: send propose_resolution; a supervisor resolves it with an override_reason",
                    ticket.number
                ),
            });
        }
        if !overrides {
            has_required_fields(ticket, context)?;
        }
        let by = command.actor.id.clone();
        let mut drafts = Vec::new();
        if ticket.assignee.is_none() {
            if !life.auto_assign_on_resolve {
                let message = format!("nobody has ticket {}; assign it before it is resolved", ticket.number);
                return Err(Rejection::GuardFailed { guard: "assignee", message });
            }
            let assigned = assigned(ticket, &by, ticket.group.clone(), Strategy::Manual, None, None);
            drafts.push(Draft::of(assigned));
        }
        drafts.push(Draft::of(TicketResolved {
            by,
            code: self.code,
            summary: self.summary.clone().into(),
            steps: self.steps.iter().map(|s| s.as_str().to_owned()).collect(),
            root_cause: self.root_cause.as_ref().map(|r| r.as_str().to_owned()),
            confirmed_by: if life.resolve_requires_confirmation {
                ConfirmedBy::Override
            } else {
                ConfirmedBy::None
            },
            override_reason: self.override_reason.as_ref().map(|r| r.as_str().to_owned()),
            resolution_no: ticket.resolutions().saturating_add(1),
        }));
        Ok(drafts)
    }
}

impl Fold for TicketResolved {
    fn fold(&self, ticket: &mut Ticket, at: Timestamp) {
        ticket.end(Phase::Resolved);
        ticket.last_resolution = Some(LastResolution {
            number: self.resolution_no,
            by: self.by.clone(),
            at,
            confirmed: self.confirmed_by == ConfirmedBy::Requester,
        });
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.resolution_no = ticket.resolutions().saturating_add(1);
    }
}
