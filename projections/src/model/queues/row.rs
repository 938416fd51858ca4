//! What the board knows of a ticket. The subject lies apart: it never changes, and the row does often.

use guichet_schemas::event::{
    Classification, Event, LifeCycle, Ownership, TicketAssigned, TicketCreated, TicketEvent,
};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire::Personal;
use guichet_schemas::words::{Priority, TicketState};

/// A ticket's row, as it is stored.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Row {
    /// Position of its creation: its place in the line, and its short name in memory.
    #[prost(uint64, tag = "1")]
    pub(crate) place: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) number: u64,
    #[prost(int32, tag = "3")]
    pub(crate) state: i32,
    #[prost(int32, tag = "4")]
    pub(crate) priority: i32,
    #[prost(string, optional, tag = "5")]
    pub(crate) group: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) assignee: Option<String>,
    #[prost(int64, tag = "7")]
    pub(crate) created_at: i64,
    #[prost(int64, tag = "8")]
    pub(crate) state_since: i64,
    #[prost(int64, optional, tag = "9")]
    pub(crate) due_at: Option<i64>,
    #[prost(string, optional, tag = "10")]
    pub(crate) organisation: Option<String>,
    #[prost(uint32, tag = "11")]
    pub(crate) tier: u32,
    #[prost(bool, tag = "12")]
    pub(crate) synthetic: bool,
}

/// A ticket's subject as it came in, sealed, with the command that it is bound to.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Subject {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) command_id: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub(crate) text: Option<Personal>,
}

impl Row {
    pub(crate) fn state(&self) -> Option<TicketState> {
        TicketState::from_wire(self.state).ok()
    }

    pub(crate) fn priority(&self) -> Option<Priority> {
        Priority::from_wire(self.priority).ok()
    }

    /// Stands in a queue.
    pub(crate) fn waits(&self) -> bool {
        !self.synthetic && self.state().is_some_and(|state| !state.is_done())
    }

    fn enter(&mut self, to: TicketState, at: i64) {
        if self.state() != Some(to) {
            self.state_since = at;
        }
        self.state = to.to_wire();
    }
}

/// What an event does to a row.
pub(super) enum Step<'a> {
    Created(&'a TicketCreated),
    Entered(TicketState),
    Routed(Option<&'a String>),
    Assigned(&'a TicketAssigned),
    Unassigned,
    Tier(u32),
    Priority(Priority),
}

impl<'a> Step<'a> {
    /// `None` where an event changes no row: most comments and tags need not be looked at.
    pub(super) const fn of(event: &'a Event) -> Option<Self> {
        let Event::Ticket(event) = event else { return None };
        match event {
            TicketEvent::LifeCycle(event) => Self::of_life_cycle(event),
            TicketEvent::Ownership(event) => Some(Self::of_ownership(event)),
            TicketEvent::Classification(Classification::PriorityChanged(e)) => Some(Self::Priority(e.to)),
            TicketEvent::Conversation(_) | TicketEvent::Classification(_) => None,
        }
    }

    const fn of_life_cycle(event: &'a LifeCycle) -> Option<Self> {
        match event {
            LifeCycle::TicketCreated(e) => Some(Self::Created(e)),
            LifeCycle::TicketImported(_) => None,
            LifeCycle::StatusChanged(e) => Some(Self::Entered(e.to)),
            LifeCycle::TicketResolved(_) => Some(Self::Entered(TicketState::Resolved)),
            LifeCycle::TicketReopened(_) => Some(Self::Entered(TicketState::Open)),
            LifeCycle::TicketClosed(_) => Some(Self::Entered(TicketState::Closed)),
            LifeCycle::TicketCancelled(_) => Some(Self::Entered(TicketState::Cancelled)),
        }
    }

    const fn of_ownership(event: &'a Ownership) -> Self {
        match event {
            Ownership::TicketRouted(e) => Self::Routed(e.to_group.as_ref()),
            Ownership::TicketAssigned(e) => Self::Assigned(e),
            Ownership::TicketUnassigned(_) => Self::Unassigned,
            Ownership::TicketEscalated(e) => Self::Tier(e.to_tier),
            Ownership::TicketDeescalated(e) => Self::Tier(e.to_tier),
        }
    }

    pub(super) fn take(self, row: &mut Option<Row>, record: &Record) {
        match (self, row) {
            (Self::Created(e), row) => *row = Some(created(e, record)),
            (Self::Entered(state), Some(row)) => row.enter(state, record.occurred_at.0),
            (Self::Routed(group), Some(row)) => row.group = group.cloned(),
            (Self::Assigned(e), Some(row)) => {
                row.group.clone_from(&e.group);
                row.assignee = Some(e.to.clone());
            }
            (Self::Unassigned, Some(row)) => row.assignee = None,
            (Self::Tier(tier), Some(row)) => row.tier = tier,
            (Self::Priority(priority), Some(row)) => row.priority = priority.to_wire(),
            // Before its creation a ticket has no row.
            (_, None) => {}
        }
    }
}

fn created(e: &TicketCreated, record: &Record) -> Row {
    Row {
        place: record.position.get(),
        number: e.number,
        state: e.first_state().to_wire(),
        priority: e.priority.to_wire(),
        group: e.group.clone(),
        assignee: e.assignee.clone(),
        created_at: record.occurred_at.0,
        state_since: record.occurred_at.0,
        due_at: e.due_at.to_wire(),
        organisation: e.organisation.clone(),
        tier: e.tier,
        synthetic: e.synthetic,
    }
}
