//! Levels of support.

use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::names;
use crate::fault::Fault;
use crate::item::{Advised, Item};

/// The body of `tiers`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// Each number once.
    pub tiers: Vec<Tier>,
}

/// A level of support.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// 0 to 4. Tickets enter at 1.
    pub tier: u32,
    /// For people.
    pub name: String,
}

impl Item for Tiers {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (n, tier) in self.tiers.iter().enumerate() {
            faults.extend(names::tier(format!("tiers[{n}].tier"), tier.tier));
            if let Some(first) = self.tiers.iter().take(n).position(|other| other.tier == tier.tier) {
                let rule = format!("tier {} is tiers[{first}] already", tier.tier);
                faults.push(Fault::at(format!("tiers[{n}].tier"), rule));
            }
            faults.extend(names::label(&format!("tiers[{n}].name"), Some(&tier.name)));
        }
        faults
    }

    fn advice(&self, _: &Advised<'_>) -> Vec<Fault> {
        if self.tiers.iter().any(|tier| tier.tier == 1) {
            return Vec::new();
        }
        vec![Fault::at("tiers", "there is no tier 1, where tickets enter")]
    }
}
