//! What refers to what, and whether it is there. Only kinds that are configured limit anything, but for calendars:
//! business hours of no calendar would never pass.

use guichet_schemas::time::Timestamp;

use super::hours::Reach;
use crate::body::UnknownTags;
use crate::configuration::Configuration;
use crate::fault::Fault;
use crate::kind::Kind;
use crate::policy::covers;

/// Everything in force at an instant that refers to something that is not there, or that is never reached.
pub(super) fn faults(configuration: &Configuration, at: Timestamp) -> Vec<(Kind, Fault)> {
    let there = There { configuration, at };
    let mut reach = Reach::from(configuration, at);
    let mut faults = Vec::new();
    for (kind, id) in configuration.items() {
        let body = configuration.entry(kind, id, at).and_then(|entry| entry.body.as_ref());
        let found = body.map_or_else(Vec::new, |body| body.as_item().misfits(&there, &mut reach));
        faults.extend(found.into_iter().map(|fault| (kind, fault)));
    }
    faults
}

/// The configuration at an instant, as references see it.
pub(crate) struct There<'a> {
    configuration: &'a Configuration,
    at: Timestamp,
}

impl There<'_> {
    /// How many of a kind are in force.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.configuration
            .ids(kind)
            .filter(|id| self.configuration.in_force(kind, id, self.at).is_some())
            .count()
    }

    pub(crate) fn calendar(&self, name: &str) -> Option<String> {
        (!self.configuration.has_calendar(name, self.at)).then(|| format!("there is no calendar {name:?}"))
    }

    pub(crate) fn tier(&self, tier: u32) -> Option<String> {
        let tiers = self.configuration.tiers(self.at)?;
        (!tiers.tiers.iter().any(|known| known.tier == tier)).then(|| format!("there is no tier {tier}"))
    }

    pub(crate) fn group(&self, id: &str) -> Option<String> {
        self.configuration.groups(self.at)?.get(id).is_none().then(|| format!("there is no group {id:?}"))
    }

    pub(crate) fn agent(&self, id: &str) -> Option<String> {
        self.configuration.agents(self.at)?.get(id).is_none().then(|| format!("there is no agent {id:?}"))
    }

    /// A path, or a part of the tree.
    pub(crate) fn category(&self, path: &str) -> Option<String> {
        let known = &self.configuration.categories(self.at)?.categories;
        let holds = known.iter().any(|known| covers("category", path, known));
        (!holds).then(|| format!("there is no category {path:?}"))
    }

    /// A synonym is stored as what it means, so a condition on it never holds.
    pub(crate) fn tag(&self, word: &str) -> Option<String> {
        let tags = self.configuration.tags(self.at)?;
        match tags.meant_by(word) {
            Some(meant) if meant == word => None,
            Some(meant) => Some(format!("{word:?} is a synonym; the tag is {meant:?}")),
            None if tags.unknown == UnknownTags::Warn => None,
            None => Some(format!("there is no tag {word:?}, and others are refused")),
        }
    }

    pub(crate) fn field(&self, name: &str, value: &str) -> Option<String> {
        let Some(field) = self.configuration.fields(self.at)?.get(name) else {
            return Some(format!("there is no field {name:?}"));
        };
        let listed = field.options.is_empty() || field.options.iter().any(|option| option == value);
        (!listed).then(|| format!("{value:?} is no option of field {name:?}"))
    }

    pub(crate) fn condition(&self, name: &str, value: &str) -> Option<String> {
        match name {
            "tier" => value.parse().ok().and_then(|tier| self.tier(tier)),
            "group" => self.group(value),
            "assignee" => self.agent(value),
            "category" => self.category(value),
            "tags" => self.tag(value),
            _ => name.strip_prefix("fields.").and_then(|field| self.field(field, value)),
        }
    }
}
