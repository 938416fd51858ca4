//! The tickets that wait, in every order that an answer needs.

use std::collections::{BTreeMap, HashMap};

use guichet_schemas::ids::TicketId;

use super::lane::Lane;
use super::row::Row;
use crate::queries::ask::Name;

/// Every tenant's desk.
#[derive(Debug, Default)]
pub(crate) struct Board {
    desks: BTreeMap<String, TenantBoard>,
    /// All of when tickets are due by their clocks was told.
    pub(crate) has_dues: bool,
}

/// A tenant's tickets that wait.
#[derive(Debug, Default)]
pub(crate) struct TenantBoard {
    pub(crate) waiting: BTreeMap<u64, Waiting>,
    places: HashMap<TicketId, u64>,
    /// When tickets are due by their clocks; also of those that are not here yet, or not any more.
    by_clock: HashMap<TicketId, i64>,
    pub(crate) all: Lane,
    pub(crate) groups: BTreeMap<Name, Lane>,
    pub(crate) agents: BTreeMap<Name, Lane>,
}

/// A ticket that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) id: TicketId,
    pub(crate) row: Row,
    /// By its clocks or by its own date, whichever is sooner.
    pub(crate) due_at: Option<i64>,
}

impl Board {
    pub(crate) fn desk(&self, tenant: &str) -> Option<&TenantBoard> {
        self.desks.get(tenant)
    }

    /// Brings the board from what a ticket was to what it is.
    pub(super) fn change(&mut self, tenant: &str, id: TicketId, before: Option<&Row>, after: Option<&Row>) {
        let desk = self.own(tenant);
        if let Some(before) = before.filter(|row| row.waits()) {
            desk.remove(id, before);
        }
        if let Some(after) = after.filter(|row| row.waits()) {
            desk.add(id, after.clone());
        }
    }

    /// Takes when a ticket is due by its clocks.
    pub(crate) fn hear(&mut self, tenant: &str, id: TicketId, by_clock: Option<i64>) {
        self.own(tenant).hear(id, by_clock);
    }

    /// Everybody who is due by a clock, as far as was told.
    pub(crate) fn by_clock(&self) -> Vec<(String, TicketId)> {
        let of = |(tenant, desk): (&String, &TenantBoard)| {
            desk.by_clock.keys().map(|id| (tenant.clone(), *id)).collect::<Vec<_>>()
        };
        self.desks.iter().flat_map(of).collect()
    }

    fn own(&mut self, tenant: &str) -> &mut TenantBoard {
        if !self.desks.contains_key(tenant) {
            self.desks.insert(tenant.to_owned(), TenantBoard::default());
        }
        match self.desks.get_mut(tenant) {
            Some(desk) => desk,
            None => unreachable!("it was just put there"),
        }
    }
}

impl TenantBoard {
    pub(crate) fn ticket(&self, id: TicketId) -> Option<&Waiting> {
        self.waiting.get(self.places.get(&id)?)
    }

    fn add(&mut self, id: TicketId, row: Row) {
        let due_at = row.due(self.by_clock.get(&id).copied());
        self.all.add(&row, due_at);
        self.groups.entry(Name::from(row.group.as_ref())).or_default().add(&row, due_at);
        self.agents.entry(Name::from(row.assignee.as_ref())).or_default().add(&row, due_at);
        self.places.insert(id, row.place);
        self.waiting.insert(row.place, Waiting { id, row, due_at });
    }

    fn remove(&mut self, id: TicketId, row: &Row) {
        let due_at = self.waiting.get(&row.place).and_then(|waiting| waiting.due_at);
        self.all.remove(row, due_at);
        remove_from(&mut self.groups, Name::from(row.group.as_ref()), row, due_at);
        remove_from(&mut self.agents, Name::from(row.assignee.as_ref()), row, due_at);
        self.places.remove(&id);
        self.waiting.remove(&row.place);
    }

    fn hear(&mut self, id: TicketId, by_clock: Option<i64>) {
        match by_clock {
            Some(at) => drop(self.by_clock.insert(id, at)),
            None => drop(self.by_clock.remove(&id)),
        }
        let Some(waiting) = self.places.get(&id).and_then(|place| self.waiting.get_mut(place)) else {
            return;
        };
        let after = waiting.row.due(by_clock);
        let before = std::mem::replace(&mut waiting.due_at, after);
        let Row { place, group, assignee, .. } = &waiting.row;
        let (group, agent) = (Name::from(group.as_ref()), Name::from(assignee.as_ref()));
        let named = [self.groups.get_mut(&group), self.agents.get_mut(&agent)].into_iter().flatten();
        for lane in [&mut self.all].into_iter().chain(named) {
            lane.move_due(*place, before, after);
        }
    }
}

/// A lane without tickets is no row of the board.
fn remove_from(lanes: &mut BTreeMap<Name, Lane>, name: Name, row: &Row, due_at: Option<i64>) {
    if let Some(lane) = lanes.get_mut(&name) {
        lane.remove(row, due_at);
        if lane.is_empty() {
            lanes.remove(&name);
        }
    }
}
