//! The verb `record_follow_up`.

use guichet_schemas::command::{Command, RecordFollowUp};
use guichet_schemas::event::FollowUpRecorded;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for RecordFollowUp {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        if ticket.last_resolution.is_none() {
            return Err(Rejection::GuardFailed {
                guard: "resolution",
                message: format!(
                    "ticket {} was never resolved: there is no solution to look at",
                    ticket.number
                ),
            });
        }
        Ok(vec![Draft::of(FollowUpRecorded { effective: self.effective })])
    }
}

impl Fold for FollowUpRecorded {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.work.follow_up_at = None;
    }
}
