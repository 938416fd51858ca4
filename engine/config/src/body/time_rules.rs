//! What happens to tickets that stay as they are.

use guichet_rules::Action;
use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::time_rules::named;
use crate::check::{Reach, There, time_rules};
use crate::fault::Fault;
use crate::item::{Advised, Item};
use crate::lint;
use crate::time_rule::TimeRule;

/// The body of `time_rules`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeRules {
    /// In their order.
    pub rules: Vec<TimeRule>,
}

impl Item for TimeRules {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        time_rules::faults(self)
    }

    fn misfits(&self, there: &There<'_>, reach: &mut Reach<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (n, rule) in self.rules.iter().enumerate() {
            let path = format!("rules[{n}]");
            let fault = reach.fault(rule.hours, rule.calendar.as_deref(), rule.seconds);
            faults.extend(fault.map(|fault| fault.below(&path)));
            for (a, action) in rule.actions.iter().enumerate() {
                let path = format!("{path}.actions[{a}]");
                faults.extend(action_faults(action, there).into_iter().map(|fault| fault.below(&path)));
            }
        }
        faults
    }

    fn advice(&self, advised: &Advised<'_>) -> Vec<Fault> {
        lint::policies::time_rules(self, &advised.configuration.lifecycle(advised.now))
    }
}

fn action_faults(action: &Action, there: &There<'_>) -> Vec<Fault> {
    let found = |path: String, missing: Option<String>| missing.map(|rule| Fault::at(path, rule));
    match action {
        Action::AddTags { tags } => {
            let tags = tags.iter().enumerate();
            tags.filter_map(|(n, tag)| found(format!("tags[{n}]"), there.tag(tag))).collect()
        }
        Action::Escalate { to_tier, .. } => {
            found("to_tier".to_owned(), there.tier(*to_tier)).into_iter().collect()
        }
        Action::Notify { to } => {
            let missing = match named(to) {
                Some(("group", id)) => there.group(id),
                Some((_, id)) => there.agent(id),
                None => None,
            };
            found("to".to_owned(), missing).into_iter().collect()
        }
        Action::Close {} | Action::Resolve {} | Action::SetPriority { .. } | Action::Note { .. } => {
            Vec::new()
        }
    }
}
