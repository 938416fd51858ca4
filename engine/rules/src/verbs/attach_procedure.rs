//! The verb `attach_procedure`.

use guichet_schemas::command::{AttachProcedure, Command, limits};
use guichet_schemas::event::ProcedureAttached;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;

use super::shared::room_for;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Procedure, Step, Ticket};
use crate::transition::require;

impl Decide for AttachProcedure {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let id = self.procedure.as_str();
        let Some(rule) = context.desk.procedure(id) else {
            let rule = "is not published: the configuration kind procedure says which there are";
            return Err(FieldError::new("data.procedure", rule).into());
        };
        let attached = ticket.work.procedures.get(id);
        if attached.is_some_and(|attached| attached.version == rule.version) {
            return Ok(Vec::new());
        }
        if attached.is_none() {
            room_for(ticket, "procedures", ticket.work.procedures.len(), limits::PROCEDURES)?;
        }
        let mandatory = rule.steps.iter().filter(|(_, mandatory)| *mandatory);
        Ok(vec![Draft::of(ProcedureAttached {
            procedure: id.to_owned(),
            version: rule.version,
            mandatory: mandatory.map(|(step, _)| step.clone()).collect(),
            steps: rule.steps.into_iter().map(|(step, _)| step).collect(),
        })])
    }
}

impl Fold for ProcedureAttached {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let before = ticket.work.procedures.remove(&self.procedure).unwrap_or_default();
        let steps = self.steps.iter().map(|step| {
            let outcome = before.steps.get(step).and_then(|step| step.outcome);
            (step.clone(), Step { mandatory: self.mandatory.contains(step), outcome })
        });
        let now = Procedure { version: self.version, steps: steps.collect() };
        ticket.work.procedures.insert(self.procedure.clone(), now);
    }
}
