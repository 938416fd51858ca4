//! People who work on tickets.

use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Priority;
use serde::{Deserialize, Serialize};

use crate::check::{Reach, There, names};
use crate::fault::Fault;
use crate::item::{Advised, Item};
use crate::word::Word;

/// Nobody works on more tickets at a time.
const CAPACITY_MAX: u32 = 10_000;

/// The body of `agents`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    /// Each id once.
    pub agents: Vec<Agent>,
}

/// Somebody who works on tickets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Their name in commands.
    pub id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Groups that they are in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The highest tier that they work in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// Open tickets that they can have at a time: what their load is measured by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// What they write to requesters is a draft, until their mentor or a supervisor approves it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trainee: bool,
    /// The agent who approves what they write, and reviews what they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentor: Option<String>,
    /// What they may decide alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
}

/// Caps on what an agent decides alone; a supervisor has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// They resolve tickets up to this priority, and propose resolutions of no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_priority: Option<Word<Priority>>,
}

impl Agents {
    /// The agent of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.id == id)
    }
}

impl Agents {
    /// A mentor is another agent, who needs none.
    fn mentors(&self) -> Vec<Fault> {
        let of = |(n, agent): (usize, &Agent)| {
            let mentor = agent.mentor.as_deref()?;
            let rule = match self.get(mentor) {
                None => format!("{mentor:?} is no agent of this list"),
                Some(found) if found.id == agent.id => {
                    "is the agent themselves: it must be another one".to_owned()
                }
                Some(found) if found.trainee => format!("{mentor:?} is a trainee: a mentor is none"),
                Some(_) => return None,
            };
            Some(Fault::at(format!("agents[{n}].mentor"), rule))
        };
        self.agents.iter().enumerate().filter_map(of).collect()
    }
}

impl Item for Agents {
    fn is_read_by_reports() -> bool {
        true
    }

    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let agents = &self.agents;
        let mut mentors = self.mentors();
        let mut faults = names::faults::<128>("agents", ".id", agents.iter().map(|a| a.id.as_str()));
        for (n, agent) in agents.iter().enumerate() {
            let of = |list: &str| format!("agents[{n}].{list}");
            faults.extend(names::label(&of("name"), agent.name.as_deref()));
            faults.extend(names::faults::<128>(&of("groups"), "", agent.groups.iter().map(String::as_str)));
            faults.extend(names::faults::<128>(&of("skills"), "", agent.skills.iter().map(String::as_str)));
            faults.extend(agent.tier.and_then(|tier| names::tier(of("tier"), tier)));
            if agent.capacity.is_some_and(|capacity| !(1..=CAPACITY_MAX).contains(&capacity)) {
                let rule = format!("is 1 to {CAPACITY_MAX}; leave it out where nobody counts it");
                faults.push(Fault::at(of("capacity"), rule));
            }
        }
        faults.append(&mut mentors);
        faults
    }

    fn misfits(&self, there: &There<'_>, _: &mut Reach<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (n, agent) in self.agents.iter().enumerate() {
            for (g, group) in agent.groups.iter().enumerate() {
                faults.extend(
                    there.group(group).map(|rule| Fault::at(format!("agents[{n}].groups[{g}]"), rule)),
                );
            }
            let tier = agent.tier.and_then(|tier| there.tier(tier));
            faults.extend(tier.map(|rule| Fault::at(format!("agents[{n}].tier"), rule)));
        }
        faults
    }

    fn advice(&self, _: &Advised<'_>) -> Vec<Fault> {
        let alone = self.agents.iter().enumerate().filter(|(_, agent)| agent.groups.is_empty());
        let alone = alone
            .map(|(n, _)| Fault::at(format!("agents[{n}].groups"), "is in no group, so no queue is theirs"));
        let trainees = self.agents.iter().enumerate().filter(|(_, agent)| agent.trainee);
        let alone_in_training = trainees.filter(|(_, agent)| agent.mentor.is_none()).map(|(n, _)| {
            let advice = "is not there, so only supervisors approve what this trainee writes";
            Fault::at(format!("agents[{n}].mentor"), advice)
        });
        alone.chain(alone_in_training).collect()
    }
}
