//! The configuration of one tenant: everything that was published, and what is in force at an instant.

use std::collections::BTreeMap;
use std::sync::Arc;

use guichet_rules::calendar::{Calendar, Definition};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Apply;

use crate::body::{
    Agents, Body, Callers, Categories, Fields, Figure, Groups, Lifecycle, OfKind, Policies, Procedure,
    Statuses, Tags, Tenant, Tiers, TimeRules,
};
use crate::kind::{Kind, THE_ONE};
use crate::policy::PolicySet;
use crate::time_rule::TimeRule;

/// One publication, or one retirement, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Of what.
    pub kind: Kind,
    /// Which of its kind: the name of a calendar, the token of the tenant, else [`THE_ONE`].
    pub id: String,
    /// Version of the item, from 1, without gaps.
    pub version: u32,
    /// From when on it holds.
    pub effective_from: Timestamp,
    /// For which clocks; for `sla_policies` only.
    pub apply: Apply,
    /// The item ends instead; the body is empty.
    pub retired: bool,
    /// Canonical JSON.
    pub body: Arc<str>,
}

/// A publication, read once.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) publication: Publication,
    /// `None`: retired, or from a build that knows more than this one.
    pub(crate) body: Option<Body>,
}

/// Everything that a tenant published, in the order of the log.
///
/// An item in force at an instant is the newest publication that was effective by then: what is published from an
/// instant on takes the place of everything that was planned for then and later.
///
/// ```
/// use guichet_config::{Apply, Configuration, Kind, Publication, THE_ONE};
/// use guichet_schemas::time::Timestamp;
/// let mut configuration = Configuration::new("acme");
/// configuration.publish(Publication {
///     kind: Kind::Lifecycle,
///     id: THE_ONE.to_owned(),
///     version: 1,
///     effective_from: Timestamp(1_000),
///     apply: Apply::OpenClocks,
///     retired: false,
///     body: r#"{"auto_close_after_s":3600}"#.into(),
/// });
/// assert_eq!(configuration.lifecycle(Timestamp(999)).auto_close_after_s, 4 * 86_400);
/// assert_eq!(configuration.lifecycle(Timestamp(1_000)).auto_close_after_s, 3_600);
/// ```
#[derive(Debug, Clone)]
pub struct Configuration {
    tenant: String,
    items: BTreeMap<(Kind, String), Vec<Arc<Entry>>>,
    calendars: BTreeMap<String, Calendar>,
    /// Bytes of the bodies published so far.
    written: usize,
}

/// A publication takes about so many times the memory of its text: the text, and what was read from it.
const READ_TIMES: usize = 8;
const ENTRY_BYTES: usize = 512;

impl Configuration {
    /// Nothing configured yet.
    #[must_use]
    pub fn new(tenant: &str) -> Self {
        Self { tenant: tenant.to_owned(), items: BTreeMap::new(), calendars: BTreeMap::new(), written: 0 }
    }

    #[must_use]
    pub fn tenant_token(&self) -> &str {
        &self.tenant
    }

    /// Takes what the log says. Nothing is refused; a body that cannot be read is never in force, and
    /// [`Configuration::unread`] names it.
    pub fn publish(&mut self, publication: Publication) {
        let body = publication.body();
        self.written = self.written.saturating_add(publication.body.len());
        if let Some(Body::Calendar(definition)) = &body
            && let Ok(hours) = definition.hours()
        {
            let from = publication.effective_from;
            // The first version holds also before its instant: a clock must be able to count from any instant.
            match self.calendars.get_mut(&publication.id) {
                Some(calendar) => calendar.publish(from, hours),
                None => drop(self.calendars.insert(publication.id.clone(), Calendar::new(hours))),
            }
        }
        let key = (publication.kind, publication.id.clone());
        self.items.entry(key).or_default().push(Arc::new(Entry { publication, body }));
    }

