//! How tickets of a kind are worked on, step by step.

use guichet_schemas::command::limits;
use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Title;
use crate::check::names;
use crate::fault::Fault;
use crate::item::Item;

/// The body of `procedure`; its id is that of the item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// For people.
    pub title: Title,
    /// The categories whose tickets it is meant for; none: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// In their order.
    pub steps: Vec<ProcedureStep>,
}

/// A step of a procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcedureStep {
    /// Its name in commands.
    pub id: String,
    /// For people.
    pub title: Title,
    /// The ticket is not resolved before it is done.
    #[serde(default)]
    pub mandatory: bool,
}

impl Item for Procedure {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let steps = &self.steps;
        let mut faults = names::faults::<128>("steps", ".id", steps.iter().map(|step| step.id.as_str()));
        if steps.is_empty() || steps.len() > limits::STEPS {
            faults.push(Fault::at("steps", format!("has 1 to {} entries", limits::STEPS)));
        }
        faults.extend(names::faults::<200>("categories", "", self.categories.iter().map(String::as_str)));
        let titles = steps.iter().enumerate().map(|(n, step)| (format!("steps[{n}].title"), &step.title));
        for (path, title) in titles.chain([("title".to_owned(), &self.title)]) {
            faults.extend(names::label(&format!("{path}.en"), Some(&title.en)));
            faults.extend(names::label(&format!("{path}.fr"), title.fr.as_deref()));
        }
        faults
    }
}
