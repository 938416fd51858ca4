//! The verb `propose_resolution`.

use guichet_schemas::command::{Command, ProposeResolution};
use guichet_schemas::event::ResolutionProposed;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::shared::{has_authority, has_required_fields, unblocked};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Proposal, Ticket};
use crate::transition::require;

impl Decide for ProposeResolution {
    /// What must be known of a solved ticket is asked for here: the requester could not fill it in.
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        has_authority(ticket, command, context)?;
        has_required_fields(ticket, context)?;
        unblocked(ticket, command, None)?;
        Ok(vec![Draft::of(ResolutionProposed {
            by: command.actor.id.clone(),
            by_kind: command.actor.kind,
            code: self.code,
            summary: self.summary.clone().into(),
            steps: self.steps.iter().map(|step| step.as_str().to_owned()).collect(),
            root_cause: self.root_cause.as_ref().map(|cause| cause.as_str().to_owned()),
        })])
    }
}

impl Fold for ResolutionProposed {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.proposal = Some(Proposal {
            by: self.by.clone(),
            by_kind: self.by_kind,
            version: ticket.version,
            answered: false,
        });
    }
}
