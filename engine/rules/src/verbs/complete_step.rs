//! The verb `complete_step`.

use guichet_schemas::command::{Command, CompleteStep};
use guichet_schemas::event::StepCompleted;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Procedure, Ticket};
use crate::transition::require;

impl Decide for CompleteStep {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let step = self.step.as_str();
        let (procedure, attached) = procedure_of(ticket, self)?;
        if attached.steps.get(step).is_some_and(|known| known.outcome == Some(self.outcome)) {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(StepCompleted {
            procedure: procedure.to_owned(),
            step: step.to_owned(),
            outcome: self.outcome,
        })])
    }
}

/// The one procedure of the ticket that has the step.
fn procedure_of<'t>(ticket: &'t Ticket, order: &CompleteStep) -> Result<(&'t str, &'t Procedure), Rejection> {
    let step = order.step.as_str();
    let wanted = order.procedure.as_ref().map(|id| id.as_str());
    let attached = ticket.work.procedures.iter().map(|(id, procedure)| (id.as_str(), procedure));
    let has_it = |(id, procedure): &(&str, &Procedure)| {
        wanted.is_none_or(|wanted| wanted == *id) && procedure.steps.contains_key(step)
    };
    let found: Vec<_> = attached.filter(has_it).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Rejection::NotFound {
            what: format!("step {step:?} in the procedures of ticket {}", ticket.number),
        }),
        several => {
            let ids: Vec<&str> = several.iter().map(|(id, _)| *id).collect();
            let rule = format!("is needed: {step:?} is a step of {}", ids.join(" and "));
            Err(FieldError::new("data.procedure", rule).into())
        }
    }
}

impl Fold for StepCompleted {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let procedure = ticket.work.procedures.get_mut(&self.procedure);
        if let Some(step) = procedure.and_then(|procedure| procedure.steps.get_mut(&self.step)) {
            step.outcome = Some(self.outcome);
        }
    }
}
