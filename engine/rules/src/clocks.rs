//! What the SLA worker found, and what people say of it. The fold of the clocks is not here: it is a read model. The
//! ticket only keeps which facts it has, so that each is recorded once.

use guichet_schemas::event::Event;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::SlaMetric;

use crate::decide::Context;
use crate::draft::Draft;

/// Names of facts, as a ticket keeps them.
pub(crate) mod key {
    use std::collections::BTreeSet;

    use super::SlaMetric;

    pub(crate) fn warning(metric: SlaMetric, instance: u32, pct: u32) -> String {
        format!("warning/{metric}/{instance}/{pct}")
    }
    pub(crate) fn breach(metric: SlaMetric, instance: u32) -> String {
        format!("breach/{metric}/{instance}")
    }
    pub(crate) fn void(metric: SlaMetric, instance: u32) -> String {
        format!("void/{metric}/{instance}")
    }
    fn rule(rule: &str, instance: u32) -> String {
        format!("rule/{instance}/{rule}")
    }

    /// The last instance of a rule that fired, as it was named.
    fn instance_of(fact: &str, rule: &str) -> Option<u32> {
        let (instance, of) = fact.strip_prefix("rule/")?.split_once('/')?;
        (of == rule).then(|| instance.parse().ok()).flatten()
    }

    /// Keeps that a rule fired. Its instances come in their order, so the last stands for all.
    pub(crate) fn note_rule(facts: &mut BTreeSet<String>, rule: &str, instance: u32) {
        if !has_rule(facts, rule, instance) {
            facts.retain(|fact| instance_of(fact, rule).is_none());
            facts.insert(self::rule(rule, instance));
        }
    }

    /// True where this instance of a rule is recorded, or a later one.
    pub(crate) fn has_rule(facts: &BTreeSet<String>, rule: &str, instance: u32) -> bool {
        facts.iter().any(|fact| instance_of(fact, rule).is_some_and(|last| last >= instance))
    }
}

/// Checks that a finding of the clocks lies in the past, and was made under the configuration in force: nothing that is
/// recorded later can come before it.
pub(crate) fn found(
    at: Timestamp,
    field: &str,
    config_version: Option<u64>,
    context: &Context<'_>,
) -> Result<(), Rejection> {
    if let Some(based_on) = config_version.filter(|version| *version != context.config_version) {
        return Err(Rejection::ConfigStale { based_on, actual: context.config_version });
    }
    if at < context.now {
        return Ok(());
    }
    Err(FieldError::new(field, "must lie before the clock of the engine: it may yet come otherwise").into())
}

/// The draft of a finding, at its own instant.
pub(crate) fn at(instant: Timestamp, event: impl Into<Event>) -> Draft {
    Draft { occurred_at: Some(instant), ..Draft::of(event) }
}
