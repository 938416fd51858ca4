//! The verb `set_status`.

use guichet_schemas::command::{Command, SetStatus};
use guichet_schemas::event::StatusChanged;
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{CommentKind, HoldReason, StatusCause, TicketState, Visibility};

use super::shared::{comment, speaks_freely};
use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::desk::PendingGuard;
use crate::draft::Draft;
use crate::permission::is_human_agent;
use crate::state::{Phase, Ticket};
use crate::transition::require;

impl Decide for SetStatus {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        if self.comment.is_some() {
            speaks_freely(ticket, command, context)?;
        }
        let answers = self.comment.is_some() && is_human_agent(command.actor.kind);
        let begins_to_wait = self.to == TicketState::Pending && ticket.state() != TicketState::Pending;
        let guard = context.desk.life().pending_guard;
        let unanswered = begins_to_wait && !ticket.answered && !answers && guard != PendingGuard::Off;
        if unanswered && guard == PendingGuard::Enforce {
            return Err(Rejection::GuardFailed {
                guard: "pending",
                message: format!(
                    "ticket {} cannot wait for its requester, who has no answer; send a public comment first, or with the change",
                    ticket.number
                ),
            });
        }
        let mut drafts = Vec::new();
        if let Some(body) = &self.comment {
            let id = CommentId(command.command_id.derive("comment"));
            let body = body.clone().into();
            drafts.push(Draft::of(comment(command, id, Visibility::Public, CommentKind::Message, body)));
        }
        let custom_status = self.custom_status.as_ref().map(|c| c.as_str().to_owned());
        let holds = ticket.state() == self.to
            && ticket.hold_reason() == self.hold_reason
            && ticket.custom_status == custom_status;
        if !holds {
            drafts.push(Draft::of(StatusChanged {
                from: ticket.state(),
                to: self.to,
                custom_status,
                hold_reason: self.hold_reason,
                expected_until: self.expected_until,
                cause: StatusCause::Command,
                unanswered,
            }));
        }
        Ok(drafts)
    }
}

impl Fold for StatusChanged {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.enter(match self.to {
            TicketState::New => Phase::New,
            TicketState::Open => Phase::Open,
            TicketState::Pending => Phase::Pending,
            TicketState::Hold => Phase::Hold(self.hold_reason.unwrap_or(HoldReason::Internal)),
            TicketState::Resolved => Phase::Resolved,
            TicketState::Closed => Phase::Closed,
            TicketState::Cancelled => Phase::Cancelled,
        });
        ticket.custom_status.clone_from(&self.custom_status);
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.from = ticket.state();
    }
}
