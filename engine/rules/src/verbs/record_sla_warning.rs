//! The verb `record_sla_warning`.

use guichet_schemas::command::{Command, RecordSlaWarning};
use guichet_schemas::event::SlaWarned;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold};
use crate::clocks::{at, found, key};
use crate::decide::Context;
use crate::draft::Draft;
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

impl Fold for SlaWarned {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.facts.insert(key::warning(self.metric, self.instance, self.pct));
    }
}
