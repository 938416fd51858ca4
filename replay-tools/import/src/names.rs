//! Names that the configuration of the desk lists: groups, agents, tiers, categories, tags, fields and statuses. A live
//! command with another name is refused, and so is a row, unless `[names]` of the mapping says what becomes of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use guichet_config::Configuration;
use guichet_config::body::{FieldKind, UnknownTags};
use guichet_schemas::event::FieldValue;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TicketState;

use super::balance::{Note, Reason};
use super::bounds::shown;
use super::grammar::{self, Unlisted};
use super::history::{NAME_SHOWN, joined};
use super::limits;
use super::mapping::{Mapping, Meaning, Slot};
use super::row::Row;

/// The names that the desk lists, and the treatment of others.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    treat: grammar::Names,
    desk: Option<Desk>,
}

/// The configuration at an instant.
#[derive(Debug, Clone)]
struct Desk {
    configuration: Arc<Configuration>,
    at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Group,
    Agent,
    Tier,
    Category,
    Tags,
    Field(Slot),
    Status,
}

/// The names of a ticket's rows that the desk does not list, as they were met last.
pub(super) type Strangers = BTreeMap<Kind, String>;

/// The names that were met in a row.
#[derive(Debug, Default)]
pub(super) struct Met {
    pub(super) strangers: Strangers,
    /// Notes to count, and whether the ticket gets one.
    pub(super) told: Vec<(Note, bool)>,
}

impl Kind {
    const fn what(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Agent => "agent",
            Self::Tier => "tier",
            Self::Category => "category",
            Self::Tags => "tag",
            Self::Field(_) => "field of that name that may have the value",
            Self::Status => "status of that state",
        }
    }
}

impl Names {
    pub(super) fn of(treat: Option<grammar::Names>) -> Self {
        Self { treat: treat.unwrap_or_default(), desk: None }
    }

    pub(super) fn of_desk(&mut self, configuration: Configuration, at: Timestamp) {
        self.desk = Some(Desk { configuration: Arc::new(configuration), at });
    }

    fn treat(&self, kind: Kind) -> Unlisted {
        let own = match kind {
            Kind::Group => self.treat.groups,
            Kind::Agent => self.treat.agents,
            Kind::Tier => self.treat.tiers,
            Kind::Category => self.treat.categories,
            Kind::Tags => self.treat.tags,
            Kind::Field(_) => self.treat.fields,
            Kind::Status => self.treat.statuses,
        };
        // The state of a row is worth more than the name that the source has for it.
        let otherwise = if kind == Kind::Status { Unlisted::Note } else { Unlisted::Reject };
        own.or(self.treat.unknown).unwrap_or(otherwise)
    }

    /// Whether a stranger is not taken over.
    pub(super) fn leaves_out(&self, kind: Kind, strangers: &Strangers) -> bool {
        strangers.contains_key(&kind) && self.treat(kind) != Unlisted::Keep
    }
}

/// Looks at the names of a row that the row before does not have, and puts those that may not stay back to what they were.
pub(super) fn meet(
    m: &Mapping,
    now: &mut Cow<'_, Row>,
    before: Option<&Row>,
    known: &Strangers,
) -> Result<Met, Note> {
    let Some(desk) = &m.names.desk else { return Ok(Met::default()) };
    let mut met = Met { strangers: known.clone(), told: Vec::new() };
    let fields = m.ticket.fields.iter().map(|(slot, _)| (*slot, Kind::Field(*slot)));
    let single = [(m.group, Kind::Group), (m.agent, Kind::Agent)];
    let single = single.into_iter().filter_map(|(slot, kind)| Some((slot?, kind)));
    for (slot, kind) in single.chain(fields) {
        let value = changed(now, before, &[slot]).then(|| now.get(slot)).flatten().map(str::to_owned);
        let listed = value.as_deref().is_none_or(|value| desk.lists(m, kind, value));
        if met.looks(m, kind, value.filter(|_| !listed), !changed(now, before, &[slot]))? {
            stays(now, before, slot);
        }
    }
    met.tier(m, desk, now, before)?;
    met.category(m, desk, now, before)?;
    met.tags(m, desk, now, before)?;
    met.status(m, desk, now, before)?;
    Ok(met)
}

impl Met {
    /// Takes notice of a name that the desk does not list. True: it is not taken over.
    fn looks(
        &mut self,
        m: &Mapping,
        kind: Kind,
        stranger: Option<String>,
        unchanged: bool,
    ) -> Result<bool, Note> {
        if unchanged {
            return Ok(false);
        }
        let Some(name) = stranger else {
            self.strangers.remove(&kind);
            return Ok(false);
        };
        let treat = m.names.treat(kind);
        let what = if let Kind::Field(slot) = kind {
            format!(
                "{:?} is {:?}: the desk lists no {}",
                m.columns[slot].name,
                shown(&name, NAME_SHOWN),
                kind.what()
            )
        } else {
            format!("the desk lists no {} {:?}", kind.what(), shown(&name, NAME_SHOWN))
        };
        if treat == Unlisted::Reject {
            return Err(Note::new(Reason::Unlisted, what));
        }
        if self.strangers.get(&kind) != Some(&name) {
            let reason = if treat == Unlisted::Ignore { Reason::Ignored } else { Reason::Unlisted };
            self.told.push((Note::new(reason, what), treat == Unlisted::Note));
            self.strangers.insert(kind, name);
        }
        Ok(treat != Unlisted::Keep)
    }

