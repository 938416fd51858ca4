//! The verb `void_sla_breach`.

use guichet_schemas::command::{Command, VoidSlaBreach};
use guichet_schemas::event::SlaBreachVoided;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::ActorKind;

use super::{Decide, Fold};
use crate::clocks::key;
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;

impl Decide for VoidSlaBreach {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        if !matches!(command.actor.kind, ActorKind::Supervisor | ActorKind::Admin) {
            return Err(Rejection::Forbidden(format!(
                "only a supervisor may void a breach; the actor is of kind {}",
                command.actor.kind
            )));
        }
        if !ticket.facts.contains(&key::breach(self.metric, self.instance)) {
            return Err(Rejection::NotFound {
                what: format!("a breach of {} {} of ticket {}", self.metric, self.instance, ticket.number),
            });
        }
        if ticket.facts.contains(&key::void(self.metric, self.instance)) {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(SlaBreachVoided {
            metric: self.metric,
            instance: self.instance,
            reason: self.reason.as_str().to_owned(),
        })])
    }
}

impl Fold for SlaBreachVoided {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.facts.insert(key::void(self.metric, self.instance));
    }
}
