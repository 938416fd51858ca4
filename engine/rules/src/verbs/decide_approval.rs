//! The verb `decide_approval`.

use guichet_schemas::command::{Command, DecideApproval};
use guichet_schemas::event::ApprovalDecided;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for DecideApproval {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        let by = &command.actor.id;
        let approval = ticket.work.approvals.get(&self.approval_id).ok_or_else(|| Rejection::NotFound {
            what: format!("an approval of ticket {} with this id", ticket.number),
        })?;
        if !approval.approvers.contains(by) {
            return Err(Rejection::Forbidden(format!("{by} was not asked to approve")));
        }
        require(ticket, &command.order)?;
        if approval.verdicts.get(by) == Some(&self.verdict) {
            return Ok(Vec::new());
        }
        if let Some(outcome) = approval.outcome() {
            return Err(Rejection::GuardFailed {
                guard: "approval",
                message: format!("it is decided already: {outcome}; request another approval"),
            });
        }
        Ok(vec![Draft::of(ApprovalDecided {
            approval_id: self.approval_id,
            by: by.clone(),
            verdict: self.verdict,
            reason: self.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        })])
    }
}

impl Fold for ApprovalDecided {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        if let Some(approval) = ticket.work.approvals.get_mut(&self.approval_id) {
            approval.verdicts.insert(self.by.clone(), self.verdict);
        }
    }
}
