//! The verb `request_approval`.

use guichet_schemas::command::{Command, RequestApproval, limits};
use guichet_schemas::event::ApprovalRequested;
use guichet_schemas::ids::ApprovalId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::shared::room_for;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Approval, Ticket};
use crate::transition::require;

impl Decide for RequestApproval {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        room_for(ticket, "approvals", ticket.work.approvals.len(), limits::APPROVALS)?;
        Ok(vec![Draft::of(ApprovalRequested {
            approval_id: ApprovalId(command.command_id.derive("approval")),
            approvers: self.approvers.iter().map(|id| id.as_str().to_owned()).collect(),
            quorum: self.quorum,
        })])
    }
}

impl Fold for ApprovalRequested {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let approval = Approval {
            approvers: self.approvers.iter().cloned().collect(),
            quorum: self.quorum,
            verdicts: std::collections::BTreeMap::new(),
        };
        ticket.work.approvals.insert(self.approval_id, approval);
    }
}