    /// Bytes that it takes in memory, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        let entries: usize = self.items.values().map(Vec::len).sum();
        self.written.saturating_mul(READ_TIMES).saturating_add(entries.saturating_mul(ENTRY_BYTES))
    }

    /// All publications of an item, oldest first.
    pub fn history(&self, kind: Kind, id: &str) -> impl Iterator<Item = &Publication> {
        self.entries(kind, id).iter().map(|entry| &entry.publication)
    }

    /// The ids of a kind that were ever published.
    pub fn ids(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.items.keys().filter(move |(of, _)| *of == kind).map(|(_, id)| id.as_str())
    }

    /// The publication of an item that is in force; `None`: none yet, or it is retired.
    #[must_use]
    pub fn in_force(&self, kind: Kind, id: &str, at: Timestamp) -> Option<&Publication> {
        self.entry(kind, id, at).map(|entry| &entry.publication)
    }

    /// Publications that this build cannot read. What they replaced stays in force.
    pub fn unread(&self) -> impl Iterator<Item = &Publication> {
        self.items
            .values()
            .flatten()
            .filter(|e| e.body.is_none() && !e.publication.retired)
            .map(|e| &e.publication)
    }

    /// Calendars by name, each with its hours over time. One that is retired stays: clocks that began under it count on.
    #[must_use]
    pub const fn calendars(&self) -> &BTreeMap<String, Calendar> {
        &self.calendars
    }

    /// A calendar as it is written, for people; `None`: not in force.
    #[must_use]
    pub fn calendar(&self, name: &str, at: Timestamp) -> Option<&Definition> {
        match &self.entry(Kind::Calendar, name, at)?.body {
            Some(Body::Calendar(body)) => Some(body),
            _ => None,
        }
    }

    /// The policies, each with its version.
    #[must_use]
    pub fn policies(&self, at: Timestamp) -> PolicySet {
        self.body(at).map_or_else(PolicySet::new, |body: &Policies| body.policies.clone())
    }

    /// The time rules, in their order.
    #[must_use]
    pub fn time_rules(&self, at: Timestamp) -> &[TimeRule] {
        self.body(at).map_or(&[], |body: &TimeRules| body.rules.as_slice())
    }

    /// Guards and delays; those of a desk without configuration where nothing is in force.
    #[must_use]
    pub fn lifecycle(&self, at: Timestamp) -> Lifecycle {
        self.body(at).cloned().unwrap_or_default()
    }

    /// The tenant; nothing said of it where nothing is in force.
    #[must_use]
    pub fn tenant(&self, at: Timestamp) -> Tenant {
        match self.entry(Kind::Tenant, &self.tenant, at).and_then(|entry| entry.body.as_ref()) {
            Some(Body::Tenant(body)) => body.clone(),
            _ => Tenant::default(),
        }
    }

    /// A figure that the desk defined, with the version of its definition: that version, else the newest. `None`: there
    /// is none, or it is retired.
    #[must_use]
    pub fn figure(&self, name: &str, version: Option<u32>) -> Option<(u32, &Figure)> {
        let entries = self.entries(Kind::Figure, name).iter().rev().map(Arc::as_ref);
        let mut readable = entries.filter(|entry| entry.publication.retired || entry.body.is_some());
        let found = match version {
            Some(version) => readable.find(|entry| entry.publication.version == version)?,
            None => readable.next()?,
        };
        Some((found.publication.version, Figure::of(found.body.as_ref()?)?))
    }

    /// A procedure with its version; `None`: none of that name is in force.
    #[must_use]
    pub fn procedure(&self, id: &str, at: Timestamp) -> Option<(u32, &Procedure)> {
        let entry = self.entry(Kind::Procedure, id, at)?;
        Some((entry.publication.version, Procedure::of(entry.body.as_ref()?)?))
    }

    pub(crate) fn entries(&self, kind: Kind, id: &str) -> &[Arc<Entry>] {
        self.items.get(&(kind, id.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Every item that was ever published, in the order of kinds and ids.
    pub(crate) fn items(&self) -> impl Iterator<Item = (Kind, &str)> {
        self.items.keys().map(|(kind, id)| (*kind, id.as_str()))
    }

    /// The entry in force, one that can be read.
    pub(crate) fn entry(&self, kind: Kind, id: &str, at: Timestamp) -> Option<&Entry> {
        let readable = |e: &&Arc<Entry>| e.publication.retired || e.body.is_some();
        let entries = self.entries(kind, id).iter().rev().filter(readable);
        let newest = entries.map(Arc::as_ref).find(|e| e.publication.effective_from <= at)?;
        (!newest.publication.retired).then_some(newest)
    }

    /// The body in force of a kind of which there is one; `None`: as without configuration.
    #[must_use]
    pub fn body<T: OfKind>(&self, at: Timestamp) -> Option<&T> {
        T::of(self.entry(T::KIND, THE_ONE, at)?.body.as_ref()?)
    }
}

macro_rules! in_force {
    ($($(#[$doc:meta])* $name:ident: $body:ident;)*) => {
        impl Configuration { $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self, at: Timestamp) -> Option<&$body> {
                self.body(at)
            }
        )* }
    };
}

in_force! {
    /// Permissions of the callers; `None`: as without configuration.
    callers: Callers;
    /// The levels of support; `None`: any.
    tiers: Tiers;
    /// The teams; `None`: any name.
    groups: Groups;
    /// The agents; `None`: any name.
    agents: Agents;
    /// The names of states; `None`: any.
    statuses: Statuses;
    /// The categories; `None`: any.
    categories: Categories;
    /// The vocabulary of tags; `None`: any word.
    tags: Tags;
    /// The custom fields; `None`: any.
    fields: Fields;
}
