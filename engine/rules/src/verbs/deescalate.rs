//! The verb `deescalate`.

use guichet_schemas::command::{Command, Deescalate};
use guichet_schemas::event::TicketDeescalated;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for Deescalate {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        match self.to_tier.cmp(&ticket.tier) {
            std::cmp::Ordering::Equal => Ok(Vec::new()),
            std::cmp::Ordering::Greater => Err(FieldError::new(
                "data.to_tier",
                format!("must be below the present tier {}", ticket.tier),
            )
            .into()),
            std::cmp::Ordering::Less => Ok(vec![Draft::of(TicketDeescalated {
                from_tier: ticket.tier,
                to_tier: self.to_tier,
                reason: Some(self.reason.as_str().to_owned()),
            })]),
        }
    }
}

impl Fold for TicketDeescalated {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.tier = self.to_tier;
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.from_tier = ticket.tier;
    }
}
