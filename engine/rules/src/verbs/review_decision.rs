//! The verb `review_decision`.

use guichet_schemas::command::{Command, ReviewDecision};
use guichet_schemas::event::DecisionReviewed;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::ActorKind;

use super::shared::{judges, of_the_desk};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for ReviewDecision {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let found =
            context.other.and_then(|other| other.found.as_ref()).ok_or_else(|| Rejection::NotFound {
                what: format!("an event of ticket {} with the id {}", ticket.number, self.event_id),
            })?;
        if found.by.kind == ActorKind::Requester {
            let rule = "must name what somebody of the desk did, and this was done by a requester";
            return Err(FieldError::new("data.event_id", rule).into());
        }
        judges(command, &found.by.id, context)?;
        require(ticket, &command.order)?;
        if self.note.is_none() && ticket.moderation.reviews.get(&self.event_id) == Some(&self.verdict) {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(DecisionReviewed {
            event_id: self.event_id,
            of: found.by.id.clone(),
            verdict: self.verdict,
            note: self.note.clone().map(Into::into),
        })])
    }
}

impl Fold for DecisionReviewed {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.moderation.reviews.insert(self.event_id, self.verdict);
    }
}
