//! The verb `record_sla_breach`.

use guichet_schemas::command::{Command, RecordSlaBreach};
use guichet_schemas::event::SlaBreached;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold};
use crate::clocks::{at, found, key};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;

impl Decide for RecordSlaBreach {
    fn decide(&self, ticket: &Ticket, _: &Command, context: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        if ticket.facts.contains(&key::breach(self.metric, self.instance)) {
            return Ok(Vec::new());
        }
        found(self.at, "data.at", self.config_version, context)?;
        let event = SlaBreached {
            metric: self.metric,
            instance: self.instance,
            policy: self.policy.as_str().to_owned(),
            policy_version: self.policy_version,
            due_at: self.due_at,
            consumed_s: self.consumed_s.unwrap_or(0),
            immediate: self.immediate,
            detected_late_ms: context.now.since(self.at),
        };
        Ok(vec![at(self.at, event)])
    }
}

impl Fold for SlaBreached {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.facts.insert(key::breach(self.metric, self.instance));
    }
}
