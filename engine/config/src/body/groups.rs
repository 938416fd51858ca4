//! Teams.

use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::body::Agents;
use crate::check::{Reach, There, names};
use crate::fault::Fault;
use crate::item::{Advised, Item};

/// The body of `groups`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Each id once.
    pub groups: Vec<Group>,
}

/// A team.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name in commands.
    pub id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Tiers whose tickets it takes; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
}

impl Groups {
    /// The group of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }
}

impl Item for Groups {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let groups = &self.groups;
        let mut faults = names::faults::<128>("groups", ".id", groups.iter().map(|g| g.id.as_str()));
        for (n, group) in groups.iter().enumerate() {
            faults.extend(names::label(&format!("groups[{n}].name"), group.name.as_deref()));
            for (t, tier) in group.tiers.iter().enumerate() {
                faults.extend(names::tier(format!("groups[{n}].tiers[{t}]"), *tier));
            }
        }
        faults
    }

    fn misfits(&self, there: &There<'_>, _: &mut Reach<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (n, group) in self.groups.iter().enumerate() {
            let calendar = group.calendar.as_deref().and_then(|name| there.calendar(name));
            faults.extend(calendar.map(|rule| Fault::at(format!("groups[{n}].calendar"), rule)));
            for (t, tier) in group.tiers.iter().enumerate() {
                faults
                    .extend(there.tier(*tier).map(|rule| Fault::at(format!("groups[{n}].tiers[{t}]"), rule)));
            }
        }
        faults
    }

    fn advice(&self, advised: &Advised<'_>) -> Vec<Fault> {
        let agents = advised.configuration.agents(advised.now);
        let mut found = Vec::new();
        for (n, group) in self.groups.iter().enumerate() {
            if group.calendar.is_none() {
                found.push(Fault::at(format!("groups[{n}].calendar"), "nobody knows when it works"));
            }
            let has = |agents: &Agents| agents.agents.iter().any(|agent| agent.groups.contains(&group.id));
            if agents.is_some_and(|agents| !has(agents)) {
                found.push(Fault::at(format!("groups[{n}]"), format!("no agent is in {:?}", group.id)));
            }
        }
        found
    }
}
