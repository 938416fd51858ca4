//! The tree of categories.

use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::names;
use crate::fault::Fault;
use crate::item::{Advised, Item};

/// The body of `categories`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Categories {
    /// Paths: `technical`, `technical/network`. What is below a path is named for itself.
    pub categories: Vec<String>,
}

impl Categories {
    /// True where tickets may have this category.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.categories.iter().any(|known| known == path)
    }
}

impl Item for Categories {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let paths = &self.categories;
        let mut faults = names::faults::<200>("categories", "", paths.iter().map(String::as_str));
        for (n, path) in paths.iter().enumerate() {
            if path.split('/').any(|step| step.trim() != step || step.is_empty()) {
                let rule = format!("{path:?} is no path: names with / between, such as technical/network");
                faults.push(Fault::at(format!("categories[{n}]"), rule));
            }
        }
        faults
    }

    fn advice(&self, _: &Advised<'_>) -> Vec<Fault> {
        let mut found = Vec::new();
        for (n, path) in self.categories.iter().enumerate() {
            if let Some((above, _)) = path.rsplit_once('/')
                && !self.has(above)
            {
                let rule = format!("what is above it, {above:?}, is not listed");
                found.push(Fault::at(format!("categories[{n}]"), rule));
            }
        }
        found
    }
}
