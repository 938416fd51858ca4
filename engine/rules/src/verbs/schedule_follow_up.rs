//! The verb `schedule_follow_up`.

use guichet_schemas::command::{Command, ScheduleFollowUp};
use guichet_schemas::event::FollowUpScheduled;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for ScheduleFollowUp {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        if ticket.work.follow_up_at == Some(self.at) {
            return Ok(Vec::new());
        }
        if self.at <= context.now {
            return Err(FieldError::new("data.at", "must lie in the future").into());
        }
        Ok(vec![Draft::of(FollowUpScheduled { at: self.at })])
    }
}

impl Fold for FollowUpScheduled {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.work.follow_up_at = Some(self.at);
    }
}
