//! Whether something may be published: its shape, what it says, and how it fits to everything else that is configured.

pub(crate) mod hours;
pub(crate) mod names;
pub(crate) mod policies;
mod references;
pub(crate) mod time_rules;

use std::collections::BTreeSet;
use std::sync::Arc;

use guichet_schemas::ids::is_token;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Apply;

pub(crate) use self::hours::{Reach, is_always_open};
pub(crate) use self::references::There;
use crate::body::Body;
use crate::canonical::{self, canonical};
use crate::configuration::{Configuration, Publication};
use crate::fault::Fault;
use crate::kind::{Ids, Kind, THE_ONE};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The version that the publication has.
    pub version: u32,
    /// The body as it is stored and hashed.
    pub body: Arc<str>,
    /// The newest publication of the item says the same: nothing would change.
    pub unchanged: bool,
}

impl Configuration {
    /// Whether a body may be published, as it would be in force: from its instant on, and at every later one at which
    /// something else changes.
    ///
    /// `effective_from` lies before `now` in the first version of an item, or if it is `retroactive`: what was due
    /// under the version before is then due at another instant.
    ///
    /// # Errors
    /// The first fault. Its path is one of the body, or begins with kind and id of what would not fit any more.
    ///
    /// ```
    /// use guichet_config::{Configuration, Kind, THE_ONE};
    /// use guichet_schemas::time::Timestamp;
    /// let configuration = Configuration::new("acme");
    /// let body = r#"{"policies": [{"id": "all", "targets":
    ///     [{"metric": "resolution", "seconds": 3600, "hours": "business", "calendar": "lyon"}]}]}"#;
    /// let now = Timestamp(1_774_000_000_000);
    /// let fault = configuration.check(Kind::SlaPolicies, THE_ONE, body, now, now, false).unwrap_err();
    /// assert_eq!(fault.to_string(), "policies[0].targets[0].calendar: there is no calendar \"lyon\"");
    /// ```
    pub fn check(
        &self,
        kind: Kind,
        id: &str,
        body: &str,
        effective_from: Timestamp,
        now: Timestamp,
        retroactive: bool,
    ) -> Result<Checked, Fault> {
        self.check_id(kind, id)?;
        self.check_instant(kind, id, effective_from, now, retroactive)?;
        let value = canonical::read(body)?;
        let read = Body::read(kind, &value)?;
        if let Some(fault) = read.as_item().faults(effective_from.max(now)).into_iter().next() {
            return Err(fault);
        }
        let body: Arc<str> = canonical(&value)?.into();
        let checked = Checked {
            version: self.next_version(kind, id),
            unchanged: self
                .entries(kind, id)
                .last()
                .is_some_and(|newest| !newest.publication.retired && newest.publication.body == body),
            body: Arc::clone(&body),
        };
        self.check_fit(kind, id, body, false, effective_from, now)?;
        Ok(checked)
    }

    /// Whether an item may be retired; the version that the retirement has.
    ///
    /// # Errors
    /// It is not there, or something that is configured needs it.
    pub fn check_retirement(
        &self,
        kind: Kind,
        id: &str,
        effective_from: Timestamp,
        now: Timestamp,
        retroactive: bool,
    ) -> Result<u32, Fault> {
        if self.entry(kind, id, effective_from).is_none() {
            return Err(Fault::at("id", format!("there is no {kind} {id:?} to retire")));
        }
        if let Some(rule) = kind.must_stay() {
            return Err(Fault::at("id", rule));
        }
        self.check_instant(kind, id, effective_from, now, retroactive)?;
        self.check_fit(kind, id, "".into(), true, effective_from, now)?;
        Ok(self.next_version(kind, id))
    }

    fn next_version(&self, kind: Kind, id: &str) -> u32 {
        self.entries(kind, id).last().map_or(1, |newest| newest.publication.version.saturating_add(1))
    }

    fn check_id(&self, kind: Kind, id: &str) -> Result<(), Fault> {
        let wanted = match kind.ids() {
            Ids::Named if is_token(id) => id,
            Ids::Named => {
                return Err(Fault::at("id", format!("the name of a {kind} is 1 to 64 of A-Z a-z 0-9 _ -")));
            }
            Ids::Tenant => self.tenant_token(),
            Ids::One => THE_ONE,
        };
        if id == wanted {
            return Ok(());
        }
        Err(Fault::at("id", format!("there is one {kind} in a tenant; its id is {wanted:?}")))
    }

    fn check_instant(
        &self,
        kind: Kind,
        id: &str,
        effective_from: Timestamp,
        now: Timestamp,
        retroactive: bool,
    ) -> Result<(), Fault> {
        if effective_from >= now || retroactive || self.entries(kind, id).is_empty() {
            return Ok(());
        }
        let rule = format!(
            "{effective_from} is before now, and {kind} {id:?} is in use: what was due would be due at another \
             instant; retroactive = true says that this is meant"
        );
        Err(Fault::at("effective_from", rule))
    }

    /// Everything together, at each instant from then on at which something changes. What was wrong before is not held
    /// against what is published now.
    fn check_fit(
        &self,
        kind: Kind,
        id: &str,
        body: Arc<str>,
        retired: bool,
        effective_from: Timestamp,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mut next = self.clone();
        next.publish(Publication {
            kind,
            id: id.to_owned(),
            version: self.next_version(kind, id),
            effective_from,
            apply: Apply::default(),
            retired,
            body,
        });
        let first = effective_from.max(now);
        let later = next.changes().filter(|change| *change > first);
        let instants: BTreeSet<Timestamp> = later.chain([first]).collect();
        for at in instants {
            let before = references::faults(self, at);
            for (of, fault) in references::faults(&next, at) {
                if of == kind {
                    return Err(fault);
                }
                if !before.contains(&(of, fault.clone())) {
                    return Err(fault.below(of.as_str()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