    fn tier(&mut self, m: &Mapping, desk: &Desk, now: &Row, before: Option<&Row>) -> Result<(), Note> {
        let Some(slot) = m.group else { return Ok(()) };
        let tier = now.get(slot).map(|group| m.tier(group));
        let stranger = tier.filter(|tier| !desk.has_tier(*tier)).map(|tier| tier.to_string());
        self.looks(m, Kind::Tier, stranger, !changed(now, before, &[slot])).map(drop)
    }

    fn category(
        &mut self,
        m: &Mapping,
        desk: &Desk,
        now: &mut Cow<'_, Row>,
        before: Option<&Row>,
    ) -> Result<(), Note> {
        let slots = &m.ticket.category;
        let unchanged = !changed(now, before, slots);
        let path = if unchanged { None } else { limits::category(m, now) };
        let listed = path.as_deref().is_none_or(|path| desk.lists(m, Kind::Category, path));
        if self.looks(m, Kind::Category, path.filter(|_| !listed), unchanged)? {
            slots.iter().for_each(|slot| stays(now, before, *slot));
        }
        Ok(())
    }

    /// Of tags only those go that the desk does not list.
    fn tags(
        &mut self,
        m: &Mapping,
        desk: &Desk,
        now: &mut Cow<'_, Row>,
        before: Option<&Row>,
    ) -> Result<(), Note> {
        let Some(slot) = m.ticket.tags else { return Ok(()) };
        let unchanged = !changed(now, before, &[slot]);
        let all = if unchanged { Vec::new() } else { limits::tags(m, now) };
        let (listed, strangers): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|tag| desk.lists(m, Kind::Tags, tag));
        let stranger = (!strangers.is_empty()).then(|| strangers.join(", "));
        if self.looks(m, Kind::Tags, stranger, unchanged)? {
            match &m.ticket.tag_separator {
                Some(separator) if !listed.is_empty() => {
                    now.to_mut().put_list(slot, &[listed.join(separator)]);
                }
                Some(_) | None => now.to_mut().put_list(slot, &listed),
            }
        }
        Ok(())
    }

    /// The source's own name of a state, which a ticket that waits keeps as its status.
    fn status(&mut self, m: &Mapping, desk: &Desk, now: &Row, before: Option<&Row>) -> Result<(), Note> {
        let Some(states) = &m.state else { return Ok(()) };
        let name = joined(now, &states.columns);
        let meaning = name.as_ref().and_then(|name| states.map.get(name));
        let waits = match meaning {
            Some(Meaning::State { to: to @ (TicketState::Pending | TicketState::Hold), .. }) => Some(*to),
            Some(Meaning::State { .. } | Meaning::Ignore | Meaning::Note) | None => None,
        };
        let stranger = waits.zip(name).filter(|(to, name)| !desk.has_status(name, *to)).map(|(_, name)| name);
        self.looks(m, Kind::Status, stranger, !changed(now, before, &states.columns)).map(drop)
    }
}

fn changed(now: &Row, before: Option<&Row>, slots: &[Slot]) -> bool {
    before.is_none_or(|before| slots.iter().any(|slot| before.get(*slot) != now.get(*slot)))
}

fn stays(now: &mut Cow<'_, Row>, before: Option<&Row>, slot: Slot) {
    let values: Vec<String> =
        before.map_or_else(Vec::new, |before| before.values(slot).map(str::to_owned).collect());
    now.to_mut().put_list(slot, &values);
}

impl Desk {
    /// Whether a name is listed, or nothing is.
    fn lists(&self, m: &Mapping, kind: Kind, name: &str) -> bool {
        let (c, at) = (&self.configuration, self.at);
        match kind {
            Kind::Group => c.groups(at).is_none_or(|groups| groups.get(name).is_some()),
            Kind::Agent => c.agents(at).is_none_or(|agents| agents.get(name).is_some()),
            Kind::Category => c.categories(at).is_none_or(|categories| categories.has(name)),
            Kind::Tags => {
                let tags = c.tags(at).filter(|tags| tags.unknown == UnknownTags::Refuse);
                tags.is_none_or(|tags| tags.meant_by(name).is_some())
            }
            Kind::Field(slot) => c.fields(at).is_none_or(|fields| {
                m.field_name(slot).and_then(|field| fields.get(field)).is_some_and(|field| {
                    match (field.kind, limits::field_value(m, slot, name)) {
                        (FieldKind::Text, FieldValue::Text(text)) => {
                            field.options.is_empty() || field.options.contains(&text)
                        }
                        (FieldKind::Number, FieldValue::Number(_))
                        | (FieldKind::Flag, FieldValue::Flag(_)) => true,
                        (FieldKind::Text | FieldKind::Number | FieldKind::Flag, _) => false,
                    }
                })
            }),
            Kind::Tier | Kind::Status => true,
        }
    }

    fn has_tier(&self, tier: u32) -> bool {
        let tiers = self.configuration.tiers(self.at);
        tiers.is_none_or(|tiers| tiers.tiers.iter().any(|known| known.tier == tier))
    }

    fn has_status(&self, name: &str, state: TicketState) -> bool {
        let statuses = self.configuration.statuses(self.at);
        statuses.is_none_or(|known| known.get(name).is_some_and(|status| status.state.0 == state))
    }
}
