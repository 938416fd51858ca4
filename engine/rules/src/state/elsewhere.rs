//! What other systems have to do with a ticket.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What is linked with a ticket in other systems: by the name of the system, and the identifier there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Links, and where to look at them.
    pub externals: BTreeMap<(String, String), Option<String>>,
    /// Equipment.
    pub assets: BTreeSet<(String, String)>,
}

impl Elsewhere {
    /// Bytes of its texts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let name = |(system, id): &(String, String)| system.len().saturating_add(id.len());
        let externals = self.externals.iter().map(|(key, url)| (key, url.as_ref().map_or(0, String::len)));
        let externals = externals.map(|(key, url)| name(key).saturating_add(url));
        externals.chain(self.assets.iter().map(name)).fold(0, usize::saturating_add)
    }
}
