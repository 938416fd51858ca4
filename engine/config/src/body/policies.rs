//! What is promised, and to which tickets.

use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::{Reach, There, policies};
use crate::fault::Fault;
use crate::item::{Advised, Item};
use crate::lint;
use crate::policy::Policy;

/// The body of `sla_policies`: the first policy that matches a ticket is the one that counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// In their order.
    pub policies: Vec<Policy>,
}

impl Item for Policies {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        policies::faults(self)
    }

    fn misfits(&self, there: &There<'_>, reach: &mut Reach<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (n, policy) in self.policies.iter().enumerate() {
            faults.extend(
                policy_faults(policy, there, reach).into_iter().map(|f| f.below(&format!("policies[{n}]"))),
            );
        }
        faults
    }

    fn advice(&self, advised: &Advised<'_>) -> Vec<Fault> {
        lint::policies::sla_policies(advised.configuration, advised.now)
    }
}

fn policy_faults(policy: &Policy, there: &There<'_>, reach: &mut Reach<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, values) in &policy.conditions {
        let missing = values.as_slice().iter().filter_map(|value| there.condition(name, value));
        faults.extend(missing.map(|rule| Fault::at(format!("match.{name}"), rule)));
    }
    for (n, target) in policy.targets.iter().enumerate() {
        let path = format!("targets[{n}]");
        let fault = reach.fault(target.hours, target.calendar.as_deref(), target.seconds);
        faults.extend(fault.map(|fault| fault.below(&path)));
        let tier = target.tier.and_then(|tier| there.tier(tier));
        faults.extend(tier.map(|rule| Fault::at("tier", rule).below(&path)));
    }
    faults
}
