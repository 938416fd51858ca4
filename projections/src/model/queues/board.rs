//! The tickets that wait, in every order that an answer needs.

use std::collections::{BTreeMap, HashMap};

use guichet_schemas::ids::TicketId;

use super::lane::{Lane, Name};
use super::row::Row;

/// Every tenant's desk.
#[derive(Debug, Default)]
pub(crate) struct Board {
    desks: BTreeMap<String, Desk>,
}

/// A tenant's tickets that wait.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) waiting: BTreeMap<u64, Waiting>,
    places: HashMap<TicketId, u64>,
    pub(crate) all: Lane,
    pub(crate) groups: BTreeMap<Name, Lane>,
    pub(crate) agents: BTreeMap<Name, Lane>,
}

/// A ticket that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) id: TicketId,
    pub(crate) row: Row,
}

impl Board {
    pub(crate) fn desk(&self, tenant: &str) -> Option<&Desk> {
        self.desks.get(tenant)
    }

    /// Brings the board from what a ticket was to what it is.
    pub(super) fn change(&mut self, tenant: &str, id: TicketId, before: Option<&Row>, after: Option<&Row>) {
        let desk = match self.desks.get_mut(tenant) {
            Some(desk) => desk,
            None => self.desks.entry(tenant.to_owned()).or_default(),
        };
        if let Some(before) = before.filter(|row| row.waits()) {
            desk.remove(id, before);
        }
        if let Some(after) = after.filter(|row| row.waits()) {
            desk.add(id, after.clone());
        }
    }
}

impl Desk {
    pub(crate) fn ticket(&self, id: TicketId) -> Option<&Waiting> {
        self.waiting.get(self.places.get(&id)?)
    }

    fn add(&mut self, id: TicketId, row: Row) {
        self.all.add(&row);
        self.groups.entry(Name::from(row.group.as_ref())).or_default().add(&row);
        self.agents.entry(Name::from(row.assignee.as_ref())).or_default().add(&row);
        self.places.insert(id, row.place);
        self.waiting.insert(row.place, Waiting { id, row });
    }

    fn remove(&mut self, id: TicketId, row: &Row) {
        self.all.remove(row);
        remove_from(&mut self.groups, Name::from(row.group.as_ref()), row);
        remove_from(&mut self.agents, Name::from(row.assignee.as_ref()), row);
        self.places.remove(&id);
        self.waiting.remove(&row.place);
    }
}

/// A lane without tickets is no row of the board.
fn remove_from(lanes: &mut BTreeMap<Name, Lane>, name: Name, row: &Row) {
    if let Some(lane) = lanes.get_mut(&name) {
        lane.remove(row);
        if lane.is_empty() {
            lanes.remove(&name);
        }
    }
}
