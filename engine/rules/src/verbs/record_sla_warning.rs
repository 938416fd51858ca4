//! The verb `record_sla_warning`.

use guichet_schemas::command::{Command, RecordSlaWarning};
use guichet_schemas::event::SlaWarned;
use guichet_schemas::rejection::Rejection;

use super::Decide;
use crate::clocks::{at, found, key};
use crate::decide::{Context, Draft};
use crate::state::Ticket;

impl Decide for RecordSlaWarning {
    fn decide(&self, ticket: &Ticket, _: &Command, context: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        if ticket.facts.contains(&key::warning(self.metric, self.instance, self.pct)) {
            return Ok(Vec::new());
        }
        found(self.at, "data.at", self.config_version, context)?;
        let event = SlaWarned {
            metric: self.metric,
            instance: self.instance,
            pct: self.pct,
            due_at: self.due_at,
            immediate: self.immediate,
        };
        Ok(vec![at(self.at, event)])
    }
}
