//! Names of states, and what is expected in them.

use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TicketState;
use serde::{Deserialize, Serialize};

use crate::check::names;
use crate::fault::Fault;
use crate::item::{Advised, Item};
use crate::word::Word;

/// The body of `statuses`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statuses {
    /// Each id once.
    pub statuses: Vec<Status>,
}

/// A name of a state, with what is expected of whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Its name in commands.
    pub id: String,
    /// The state that it is a name of.
    pub state: Word<TicketState>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StatusName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_action: Option<String>,
}

/// A name in the languages of the pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusName {
    pub en: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fr: Option<String>,
}

impl Statuses {
    /// The status of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Status> {
        self.statuses.iter().find(|status| status.id == id)
    }
}

impl Item for Statuses {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let statuses = &self.statuses;
        let mut faults = names::faults::<128>("statuses", ".id", statuses.iter().map(|s| s.id.as_str()));
        for (n, status) in statuses.iter().enumerate() {
            if let Some(name) = &status.name {
                faults.extend(names::label(&format!("statuses[{n}].name.en"), Some(&name.en)));
                faults.extend(names::label(&format!("statuses[{n}].name.fr"), name.fr.as_deref()));
            }
        }
        faults
    }

    fn advice(&self, _: &Advised<'_>) -> Vec<Fault> {
        let mut found = Vec::new();
        for (n, status) in self.statuses.iter().enumerate() {
            if status.expectation.is_none() && !status.state.0.is_terminal() {
                let rule = "nothing says what it means, so everybody uses it for something else";
                found.push(Fault::at(format!("statuses[{n}].expectation"), rule));
            }
        }
        for state in TicketState::ALL.iter().filter(|state| !state.is_terminal()) {
            if !self.statuses.iter().any(|status| status.state.0 == *state) {
                found.push(Fault::at("statuses", format!("there is none of the state {state}")));
            }
        }
        found
    }
}
