//! The verb `set_restriction`.

use std::collections::BTreeSet;

use guichet_schemas::command::{Command, SetRestriction};
use guichet_schemas::event::RestrictionChanged;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::text::Label;
use guichet_schemas::time::Timestamp;

use super::shared::{have_members, of_the_desk, sees_it};
use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for SetRestriction {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        require(ticket, &command.order)?;
        let to: BTreeSet<String> = self.restricted_to.iter().map(Label::as_str).map(str::to_owned).collect();
        if to == ticket.restricted_to {
            return Ok(Vec::new());
        }
        have_members(&self.restricted_to, context)?;
        if let Some(assignee) = &ticket.assignee {
            sees_it(assignee, &to, context)?;
        }
        Ok(vec![Draft::of(RestrictionChanged {
            from: ticket.restricted_to.iter().cloned().collect(),
            to: to.into_iter().collect(),
            reason: self.reason.as_str().to_owned(),
        })])
    }
}

impl Fold for RestrictionChanged {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.restricted_to = self.to.iter().cloned().collect();
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.from = ticket.restricted_to.iter().cloned().collect();
    }

    fn repeats(&self, ticket: &Ticket) -> usize {
        ticket.restricted_to.iter().map(String::len).fold(0, usize::saturating_add)
    }
}
